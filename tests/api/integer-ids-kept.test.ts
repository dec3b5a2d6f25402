// Integer ids wherever rows go: none is given twice after a promotion, and exports, imports, restores, comparisons and
// stranded writes have them as they were.
import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type pg from 'pg'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import { APPS_DATABASE } from '../../src/contract/table-format.ts'
import type { TableWish } from '../../src/contract/table-restore.ts'
import { raiseAboveLost } from '../../src/databases/after-loss.ts'
import type { Cluster } from '../../src/databases/cluster.ts'
import { applyBundle } from '../../src/databases/divergence/apply.ts'
import { exportBundle } from '../../src/databases/divergence/export.ts'
import { previewBundle } from '../../src/databases/divergence/preview.ts'
import { raiseIdentitiesAbove } from '../../src/databases/identities.ts'
import { restoreTable } from '../../src/databases/restored-table.ts'
import { readRanges, readRowDigests, streamRowDigests } from '../../src/databases/row-digests.ts'
import { checkService } from '../../src/databases/service-check.ts'
import { readContents, restampRows } from '../../src/databases/service-contents.ts'
import { exportRows } from '../../src/databases/service-export.ts'
import { type ImportedTable, importRows } from '../../src/databases/service-import.ts'
import { removeTree } from '../../src/kit/files.ts'
import { IDENTITY_GAP } from '../../src/kit/limits.ts'
import { LostPrimary, SCHEMA } from '../support/lost-primary.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'

describe('after a promotion that lost writes', () => {
  const table = `${SCHEMA}."Score"`
  let lost: LostPrimary
  let forkLsn: string
  let folder: string
  const insert = async (cluster: Cluster, player: string) => {
    const text = `insert into ${table} (player) values ($1) returning id::int as id`
    return await apps(cluster, async (client) => (await client.query<{ id: number }>(text, [player])).rows[0]?.id)
  }
  const rowsOf = async (cluster: Cluster) =>
    await apps(cluster, async (client) => {
      const { rows } = await client.query<{ row: string }>(
        `select id || ' ' || player as row from ${table} order by id`,
      )
      return rows.map(({ row }) => row)
    })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mst-ids-'))
    lost = await LostPrimary.start(['Score'], { integerTables: ['Score'] })
    await apps(lost.primary, async (client) => await client.query(`alter table ${table} add player text`))
    for (const player of ['Ada', 'Bo']) await insert(lost.primary, player)
    await lost.cut()
    // More than PostgreSQL takes from a sequence at once by itself.
    for (let n = 0; n < 50; n += 1) await insert(lost.primary, `stranded ${n}`)
    await apps(lost.primary, async (client) => await client.query(`update ${table} set player = 'Bob' where id = 2`))
    forkLsn = await lost.fail()
  })

  after(async () => {
    await lost?.stop()
    await removeTree(folder)
  })

  test('new ids are above those that apps were given of rows that are not there', async () => {
    assert.deepEqual(await rowsOf(lost.standby), ['1 Ada', '2 Bo'])
    const id = await insert(lost.standby, 'Cy')
    assert.ok(id !== undefined && id > IDENTITY_GAP, String(id))
  })

  test('stranded rows come back under their ids, and keep nobody from inserting', async () => {
    const path = join(folder, 'ids.bundle')
    const bundle = await lost.read(
      async (client) => await exportBundle(client, { path, server: 'one', epoch: 2, forkLsn }),
    )
    const preview = await apps(lost.standby, async (client) => await previewBundle(client, bundle))
    assert.deepEqual([preview.clean, preview.already, preview.conflicts], [51, 0, 0])
    const apply = async () =>
      await apps(lost.standby, async (client) => await applyBundle(client, bundle, { onConflict: 'skip' }))
    assert.equal((await apply()).applied, 51)
    const rows = await rowsOf(lost.standby)
    assert.deepEqual([rows.length, rows[1], rows[2]], [53, '2 Bob', '3 stranded 0'])
    assert.deepEqual((await apply()).already, 51)
    assert.ok(Number(await insert(lost.standby, 'Di')) > IDENTITY_GAP + 1)
    assert.equal(new Set(await rowsOf(lost.standby)).size, 54)
  })
})

