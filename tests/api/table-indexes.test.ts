// An index on a column of text serves filters that look into it, over a real PostgreSQL.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { changeTable } from '../../src/databases/table-change.ts'
import { parseFilter } from '../../src/query/parse.ts'
import { COLUMNS_SQL, type ColumnRow, tableColumns } from '../../src/runtime/columns.ts'
import { listSql } from '../../src/runtime/table-sql.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'

let postgres: TestCluster
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  service = await postgres.addService({ name: 'todo' })
  await change({ kind: 'add_column', column: 'text', type: 'string' })
  await postgres.sql(`insert into todo."TodoItem" (id, text)
    select one::text, md5(one::text) || ' Äpfel ' || one from generate_series(1, 20000) as one`)
  await postgres.sql('analyze todo."TodoItem"')
})

after(async () => await postgres?.stop())

async function change(what: Parameters<typeof changeTable>[2]) {
  const name = { schema: 'todo', table: 'TodoItem', serviceId: service.id }
  return await postgres.cluster.withClient(async (client) => await changeTable(client, name, what), {
    database: 'apps',
  })
}

async function planOf(filter: string): Promise<string> {
  const columns = tableColumns(await postgres.sql<ColumnRow>(COLUMNS_SQL, ['todo', 'TodoItem']), 0)
  const [id] = columns?.list ?? []
  assert.ok(columns && id)
  const name = { schema: 'todo', table: 'TodoItem' }
  const page = { shown: [{ column: id, as: 'id' }], orderBy: [], top: 50, skip: 0, wantsCount: false }
  const read = { ...page, filters: [parseFilter(filter)], settledAt: null, includesDeleted: false }
  const { text, values } = listSql(name, columns, read)
  const rows = await postgres.sql<{ 'QUERY PLAN': string }>(`explain ${text}`, values)
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

const FILTERS = [
  ["startswith(text,'C4CA4238')", /Index.* on "?\.f_/],
  ["substringof('äPFEL 1234',text)", /Index.* on "?\.f_/],
  ["endswith(text,'pfel 777')", /Index.* on "?\.f_/],
  ["text eq 'x'", /Index.* using "?\.i_/],
] as const

test('without an index every row is looked at', async () => {
  for (const [filter] of FILTERS) assert.match(await planOf(filter), /Seq Scan|_pkey/, filter)
})

test('with one only those that may fit are; asked for again nothing changes, and it goes as it came', async () => {
  for (let time = 0; time < 2; time += 1)
    assert.equal((await change({ kind: 'add_index', column: 'TEXT' })).state, 'done')
  await postgres.sql('analyze todo."TodoItem"')
  for (const [filter, used] of FILTERS) assert.match(await planOf(filter), used, filter)
  // As a crash leaves them while they are built: then they are built anew.
  await postgres.sql(`update pg_index set indisvalid = false where indexrelid in
    (select oid from pg_class where relname ~ '^\\.[fi]_')`)
  assert.match(await planOf("startswith(text,'C4CA4238')"), /Seq Scan|_pkey/)
  assert.equal((await change({ kind: 'add_index', column: 'text' })).state, 'done')
  for (const [filter, used] of FILTERS) assert.match(await planOf(filter), used, filter)
  await change({ kind: 'drop_index', column: 'text' })
  for (const [filter] of FILTERS) assert.match(await planOf(filter), /Seq Scan|_pkey/, filter)
})
