// What a lost primary wrote and its standby never got: decoded from its folder, kept in a bundle, brought back.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type pg from 'pg'
import { APPS_DATABASE } from '../../src/contract/table-format.ts'
import { DIVERGENCE_SLOT } from '../../src/databases/app-schema.ts'
import type { Cluster } from '../../src/databases/cluster.ts'
import { type Applied, type ApplyOptions, applyBundle } from '../../src/databases/divergence/apply.ts'
import { openBundle } from '../../src/databases/divergence/bundle-reader.ts'
import { writeBundle } from '../../src/databases/divergence/bundle-writer.ts'
import { decodeStranded, waitForWalEnd } from '../../src/databases/divergence/decode.ts'
import { exportBundle } from '../../src/databases/divergence/export.ts'
import { previewBundle } from '../../src/databases/divergence/preview.ts'
import { queryRows } from '../../src/databases/divergence/row-text.ts'
import type { Row, StrandedTransaction, TransactionSource } from '../../src/databases/divergence/stranded.ts'
import { advanceDivergenceSlot, parseLsn, readPrimaryPosition } from '../../src/databases/replication.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { Fault } from '../../src/kit/fault.ts'
import { removeTree } from '../../src/kit/files.ts'
import { LostPrimary, SCHEMA, STANDBY_SLOT } from '../support/lost-primary.ts'
import { startTestCluster } from '../support/runtime-cluster.ts'

const ITEM = `${SCHEMA}."Item"`
const NOTE = `${SCHEMA}."Note"`
// Told apart by what a line of JSON, a text cast or a clock of milliseconds would spoil.
const ODD = 'a\u2028b "quoted" \\ \n naïve 漢字'
const BIG = randomBytes(150_000).toString('hex')
const HUGE = randomBytes(1_100_000).toString('hex')

/** Stranded, in the order of commits: one line per transaction. */
const STRANDED = [
  'insert Item n1',
  'update Item u1',
  'update Item u1',
  'delete Item d1',
  'insert Item s1, insert Item s3',
  'update Item t1',
  'update Item c1',
  'update Item g1',
  'insert Item e1',
  'delete Item m1',
  'insert Item v1',
  'delete Item v1',
  'delete Item Case',
  'insert Item CASE',
  'insert Note h1, insert Note h2, insert Note h3',
  'insert Item long1, update Item u2, insert Item long2',
]
const CHANGES = 21

