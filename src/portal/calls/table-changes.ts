// What the portal reads and changes of tables, their rows and their scripts.
import type {
  CreateTable,
  InsertedRowsView,
  PermissionsView,
  RowView,
  ScriptTextView,
  ScriptWrittenView,
  SetPermissions,
  TableChangeView,
  TableView,
  TruncateView,
} from '../../contract/api.ts'
import { API } from '../../contract/api-routes.ts'
import { call, pathOf } from './call.ts'

/** `filter` is in the words of `$filter`. */
export type RowsWanted = { skip: number; top: number; orderBy: string | null; filter: string | null }
export type RowsPage = { rows: RowView[]; count: number | null }

/** One page, and how many there are. */
export async function readRows(service: string, table: string, wanted: RowsWanted, signal: AbortSignal) {
  const query = {
    ...{ $top: wanted.top, $skip: wanted.skip, $inlinecount: 'allpages', __systemProperties: '*' },
    ...(wanted.orderBy === null ? {} : { $orderby: wanted.orderBy }),
    ...(wanted.filter === null ? {} : { $filter: wanted.filter }),
  }
  const answer = await call<RowView[] | { results: RowView[]; count: number }>(pathOf(API.data, { service, table }), {
    query,
    signal,
  })
  return Array.isArray(answer) ? { rows: answer, count: null } : { rows: answer.results, count: answer.count }
}

export const insertRows = (service: string, table: string, rows: RowView[]) =>
  call<InsertedRowsView>(pathOf(API.data, { service, table }), { method: 'POST', body: { rows } })
export const updateRow = (service: string, table: string, id: string, row: RowView, version: string | undefined) => {
  const body = version === undefined ? { row } : { row, version }
  return call<RowView>(pathOf(API.data, { service, table }), { method: 'PATCH', query: { id }, body })
}
export const deleteRow = (service: string, table: string, id: string) =>
  call<void>(pathOf(API.data, { service, table }), { method: 'DELETE', query: { id } })

export const createTable = (service: string, request: CreateTable) =>
  call<TableView>(pathOf(API.tables, { service }), { method: 'POST', body: request })
export const deleteTable = (service: string, table: string) =>
  call<void>(pathOf(API.table, { service, table }), { method: 'DELETE' })

export const setPermissions = (service: string, table: string, wanted: SetPermissions | PermissionsView) =>
  call<TableView>(pathOf(API.permissions, { service, table }), { method: 'PUT', body: wanted })

export const addColumn = (service: string, table: string, column: string, type: string) =>
  call<TableChangeView>(pathOf(API.column, { service, table, column }), { method: 'POST', body: { type } })
export const dropColumn = (service: string, table: string, column: string) =>
  call<TableChangeView>(pathOf(API.column, { service, table, column }), { method: 'DELETE' })
export const addIndex = (service: string, table: string, column: string) =>
  call<TableChangeView>(pathOf(API.index, { service, table, column }), { method: 'PUT' })
export const dropIndex = (service: string, table: string, column: string) =>
  call<TableChangeView>(pathOf(API.index, { service, table, column }), { method: 'DELETE' })

export const truncate = (service: string, table: string, wanted: { confirm: boolean }) =>
  call<TruncateView>(pathOf(API.truncate, { service, table }), { method: 'POST', body: wanted })

export const readScript = (service: string, script: string) =>
  call<ScriptTextView>(pathOf(API.script, { service, script }))
export const writeScript = (service: string, script: string, text: string) =>
  call<ScriptWrittenView>(pathOf(API.script, { service, script }), { method: 'PUT', body: { text } })
export const deleteScript = (service: string, script: string) =>
  call<ScriptWrittenView>(pathOf(API.script, { service, script }), { method: 'DELETE' })
