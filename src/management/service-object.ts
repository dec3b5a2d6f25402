// A mobile service as the original's tools are shown it.
import type { ServiceView } from '../contract/api.ts'

export type ServiceObject = {
  name: string
  type: 'ZumoApp'
  state: string
  selflink: string
  applicationUrl: string
  applicationKey: string
  masterKey: string
  tables: { name: string; selflink: string }[]
  webspace: string
  region: string
  enableExternalPushEntity: boolean
  /** Where git finds its repository, if it has one. */
  sourceRepositoryUrl?: string
}

/** `base` is the URL of all of them, without a slash at its end. */
export function serviceObjectOf(base: string, view: ServiceView): ServiceObject {
  const selflink = `${base}/${view.name}`
  const repository = view.sourceRepositoryUrl ?? null
  return {
    name: view.name,
    type: 'ZumoApp',
    state: view.health.state,
    selflink,
    applicationUrl: view.url,
    applicationKey: view.applicationKey,
    masterKey: view.masterKey,
    tables: view.tables.map((name) => ({ name, selflink: `${selflink}/tables/${name}` })),
    webspace: `${view.region.toUpperCase().replace(/[^A-Z0-9]/g, '')}WEBSPACE`,
    region: view.region,
    enableExternalPushEntity: true,
    ...(repository === null ? {} : { sourceRepositoryUrl: repository }),
  }
}