describe('writes that were stranded on a lost primary', () => {
  let lost: LostPrimary
  let folder: string
  let forkLsn: string
  let stranded: StrandedTransaction[]
  /** Rows as the lost primary printed them before it died. */
  let written: Map<string, Row>
  const path = () => join(folder, 'one.bundle')

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mdv-b-'))
    lost = await LostPrimary.start(['Item', 'Note'])
    await sql(lost.primary, [
      `alter table ${ITEM} add text text collate mainstay.ci, add done boolean, add score double precision,
         add at timestamptz(3), add big text collate mainstay.ci`,
      `alter table ${NOTE} add text text collate mainstay.ci`,
      `insert into ${ITEM} (id, text, done, score) select unnest(array['u1','u2','d1','c1','g1','m1','Case']), 'old', false, 0.1`,
      `insert into ${ITEM} (id, text, big) values ('t1', 'old', '${BIG}')`,
    ])
    const long = lost.primary.client({ database: APPS_DATABASE })
    await long.connect()
    await long.query(`begin; insert into ${ITEM} (id, text) values ('long1', 'begun before the cut')`)
    await lost.primary.withClient(
      async (client) =>
        await advanceDivergenceSlot(client, { slot: STANDBY_SLOT, flushLsn: await lost.awaitStandby() }),
      {
        database: APPS_DATABASE,
      },
    )
    await sql(lost.primary, [`update ${ITEM} set text = 'new to nobody' where id = 'd1'`])
    await lost.cut()
    await sql(lost.primary, [
      [
        'insert into todo."Item" (id, text, done, score, at) values ($1, $2, true, 1e300, $3)',
        'n1',
        ODD,
        '2026-11-02T03:04:05.678Z',
      ],
      `update ${ITEM} set text = 'once' where id = 'u1'`,
      `update ${ITEM} set text = 'twice', done = null where id = 'u1'`,
      `delete from ${ITEM} where id = 'd1'`,
      `begin; insert into ${ITEM} (id) values ('x1'); rollback`,
      `begin; insert into ${ITEM} (id) values ('s1'); savepoint one; insert into ${ITEM} (id) values ('s2');
       rollback to one; insert into ${ITEM} (id) values ('s3'); commit`,
      `update ${ITEM} set done = true where id = 't1'`,
      `update ${ITEM} set text = 'by the lost' where id = 'c1'`,
      `update ${ITEM} set text = 'by the lost' where id = 'g1'`,
      `insert into ${ITEM} (id, text) values ('e1', 'by the lost')`,
      `delete from ${ITEM} where id = 'm1'`,
      `insert into ${ITEM} (id) values ('v1')`,
      `delete from ${ITEM} where id = 'v1'`,
      `insert into ${SCHEMA}.".probe" values (1, 'token', 1, now())`,
      `delete from ${ITEM} where id = 'case'`,
      `insert into ${ITEM} (id, text) values ('CASE', 'back in capitals')`,
      `insert into ${NOTE} (id, text) select unnest(array['h1','h2','h3']), '${HUGE}'`,
    ])
    await long.query(
      `update ${ITEM} set text = 'in a long one' where id = 'u2'; insert into ${ITEM} (id) values ('long2'); commit`,
    )
    written = await readItems(lost.primary)
    await long.query(`begin; insert into ${ITEM} (id) values ('x2')`)
    // It ends with the primary.
    long.on('error', () => {})
    forkLsn = await lost.fail()
    await long.end().catch(() => {})
    await sql(lost.standby, [
      `update ${ITEM} set text = 'by the promoted' where id in ('c1', 'm1')`,
      `delete from ${ITEM} where id = 'g1'`,
      `insert into ${ITEM} (id, text) values ('e1', 'by the promoted'), ('other', 'by the promoted')`,
    ])
  })

  after(async () => {
    await lost?.stop()
    await removeTree(folder)
  })

  test('are exactly those that the standby lacks, in the order of their commits', async () => {
    stranded = await lost.read(async (client) => await all(decodeStranded(client, forkLsn)))
    assert.deepEqual(linesOf(stranded), STRANDED)
    const lsns = stranded.map(({ commitLsn }) => parseLsn(commitLsn))
    assert.ok(lsns.every((lsn, index) => lsn >= parseLsn(forkLsn) && lsn >= (lsns[index - 1] ?? 0n)))
    for (const { committedAt } of stranded) assert.match(committedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  })

  test('come with whole rows as PostgreSQL prints them, large values that were not touched included', () => {
    const changes = stranded.flatMap((transaction) => transaction.changes)
    for (const id of ['n1', 't1', 'u2', 'CASE', 'long2']) {
      assert.deepEqual(changes.findLast(({ key }) => key === id)?.after, written.get(id), id)
    }
    const [first, second] = changes.filter(({ key }) => key === 'u1')
    assert.equal(first?.before?.text, 'old')
    assert.deepEqual(second?.before, first?.after)
    assert.deepEqual([second?.after?.text, second?.after?.done], ['twice', null])
    assert.equal(changes.find(({ key }) => key === 't1')?.before?.big, BIG)
    assert.equal(changes.find(({ key }) => key === 'd1')?.before?.text, 'new to nobody')
  })

  test('a long transaction comes in parts, of which all but the last are continued', () => {
    const parts = stranded.filter(({ changes }) => changes[0]?.table === 'Note')
    assert.deepEqual(
      parts.map(({ isContinued, changes }) => [isContinued, changes.length]),
      [
        [true, 1],
        [true, 1],
        [false, 1],
      ],
    )
  })

  test('a reader takes no write and writes no WAL, and may be killed and started again', async () => {
    const read = async () =>
      await lost.read(async (client) => {
        const end = await waitForWalEnd(client)
        await assert.rejects(client.query('begin read write'), { code: '0A000' })
        await assert.rejects(client.query(`delete from ${ITEM}`), { code: '25006' })
        return { end, lines: linesOf(await all(decodeStranded(client, forkLsn))) }
      })
    const before = await walDigest(lost.primary)
    const found = await read()
    await lost.primary.kill()
    assert.deepEqual(await read(), found)
    await lost.primary.stop('fast')
    assert.deepEqual(await read(), found)
    await lost.primary.stop('immediate')
    assert.equal(await walDigest(lost.primary), before)
  })

  test('are written to a bundle that says what it holds, and are read back as they were', async () => {
    const bundle = await lost.read(
      async (client) => await exportBundle(client, { path: path(), server: 'one', epoch: 7, forkLsn }),
    )
    const { server, epoch, forkLsn: from, format } = bundle.header
    assert.deepEqual([format, server, epoch, from], ['mainstay-divergence/1', 'one', 7, forkLsn])
    assert.ok(parseLsn(bundle.header.endLsn) > parseLsn(forkLsn))
    const none = { inserts: 0, updates: 0, deletes: 0, truncations: 0, schema: SCHEMA }
    assert.deepEqual(bundle.counts, {
      transactions: STRANDED.length,
      changes: CHANGES,
      byTable: [
        { ...none, table: 'Item', inserts: 8, updates: 6, deletes: 4 },
        { ...none, table: 'Note', inserts: 3 },
      ],
    })
    assert.deepEqual(await all(bundle.transactions()), stranded)
    assert.deepEqual(await readdir(folder), ['one.bundle'])
  })

  test('a bundle that is damaged or cut short anywhere is refused', async () => {
    const small = join(folder, 'small.bundle')
    const header = { server: 'one', epoch: 7, forkLsn, endLsn: forkLsn, decodedAt: '' }
    await writeBundle(small, header, listed(stranded.slice(0, 3)).transactions())
    const whole = await readFile(small)
    const bad = join(folder, 'bad.bundle')
    const told = stranded.slice(0, 3)
    const isRefused = async (bytes: Buffer, what: string) => {
      await writeFile(bad, bytes)
      try {
        // A bit that says nothing of the content may be turned.
        assert.deepEqual(await all((await openBundle(bad)).transactions()), told, what)
        return false
      } catch (error) {
        // What says of which format it is may be turned, too.
        assert.match(error instanceof Fault ? error.code : String(error), /^divergence\.(damaged|other_format)$/, what)
        return true
      }
    }
    let refused = 0
    for (let at = 0; at < whole.length; at += 1) {
      const isCutRefused = await isRefused(whole.subarray(0, at), `cut at ${at}`)
      // Node ends with an empty zstd frame of 9 bytes: without them, all that was written is there and verified.
      assert.equal(isCutRefused, at < whole.length - 9, `cut at ${at} of ${whole.length}`)
      const turned = Buffer.from(whole)
      turned.writeUInt8(turned.readUInt8(at) ^ 0x10, at)
      if (await isRefused(turned, `turned at ${at}`)) refused += 1
    }
    assert.ok(refused > whole.length * 0.9, `${refused} of ${whole.length}`)
    await rm(bad)
  })

  test('transactions that end in an error leave the bundle that was there, and nothing beside it', async () => {
    const failing = async function* () {
      yield* stranded
      throw new TypeError('the reader is gone')
    }
    const before = await readFile(path())
    const header = { server: 'one', epoch: 7, forkLsn, endLsn: forkLsn, decodedAt: '' }
    await assert.rejects(writeBundle(path(), header, failing()), /the reader is gone/)
    assert.deepEqual(await readFile(path()), before)
    assert.deepEqual(await readdir(folder), ['one.bundle', 'small.bundle'])
  })

  test('a preview tells what would become of each, and changes nothing', async () => {
    const before = await readItems(lost.standby)
    const preview = await apps(lost.standby, async (client) => await previewBundle(client, await openBundle(path())))
    assert.deepEqual([preview.clean, preview.already, preview.conflicts], [15, 2, 4])
    assert.deepEqual(
      preview.listed.map(({ kind, key, reason }) => `${kind} ${key} ${reason.kind}`),
      ['update c1 row_changed', 'update g1 row_gone', 'insert e1 row_exists', 'delete m1 row_changed'],
    )
    assert.deepEqual(preview.byTable, [
      { schema: SCHEMA, table: 'Item', clean: 12, already: 2, conflicts: 4 },
      { schema: SCHEMA, table: 'Note', clean: 3, already: 0, conflicts: 0 },
    ])
    const other = await apps(
      lost.standby,
      async (client) => await previewBundle(client, await openBundle(path()), { schema: 'other' }),
    )
    assert.deepEqual([other.clean, other.already, other.conflicts], [0, 0, 0])
    assert.deepEqual(await readItems(lost.standby), before)
  })

  test('killed at any moment of applying, the next one goes on; each transaction is there or not', async () => {
    const bundle = await openBundle(path())
    for (let parts = 1; parts <= STRANDED.length + 2; parts += 1) {
      const isWhole = async () => {
        const items = await readItems(lost.standby)
        assert.equal(items.has('s1'), items.has('s3'))
        assert.equal(items.has('long1'), items.has('long2'))
        assert.ok([0, 3].includes(await countNotes(lost.standby)))
      }
      await assert.rejects(apply(killedAfter(bundle, parts, lost.standby), { onConflict: 'skip' }))
      await isWhole()
    }
    const last = await apply(bundle, { onConflict: 'skip' })
    // The last kill came after all was committed but the last transaction.
    assert.deepEqual(counts(last), { applied: 3, already: 14, conflicts: 4, skipped: 4 })
  })

  test('applied, the rows are what the lost primary had, under new stamps; conflicts are as they were', async () => {
    const items = await readItems(lost.standby)
    for (const id of ['n1', 'u1', 'u2', 't1', 's1', 's3', 'CASE', 'long1', 'long2']) {
      const [here, there] = [items.get(id), written.get(id)]
      assert.deepEqual(withoutStamps(here), withoutStamps(there), id)
      assert.ok(here?.__updatedAt && there?.__updatedAt && here.__updatedAt > there.__updatedAt, id)
    }
    for (const id of ['c1', 'e1', 'm1', 'other']) assert.equal(items.get(id)?.text, 'by the promoted')
    for (const id of ['d1', 'g1', 'v1', 'Case', 'x1', 'x2', 's2']) assert.equal(items.has(id), false, id)
  })

  test('a second apply finds everything there and touches no row', async () => {
    const before = await readItems(lost.standby)
    const again = await apply(await openBundle(path()), { onConflict: 'skip' })
    assert.deepEqual(counts(again), { applied: 0, already: 17, conflicts: 4, skipped: 4 })
    assert.deepEqual(await readItems(lost.standby), before)
  })

  test('where the lost side is to win, its rows are written over, and a further apply finds all there', async () => {
    const bundle = await openBundle(path())
    const over = await apply(bundle, { onConflict: 'overwrite' })
    assert.deepEqual(counts(over), { applied: 4, already: 17, conflicts: 4, skipped: 0 })
    const items = await readItems(lost.standby)
    for (const id of ['c1', 'g1', 'e1']) assert.deepEqual(withoutStamps(items.get(id)), withoutStamps(written.get(id)))
    assert.equal(items.has('m1'), false)
    const again = await apply(bundle, { onConflict: 'overwrite' })
    assert.deepEqual(counts(again), { applied: 0, already: CHANGES, conflicts: 0, skipped: 0 })
  })

  test('what has no place there any more, or is refused there, is left, and the rest is applied', async () => {
    await sql(lost.standby, [
      `delete from ${ITEM}`,
      `alter table ${ITEM} drop column score`,
      `alter table ${ITEM} add constraint short check (length(text) < 15)`,
      `drop table ${NOTE}`,
    ])
    const left = await apply(await openBundle(path()), { onConflict: 'overwrite' })
    assert.equal(left.applied + left.already + left.skipped, CHANGES)
    const kinds = Map.groupBy(left.listed, ({ reason }) => reason.kind)
    const keysOf = (kind: string) => [...kinds].flatMap(([is, some]) => (is === kind ? some.map(({ key }) => key) : []))
    assert.deepEqual(keysOf('table_gone'), ['h1', 'h2', 'h3'])
    assert.deepEqual(keysOf('refused'), ['CASE', 'long1'])
    assert.deepEqual([...new Set(keysOf('column_gone'))], ['n1', 'u1', 'c1', 'g1', 'u2'])
    const items = await readItems(lost.standby)
    assert.deepEqual([...items.keys()].sort(), ['e1', 'long2', 's1', 's3', 't1'])
  })

  test('a row that somebody changes while all this is applied is not lost', async () => {
    await sql(lost.standby, [`delete from ${ITEM}`])
    const bundle = await openBundle(path())
    let passes = 0
    const raced: TransactionSource = {
      transactions: async function* () {
        passes += 1
        if (passes === 2) await sql(lost.standby, [`insert into ${ITEM} (id, text) values ('e1', 'in between')`])
        yield* bundle.transactions()
      },
    }
    const applied = await apply(raced, { onConflict: 'skip' })
    assert.deepEqual(applied.listed.find(({ key }) => key === 'e1')?.reason.kind, 'row_changed')
    assert.equal((await readItems(lost.standby)).get('e1')?.text, 'in between')
  })

  test('cannot be decoded from where they are not: said why, and the folder stays as it is', async () => {
    const refusal = (why: RegExp) => ({ code: 'divergence.undecodable', message: why, hint: /folder is kept/ })
    const decode = async (lsn: string) => await lost.read(async (client) => await all(decodeStranded(client, lsn)))
    await assert.rejects(decode('0/1000000'), refusal(/slot mainstay_divergence begins at .* after 0\/1000000/))
    await assert.rejects(decode('F/0'), refusal(/WAL ends at .* before F\/0/))
    await lost.primary.stop('immediate')
    await removeTree(join(lost.primary.dataFolder, 'pg_replslot', 'mainstay_divergence'))
    const wal = await walDigest(lost.primary)
    await assert.rejects(decode(forkLsn), refusal(/no slot mainstay_divergence/))
    await lost.primary.stop('immediate')
    assert.equal(await walDigest(lost.primary), wal)
    assert.deepEqual(await lost.read(async () => await readItems(lost.primary)), written)
  })

  async function apply(bundle: TransactionSource, options: ApplyOptions): Promise<Applied> {
    return await apps(lost.standby, async (client) => await applyBundle(client, bundle, options))
  }
})

