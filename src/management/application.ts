// An application as the original's tools read it: a service, its database and its server, as resources of one thing.
import { element, xmlDocument } from './xml.ts'

export type ApplicationFacts = {
  application: string
  service: string
  /** Of the service's health. */
  state: string
  message: string | null
  schema: string
  server: string
  /** The server was made for this service; others are only linked. */
  isOwn: boolean
}

type Resource = { name: string; logical: string; type: string; state: string; link: string; failure: string }

const TYPES = {
  service: 'Microsoft.WindowsAzure.MobileServices.MobileService',
  database: 'Microsoft.WindowsAzure.SQLAzure.DataBase',
  server: 'Microsoft.WindowsAzure.SQLAzure.Server',
}

/** The document; `base` is the URL of the subscription, without a slash at its end. */
export function applicationXml(base: string, facts: ApplicationFacts): string {
  const { application, service, schema, server } = facts
  const isWell = facts.state === 'Ready'
  const serverLink = `${base}/services/sqlservers/servers/${server}`
  const own: Resource = {
    ...{ name: service, logical: 'ZumoMobileService', type: TYPES.service },
    state: isWell ? 'ProvisionConfigured' : facts.state,
    link: `${base}/services/mobileservices/mobileservices/${service}`,
    // The tools show what stands between these two words.
    failure: isWell ? '' : `<Message>${facts.message ?? facts.state}</Message>`,
  }
  const database: Resource = {
    ...{ name: schema, logical: 'ZumoSqlDatabase', type: TYPES.database },
    ...{ state: 'Provisioned', link: `${serverLink}/databases/${schema}`, failure: '' },
  }
  const place: Resource = {
    ...{ name: server, logical: 'ZumoSqlServer', type: TYPES.server, link: serverLink, failure: '' },
    state: facts.isOwn ? 'ProvisionConfigured' : 'Linked',
  }
  const internal = [own, database, ...(facts.isOwn ? [place] : [])]
  return xmlDocument('Application', [
    element('Name', application),
    element('Label', service),
    element('Description', service),
    element('Uri', `${base}/applications/${application}`),
    element('State', isWell ? 'Healthy' : facts.state),
    listOf('InternalResource', internal),
    listOf('ExternalResource', facts.isOwn ? [] : [place]),
  ])
}

function listOf(name: string, resources: Resource[]): string {
  const inside = resources.map((one) =>
    element(name, {
      inside: [
        element('LogicalName', one.logical),
        element('State', one.state),
        element('Type', one.type),
        element('Name', one.name),
        element('SelfLinkUri', one.link),
        element('FailureCode', one.failure),
      ],
    }),
  )
  return element(`${name}s`, { inside })
}
