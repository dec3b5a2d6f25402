// The ceiling: a bare node:http server over `pg` with the very statements that the runtime runs, and nothing else: nobody
// is asked who they are, nothing is checked, counted or logged. Started by bench:runtime, with what it needs as JSON.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import pg from 'pg'
import { parseFilter } from '../src/query/parse.ts'
import { COLUMNS_SQL, type ColumnRow, shownColumns, type TableColumns, tableColumns } from '../src/runtime/columns.ts'
import { insertSql, itemSql, listSql } from '../src/runtime/table-sql.ts'
import { FILTER, PAGE_ROWS, READ_TABLE, type Row, WRITTEN_TABLE } from './app-work.ts'

/** `connections`: as many to PostgreSQL as the runtime has for a service. */
export type BareOptions = {
  socketPath: string
  schema: string
  connections: number
  database: { host: string; database: string; user: string; password: string }
}

const options = JSON.parse(process.argv[2] ?? '') as BareOptions
const pool = new pg.Pool({ ...options.database, port: 5432, max: options.connections })
// PostgreSQL may end before us.
pool.on('error', () => {})
const columns = { read: await columnsOf(READ_TABLE), written: await columnsOf(WRITTEN_TABLE) }
const statements = {
  get: named('get', itemSql(nameOf(READ_TABLE), columns.read, { ...shown(columns.read), id: '', filters: [] })),
  list: named(
    'list',
    listSql(nameOf(READ_TABLE), columns.read, {
      ...{ ...shown(columns.read), filters: [parseFilter(FILTER)], orderBy: [], top: PAGE_ROWS, skip: 0 },
      ...{ wantsCount: false, settledAt: null },
    }),
  ),
  insert: named(
    'insert',
    insertSql(nameOf(WRITTEN_TABLE), columns.written, {
      ...{ id: '', returned: null },
      assigned: assigned({ text: '', number: 0, complete: false }),
    }),
  ),
}
createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
}).listen(options.socketPath, () => process.send?.('listening'))
process.on('disconnect', () => process.exit(0))

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://bare')
  const id = pathname.split('/')[3]
  if (request.method === 'POST') {
    const row = JSON.parse(await textOf(request)) as Row
    const made = randomUUID().toUpperCase()
    await pool.query({ ...statements.insert, values: [made, ...assigned(row).map(({ value }) => value)] })
    return send(response, 201, JSON.stringify({ id: made, ...row }))
  }
  if (id !== undefined) {
    const [, oid = ''] = statements.get.values
    const { rows } = await pool.query<{ row: string }>({ ...statements.get, values: [id, oid] })
    return send(response, rows[0] ? 200 : 404, rows[0]?.row ?? '')
  }
  const { rows } = await pool.query<{ rows: string }>(statements.list)
  send(response, 200, rows[0]?.rows ?? '')
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

async function columnsOf(table: string): Promise<TableColumns> {
  const { rows } = await pool.query<ColumnRow>(COLUMNS_SQL, [options.schema, table])
  const found = tableColumns(rows, 0)
  if (!found) throw new Error(`there is no table ${table}`)
  return found
}

function named<T extends { text: string; values: unknown[] }>(name: string, { text, values }: T) {
  return { name, text, values }
}

function nameOf(table: string) {
  return { schema: options.schema, table }
}

function shown(all: TableColumns) {
  return { shown: shownColumns(all, []).map((column) => ({ column, as: column.name })), includesDeleted: false }
}

function assigned(row: Row) {
  return columns.written.list.flatMap((column) => {
    const value = row[column.name as keyof Row]
    return value === undefined ? [] : [{ column, value: String(value) }]
  })
}