describe('where rows are carried', () => {
  let postgres: TestCluster
  const database = { database: APPS_DATABASE }
  const at = async <T>(work: (client: pg.Client) => Promise<T>) => await postgres.cluster.withClient(work, database)
  const nextId = async (schema: string, table = 'Score') => {
    const rows = await postgres.sql<{ id: number }>(
      `insert into ${schema}."${table}" default values returning id::int as id`,
    )
    return rows[0]?.id
  }
  const idsOf = async (schema: string, table = 'Score') =>
    (await postgres.sql<{ id: string }>(`select id from ${schema}."${table}" order by id`)).map(({ id }) => Number(id))

  before(async () => {
    postgres = await startTestCluster()
    for (const name of ['here', 'there', 'earlier']) {
      const tables = [{ name: 'Score', permissions: DEFAULT_PERMISSIONS, idType: 'integer' as const }]
      await postgres.addService({ name, tables })
    }
    await postgres.sql(`insert into here."Score" default values; insert into here."Score" default values;
      insert into here."Score" default values; delete from here."Score" where id = 3`)
  })
  after(async () => await postgres?.stop())

  test('an import has the ids of the export, and gives none that was given there, deleted rows included', async () => {
    const lines: string[] = []
    await at(async (client) => {
      for await (const line of exportRows(client, 'here')) lines.push(line)
    })
    const [first = '', ...rows] = lines
    const { tables } = JSON.parse(first) as { tables: ImportedTable[] }
    assert.deepEqual(tables, [{ name: 'Score', columns: [], lastId: '3' }])
    const into = { schema: 'there', tables: tables.map((table) => ({ ...table, idType: 'integer' as const })) }
    const only = (async function* () {
      yield* rows.filter((line) => line.startsWith('{"table"'))
    })()
    assert.deepEqual(await at(async (client) => await importRows(client, into, only)), { rows: { Score: 2 } })
    assert.deepEqual(await idsOf('there'), [1, 2])
    assert.equal(await nextId('there'), 4)
  })

  test('where a service goes to another server, new ids are above those of the one that it leaves', async () => {
    const { tables } = await at(async (client) => await readContents(client, { serviceId: 'here', schema: 'here' }))
    const [{ lastId } = {}] = tables
    assert.equal(lastId, '3')
    const raise = async (above: Record<string, string> | null) =>
      await at(async (client) => await raiseIdentitiesAbove(client, { schema: 'earlier', above }))
    await raise({ Score: '40' })
    assert.equal(await nextId('earlier'), 41)
    await raise({ Score: '2' })
    assert.equal(await nextId('earlier'), 42)
    await raise(null)
    assert.equal(await nextId('earlier'), 42 + IDENTITY_GAP + 1)
    await postgres.sql('delete from earlier."Score"')
  })

  test('copies are compared row by row, by ids as they are written', async () => {
    const copy = { schema: 'here', tables: ['Score'] }
    const ranges = await at(async (client) => await readRanges(client, copy))
    assert.equal(ranges.tables[0]?.rows, 2)
    const all = Array.from({ length: 64 }, (_, range) => range)
    const page = { schema: 'here', table: 'Score', ranges: all, after: null }
    const { rows } = await at(async (client) => await readRowDigests(client, page))
    assert.deepEqual(
      rows.map(([id]) => id),
      ['1', '2'],
    )
    const rest = await at(async (client) => await readRowDigests(client, { ...page, after: '1' }))
    assert.deepEqual(
      rest.rows.map(([id]) => id),
      ['2'],
    )
    const told = await at(async (client) => {
      const found = []
      const where = { schema: 'here', table: 'Score', columns: ['id'] }
      for await (const { id } of streamRowDigests(client, where)) found.push(id)
      return found
    })
    assert.deepEqual(told, ['1', '2'])
    const restamped = await at(
      async (client) => await restampRows(client, { schema: 'here', beforeMs: Date.now() + 60_000 }),
    )
    assert.ok(restamped.rows >= 2)
  })

  test('a check finds all well, and tells an id that would be given a second time', async () => {
    const wanted = {
      job: 'j',
      serviceId: 'here',
      schema: 'here',
      epoch: 1,
      tables: ['Score'],
      integerTables: ['Score'],
    }
    const problems = async (change = {}) =>
      (await at(async (client) => await checkService(client, { ...wanted, ...change }))).problems
    assert.deepEqual(await problems(), [])
    assert.deepEqual(await problems({ integerTables: [] }), ['table Score: column id is bigint, not text'])
    await postgres.sql('insert into here."Score" (id) values (50)')
    assert.deepEqual(await problems(), ['table Score: has an id above the one that is given next'])
    await postgres.sql('delete from here."Score" where id = 50')
  })

  test('a table of then has its ids, beside today’s or in it; new ones are above them', async () => {
    await postgres.sql(`insert into earlier."Score" (id) values (1), (7)`)
    const restore = async (wish: Partial<TableWish>) =>
      await at(
        async (then) =>
          await at(async (now) => {
            const sides = {
              before: { client: then, schema: 'earlier' },
              now: { client: now, schema: 'here', serviceId: 'here' },
            }
            return await restoreTable(sides, { table: 'Score', as: null, ids: null, isExact: false, ...wish })
          }),
      )
    assert.equal((await restore({ as: 'Copy' })).idType, 'integer')
    assert.deepEqual(await idsOf('here', 'Copy'), [1, 7])
    assert.equal(await nextId('here', 'Copy'), 8)
    assert.equal((await restore({ ids: ['7'] })).inserted, 1)
    assert.deepEqual(await idsOf('here'), [1, 2, 7])
    assert.equal(await nextId('here'), 8)
    await postgres.sql('drop table here."Score"; create table here."Score" (id text primary key)')
    await assert.rejects(restore({}), { code: 'table.other_ids', status: 409 })
  })

  test('an id that a script’s own SQL put at the very end keeps no server from being promoted', async () => {
    await postgres.sql(`insert into there."Score" (id) values (${Number.MAX_SAFE_INTEGER}), (9223372036854775807)`)
    await at(raiseAboveLost)
    const [{ last } = {}] = await postgres.sql<{ last: string }>(
      `select pg_sequence_last_value('there."Score_id_seq"')::text as last`,
    )
    assert.equal(last, String(Number.MAX_SAFE_INTEGER))
  })
})

async function apps<T>(cluster: Cluster, work: (client: pg.Client) => Promise<T>): Promise<T> {
  return await cluster.withClient(work, { database: APPS_DATABASE })
}