test('a primary that still runs is a reader afterwards; a slot that it lost makes it undecodable', async () => {
  const test = await startTestCluster()
  try {
    await test.sql(`alter system set max_slot_wal_keep_size = '1MB'`)
    await test.sql('alter system set wal_keep_size = 0')
    await test.sql('select pg_reload_conf()')
    for (let file = 0; file < 3; file += 1) {
      await test.sql('create table if not exists filler (id integer)')
      await test.sql('insert into filler select generate_series(1, 1000)')
      await test.sql('select pg_switch_wal()')
    }
    await test.sql('checkpoint')
    await test.cluster.start({ kind: 'reader' })
    const found = apps(test.cluster, async (client) => await all(decodeStranded(client, '0/1000000')))
    await assert.rejects(found, { code: 'divergence.undecodable', message: /slot mainstay_divergence is lost/ })
    await assert.rejects(test.sql('insert into filler values (1)'), { code: '25006' })
  } finally {
    await test.stop()
  }
})

test('the slot forgets only what the standby has replayed, which ends with a record', async () => {
  const pair = await LostPrimary.start([])
  try {
    const advanced = async () =>
      await apps(pair.primary, async (client) => {
        await client.query('create table if not exists filler (id integer)')
        await client.query('insert into filler values (1)')
        const { lsn } = await readPrimaryPosition(client, null)
        const hasFlushed = async () => {
          const { standby } = await readPrimaryPosition(client, STANDBY_SLOT)
          return standby?.flushLsn && parseLsn(standby.flushLsn) >= parseLsn(lsn) ? standby.flushLsn : undefined
        }
        const flushLsn = await waitFor('the standby to flush', hasFlushed, { withinMs: 20_000 })
        await advanceDivergenceSlot(client, { slot: STANDBY_SLOT, flushLsn })
        const found = await client.query<{ isBehind: boolean }>(
          'select confirmed_flush_lsn < $1::pg_lsn as "isBehind" from pg_replication_slots where slot_name = $2',
          [lsn, DIVERGENCE_SLOT],
        )
        return found.rows[0]?.isBehind === false
      })
    await pair.standby.withClient(async (client) => await client.query('select pg_wal_replay_pause()'))
    assert.equal(await advanced(), false)
    await pair.standby.withClient(async (client) => await client.query('select pg_wal_replay_resume()'))
    await waitFor('the slot to advance', async () => (await advanced()) || undefined, { withinMs: 20_000 })
  } finally {
    await pair.stop()
  }
})

