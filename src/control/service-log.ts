// The log of a service, from the host that serves it.
import type { Caller } from '../accounts/caller.ts'
import type { LogView } from '../contract/api.ts'
import type { LogPage, LogQuery } from '../contract/service-log.ts'
import { requireReachable } from '../regions/hosts.ts'
import { getService } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'

/** The lines that are wanted. Faults at once when the service's home is lost. */
export async function viewLog(deps: ApiDeps, caller: Caller, name: string, query: LogQuery): Promise<LogView> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  await deps.field.settle()
  requireReachable(deps.field, service.machine, `the log of '${service.name}'`)
  const path = `/service-logs/${encodeURIComponent(service.id)}`
  const page = (await deps.field.order(service.machine, { method: 'POST', path, body: query })) as LogPage
  const results = page.entries.map(({ at, ...entry }) => ({ ...entry, timeCreated: new Date(at).toISOString() }))
  return { machine: service.machine, results, continuationToken: page.more }
}
