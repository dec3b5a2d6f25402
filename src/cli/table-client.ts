// Tables of a mobile service with their rows, as the CLI calls control for them.
import type {
  CreateTable,
  InsertedRowsView,
  InsertRows,
  RowView,
  SetPermissions,
  TableChangeView,
  TableView,
  TruncateView,
  UpdateRow,
} from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import type { ColumnType } from '../contract/table-change.ts'
import { INSERT_CALL_MS_MAX, TRUNCATE_CALL_MS_MAX } from '../kit/limits.ts'
import { type ControlCalls, FOLLOWED, fill } from './control-calls.ts'

/** The calls for what lies in a service's database. */
export class TableClient {
  readonly #calls: ControlCalls

  constructor(calls: ControlCalls) {
    this.#calls = calls
  }

  listTables = async (service: string) => await this.#calls.list('TableView', fill(API.tables, { service }))

  async getTable(service: string, table: string): Promise<TableView> {
    return await this.#calls.get('TableView', fill(API.table, { service, table }))
  }

  async createTable(service: string, request: CreateTable): Promise<TableView> {
    const path = fill(API.tables, { service })
    return await this.#calls.send('TableView', { verb: 'POST', path, body: request, ...FOLLOWED })
  }

  async deleteTable(service: string, table: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.table, { service, table }), ...FOLLOWED })
  }

  async readData(service: string, table: string, query: Record<string, string>): Promise<RowView[]> {
    return await this.#calls.list('RowView', fill(API.data, { service, table }), query)
  }

  async setPermissions(service: string, table: string, permissions: SetPermissions): Promise<void> {
    const path = fill(API.permissions, { service, table })
    await this.#calls.call({ verb: 'PUT', path, body: permissions, ...FOLLOWED })
  }

  async addColumn(service: string, table: string, wanted: { column: string; type: ColumnType }): Promise<void> {
    const { column, type } = wanted
    await this.#calls.call({ verb: 'POST', path: fill(API.column, { service, table, column }), body: { type } })
  }

  async deleteColumn(service: string, table: string, column: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.column, { service, table, column }) })
  }

  async addIndex(service: string, table: string, column: string): Promise<TableChangeView> {
    const path = fill(API.index, { service, table, column })
    return await this.#calls.send('TableChangeView', { verb: 'PUT', path })
  }

  async deleteIndex(service: string, table: string, column: string): Promise<TableChangeView> {
    const path = fill(API.index, { service, table, column })
    return await this.#calls.send('TableChangeView', { verb: 'DELETE', path })
  }

  async setSoftDelete(service: string, table: string, isOn: boolean): Promise<TableChangeView> {
    const path = fill(API.softDelete, { service, table })
    return await this.#calls.send('TableChangeView', { verb: isOn ? 'PUT' : 'DELETE', path })
  }

  /** Counts the rows, or deletes them all when it is confirmed. */
  async truncate(service: string, table: string, confirm: boolean): Promise<TruncateView> {
    const path = fill(API.truncate, { service, table })
    return await this.#calls.send('TruncateView', {
      verb: 'POST',
      path,
      body: { confirm },
      timeoutMs: TRUNCATE_CALL_MS_MAX,
    })
  }

  async insertRows(service: string, table: string, body: InsertRows): Promise<InsertedRowsView> {
    const path = fill(API.data, { service, table })
    return await this.#calls.send('InsertedRowsView', { verb: 'POST', path, body, timeoutMs: INSERT_CALL_MS_MAX })
  }

  async updateRow(service: string, table: string, id: string, body: UpdateRow): Promise<RowView> {
    const path = fill(API.data, { service, table })
    return await this.#calls.send('RowView', { verb: 'PATCH', path, query: { id }, body })
  }

  async deleteRow(service: string, table: string, id: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.data, { service, table }), query: { id } })
  }
}