async function apps<T>(cluster: Cluster, work: (client: pg.Client) => Promise<T>): Promise<T> {
  return await cluster.withClient(work, { database: APPS_DATABASE })
}

async function sql(cluster: Cluster, statements: (string | string[])[]): Promise<void> {
  await apps(cluster, async (client) => {
    for (const statement of statements) {
      const [text = '', ...values] = typeof statement === 'string' ? [statement] : statement
      await client.query(text, values)
    }
  })
}

async function readItems(cluster: Cluster): Promise<Map<string, Row>> {
  const rows = await apps(cluster, async (client) => await queryRows(client, `select * from ${ITEM} order by id`, []))
  return new Map(rows.map((row) => [row.id ?? '', row]))
}

async function countNotes(cluster: Cluster): Promise<number> {
  return await apps(cluster, async (client) => (await client.query(`select id from ${NOTE}`)).rows.length)
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  return await Array.fromAsync(items)
}

function listed(transactions: StrandedTransaction[]): TransactionSource {
  return {
    transactions: async function* () {
      yield* transactions
    },
  }
}

// Ends the connection of whoever applies, in the second pass, in the middle of the part after so many.
function killedAfter(bundle: TransactionSource, parts: number, cluster: Cluster): TransactionSource {
  let passes = 0
  return {
    transactions: async function* () {
      passes += 1
      let left = passes === 2 ? parts : Number.POSITIVE_INFINITY
      for await (const transaction of bundle.transactions()) {
        left -= 1
        if (left > 0) {
          yield transaction
          continue
        }
        yield { ...transaction, isContinued: true, changes: transaction.changes.slice(0, 1) }
        await cluster.withClient(
          async (client) =>
            await client.query(
              `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`,
              [APPS_DATABASE],
            ),
        )
        yield { ...transaction, changes: transaction.changes.slice(1) }
        throw new TypeError('whoever applies was ended')
      }
    },
  }
}

function linesOf(transactions: StrandedTransaction[]): string[] {
  const byXid = Map.groupBy(transactions, ({ xid }) => xid).values()
  return [...byXid].map((parts) =>
    parts.flatMap(({ changes }) => changes.map(({ kind, table, key }) => `${kind} ${table} ${key}`)).join(', '),
  )
}

function counts({ applied, already, conflicts, skipped }: Applied): Omit<Applied, 'listed'> {
  return { applied, already, conflicts, skipped }
}

function withoutStamps(row: Row | undefined): Row {
  return Object.fromEntries(
    Object.entries(row ?? {}).filter(([name]) => !/^__(createdAt|updatedAt|version)$/.test(name)),
  )
}

async function walDigest(cluster: Cluster): Promise<string> {
  const folder = join(cluster.dataFolder, 'pg_wal')
  const hash = createHash('sha256')
  for (const name of (await readdir(folder)).filter((name) => /^[0-9A-F]{24}$/.test(name)).sort()) {
    hash.update(name).update(await readFile(join(folder, name)))
  }
  return hash.digest('hex')
}
