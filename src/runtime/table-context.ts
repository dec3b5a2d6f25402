// What a table request works on, and what both generations do alike: who may, which script runs, what no lease covers.
import type { TableDefinition } from '../contract/assignment.ts'
import type { TableOperation } from '../contract/permissions.ts'
import { INTERNAL_HEADER } from '../contract/protocols.ts'
import type { Answer } from './answer.ts'
import { badRequest, unauthorized } from './app-faults.ts'
import type { AppRequest } from './app-request.ts'
import { type AppUser, authorize } from './credentials.ts'
import type { Leases } from './leases.ts'
import { parseOptions } from './read-query.ts'
import { answerByScript } from './script-answer.ts'
import { findScript, type Scripts } from './scripts.ts'
import type { ServedService } from './services.ts'

/** What a table request works on. */
export type TableContext = {
  request: AppRequest
  service: ServedService
  leases: Leases
  scripts: Scripts
  user: AppUser
  table: TableDefinition
}

/** Refuses who may not. */
export function permit({ request, service, user, table }: TableContext, operation: TableOperation): void {
  const { headers, query, clientGeneration } = request
  const { assignment } = service
  const isKeyAsked = clientGeneration === 1 || assignment.isKeyRequired !== false
  authorize(table.permissions[operation], { user, headers }, assignment, { isKeyAsked })
  if (parseOptions(query).isScriptSkipped && user.level !== 'admin') throw unauthorized()
}

/** The answer of the table's script, where it has one for that operation and the request does not skip it. */
export function scripted(context: TableContext, operation: TableOperation, id: string | null): Promise<Answer> | null {
  const script = findScript(context.service.assignment, context.table.name, operation)
  if (!script || parseOptions(context.request.query).isScriptSkipped) return null
  // An operator who reads or deletes rows means the rows, not what a script makes of them.
  if (isOperators(context)) return null
  return answerByScript(context, script, id)
}

/** True for a request that control makes for an operator; gateways take the header away from others. */
export function isOperators({ request }: TableContext): boolean {
  return request.headers[INTERNAL_HEADER] === '1'
}

/** Does the work under the lease of the service's server. */
export async function guarded(
  { leases, service }: TableContext,
  isWrite: boolean,
  work: () => Promise<Answer>,
): Promise<Answer> {
  return await leases.guard({ server: service.assignment.database.server, isWrite }, work)
}

/** Refuses an undelete that has content, or where nothing is ever marked. */
export async function requireUndelete({ request, service, table }: TableContext): Promise<void> {
  if ((await request.readBody()) !== undefined) throw badRequest('An undelete request must not have content.')
  if (await service.store.hasSoftDelete(table.name, request.work)) return
  throw badRequest('The undelete operation is not supported on this table.')
}
