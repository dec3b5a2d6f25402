// Making a mobile service safe again after a recovery: a standby for its server, a secondary for itself.
import type { DryRunView, ServiceView } from '../contract/api.ts'
import { waitFor } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { PROTECTION_LOOK_MS, PROTECTION_MS_MAX } from '../kit/limits.ts'
import type { Client } from './client.ts'
import type { Session } from './command.ts'
import { followOperation, followSteps } from './follow.ts'

/** What is missing, in sentences; nothing is changed. */
export async function planProtection(client: Client, service: ServiceView, region: string | undefined) {
  const { server, isServerBare, secondaryName } = await lookAt(client, service)
  const location = region === undefined ? {} : { location: region }
  const changes: string[] = []
  if (isServerBare) changes.push(...(await client.planProtectServer(server, location)).changes)
  if (secondaryName !== null) {
    const wanted = { name: secondaryName, secondaryFor: service.name, ...location }
    // Until its server is made, a region that has just come back may have none for it.
    const plan = await client.planCreate(wanted).catch((): DryRunView => ({ isDryRun: true, changes: [] }))
    changes.push(...(plan.changes.length > 0 ? plan.changes : [`Create '${secondaryName}' as its secondary`]))
  }
  return changes
}

/** Gives a service what is missing, step by step; given again it goes on where it was. Returns the service as it is. */
export async function protectService(
  session: Session,
  client: Client,
  service: ServiceView,
  region: string | undefined,
): Promise<ServiceView> {
  const { server, isServerBare, secondaryName } = await lookAt(client, service)
  const location = region === undefined ? {} : { location: region }
  if (isServerBare) {
    session.talk.info(`Protecting ${server}`)
    await followSteps(session, client, await client.protectServer(server, location))
  }
  if (secondaryName !== null) {
    session.talk.progress(`Creating its secondary ${secondaryName}`)
    const wanted = { name: secondaryName, secondaryFor: service.name, ...location }
    // A region that has just come back is being given a server for it.
    const operation = await waitFor(
      'a server for the secondary',
      async () => {
        try {
          return await client.createService(wanted)
        } catch (error) {
          if (error instanceof Fault && error.code === 'region.no_database') return undefined
          throw error
        }
      },
      { withinMs: PROTECTION_MS_MAX, everyMs: PROTECTION_LOOK_MS },
    )
    await followOperation(session, client, { operation })
  }
  const isSafe = async () => {
    const { kind, isProtected } = await client.getServer(server)
    return kind === 'external' || isProtected ? true : undefined
  }
  await waitFor(`${server} to be protected`, isSafe, { withinMs: PROTECTION_MS_MAX, everyMs: PROTECTION_LOOK_MS })
  return await client.getService(service.name)
}

async function lookAt(client: Client, service: ServiceView) {
  const { name, kind, members } = await client.getServer(service.server)
  const isServerBare = kind === 'managed' && members.every(({ role }) => role !== 'standby')
  const secondaryName = service.secondary === null ? await freeName(client, service) : null
  return { server: name, isServerBare, secondaryName }
}

// The name that its secondary had, where that is free again.
async function freeName(client: Client, service: ServiceView): Promise<string> {
  const taken = new Set((await client.listServices()).map(({ name }) => name.toLowerCase()))
  const operations = await client.listOperations({ service: service.name, top: 50 })
  const before = operations.find(({ kind, plan }) => kind === 'recover' && plan !== null)?.plan?.secondary
  if (before !== undefined && !taken.has(before.toLowerCase())) return before
  for (let number = 2; ; number += 1) {
    const name = `${service.name}-${number}`
    if (!taken.has(name.toLowerCase())) return name
  }
}
