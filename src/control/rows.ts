// Rows of a table through the management API: read, inserted, changed, deleted, with the service's own runtime.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { InsertedRowsView, InsertRows, RowView, TruncateView, UpdateRow } from '../contract/api.ts'
import { TRUNCATE_PATH } from '../contract/protocols.ts'
import { ID_COLUMN } from '../contract/table-format.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { POOL_CONNECTIONS_MAX, TRUNCATE_ROUNDS_MAX, TRUNCATE_ROWS_MAX } from '../kit/limits.ts'
import { requireReachable } from '../regions/hosts.ts'
import { getService, getTable } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'
import type { RuntimeAnswer, RuntimeCall } from './machine-field.ts'
import { refusalOf, runtimeTarget } from './service-runtime.ts'
import { requireUsable, viewTables } from './tables.ts'

type Names = { service: string; table: string }

/** Reads rows as the master key may. */
export async function readRows(deps: ApiDeps, caller: Caller, names: Names, query: string): Promise<RuntimeAnswer> {
  const { ask, table } = await openTable(deps, caller, names)
  return await ask({ method: 'GET', path: `/tables/${encodeURIComponent(table)}${query}` })
}

/** Inserts rows, each by itself: one that is refused keeps none of the others out, and is told by its place. */
export async function insertRows(
  deps: ApiDeps,
  caller: Caller,
  names: Names,
  { rows }: InsertRows,
): Promise<InsertedRowsView> {
  const { ask, table, service } = await openTable(deps, caller, names)
  const view: InsertedRowsView = { ids: rows.map(() => null), problems: [] }
  const path = `/tables/${encodeURIComponent(table)}`
  const left = [...rows.entries()]
  // A service that does not answer is not asked for each row again.
  let silence: string | null = null
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, body] = next
      try {
        if (silence !== null) throw new Fault('data.not_tried', 503, `not tried: ${silence}`)
        view.ids[index] = idOf((await ask({ method: 'POST', path, body })).body)
      } catch (error) {
        if (error instanceof Fault && error.code === 'door.unreachable') silence = error.message
        view.problems.push({ index, message: messageOf(error) })
      }
    }
  }
  await Promise.all(Array.from({ length: POOL_CONNECTIONS_MAX }, work))
  view.problems.sort((one, other) => one.index - other.index)
  const inserted = view.ids.filter((id) => id !== null)
  if (inserted.length > 0) {
    const after = inserted.length === 1 ? { id: inserted[0] } : { rowCount: inserted.length }
    await audit(deps.db, caller, { action: 'mobile data insert', subject: `${service}/${table}`, after })
  }
  return view
}

/** Changes one row; answers it as it is then. Faults with `data.refused`, and `data.changed` when its version is another. */
export async function updateRow(
  deps: ApiDeps,
  caller: Caller,
  names: Names & { id: string },
  { row, version }: UpdateRow,
): Promise<RowView> {
  const { ask, table, service } = await openTable(deps, caller, names)
  const { id } = names
  const path = `/tables/${encodeURIComponent(table)}/${encodeURIComponent(id)}?__systemProperties=*`
  const headers = version === undefined ? {} : { 'if-match': `"${version.replaceAll('"', '\\"')}"` }
  const { body } = await ask({ method: 'PATCH', path, body: row, headers })
  const after = { id, columns: Object.keys(row).filter((column) => column !== ID_COLUMN) }
  await audit(deps.db, caller, { action: 'mobile data update', subject: `${service}/${table}`, after })
  return body as RowView
}

/** Deletes one row. Faults with `data.refused` when there is none of that id. */
export async function deleteRow(deps: ApiDeps, caller: Caller, names: Names, id: string): Promise<void> {
  const { ask, table, service } = await openTable(deps, caller, names)
  await ask({ method: 'DELETE', path: `/tables/${encodeURIComponent(table)}/${encodeURIComponent(id)}` })
  await audit(deps.db, caller, { action: 'mobile data delete', subject: `${service}/${table}`, before: { id } })
}

/** Deletes all rows, in rounds; without `isConfirmed` it only counts them. What fails in between can be given again. */
export async function truncateRows(
  deps: ApiDeps,
  caller: Caller,
  names: Names,
  isConfirmed: boolean,
): Promise<TruncateView> {
  if (!isConfirmed) {
    const [view] = await viewTables(deps, caller, names.service, names.table)
    return { didTruncate: false, rowCount: view?.recordCount ?? 0 }
  }
  const { ask, table, service } = await openTable(deps, caller, names)
  let rowCount = 0
  try {
    for (let round = 1; round <= TRUNCATE_ROUNDS_MAX; round += 1) {
      const { body } = await ask({ method: 'POST', path: TRUNCATE_PATH, body: { table } })
      const deleted = deletedOf(body)
      rowCount += deleted
      if (deleted < TRUNCATE_ROWS_MAX) break
    }
  } finally {
    await audit(deps.db, caller, {
      action: 'mobile data truncate',
      subject: `${service}/${table}`,
      before: { rowCount },
    })
  }
  return { didTruncate: true, rowCount }
}

async function openTable(deps: ApiDeps, caller: Caller, names: Names) {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const table = await getTable(deps.db, service, names.table)
  await requireUsable(deps, service)
  requireReachable(deps.field, service.machine, `'${service.name}'`)
  const target = runtimeTarget(deps, service)
  const ask = async (call: RuntimeCall) => {
    const answer = await deps.field.askRuntime(target, call)
    if (answer.status < 400) return answer
    if (answer.status === 412) {
      throw new Fault('data.changed', 409, 'the row was changed since it was read', { hint: 'Read it again first.' })
    }
    const status = answer.status === 503 || answer.status === 404 ? answer.status : 400
    throw new Fault('data.refused', status, refusalOf(answer.body))
  }
  return { ask, table: table.name, service: service.name }
}

function idOf(body: unknown): string | null {
  return typeof body === 'object' && body !== null && 'id' in body ? String(body.id) : null
}

function deletedOf(body: unknown): number {
  return typeof body === 'object' && body !== null && 'deleted' in body ? Number(body.deleted) : 0
}
