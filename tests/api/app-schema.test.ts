// What stored data fixes for ever: collation, versions that rise across epochs, stamps that never go back, tables that
// can be decoded, logins that an epoch shuts out.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type pg from 'pg'
import type { SchemaAssignment } from '../../src/contract/assignment.ts'
import { APPS_DATABASE, loginRole } from '../../src/contract/table-format.ts'
import { ensurePlatform, ensureSchema } from '../../src/databases/app-schema.ts'
import { prepareBinaries } from '../../src/databases/binaries.ts'
import { Cluster } from '../../src/databases/cluster.ts'
import { raiseStamps, raiseStampsAbove } from '../../src/databases/stamps.ts'
import { ServerSchemas } from '../../src/host/server-schemas.ts'
import { openLog } from '../../src/kit/log.ts'

const wanted: SchemaAssignment = {
  serviceId: 'abc123',
  schema: 'todo',
  epoch: 3,
  loginPassword: 'secret',
  tables: ['Item'],
  droppedTables: [],
  state: 'open',
}

describe("a service's schema", () => {
  let folder: string
  let cluster: Cluster

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mainstay-schema-'))
    await chmod(folder, 0o755)
    const binaries = await prepareBinaries(folder)
    const socketFolder = join(folder, 's')
    cluster = new Cluster({ name: 'one', folder: join(folder, 'one'), socketFolder, binaries, superuserPassword: 'x' })
    await cluster.initialize()
    await cluster.start()
    const connect = async <T>(database: string, work: (client: pg.Client) => Promise<T>) =>
      await cluster.withClient(work, { database })
    await ensurePlatform(connect, { replicationPassword: 'y' })
    await asSuperuser(async (client) => await ensureSchema(client, wanted))
  })
  after(async () => {
    await cluster?.kill()
    await rm(folder, { recursive: true, force: true })
  })

  const asSuperuser = async <T>(work: (client: pg.Client) => Promise<T>) =>
    await cluster.withClient(work, { database: APPS_DATABASE })
  const asService = async <T>(epoch: number, work: (client: pg.Client) => Promise<T>, database = APPS_DATABASE) =>
    await cluster.withClient(work, { database, user: loginRole('abc123', epoch), password: 'secret' })
  const insert = async (epoch: number, id: string) =>
    await asService(epoch, async (client) => {
      const sql = 'insert into "Item" (id) values ($1) returning __version, __updatedAt as stamp'
      const found = await client.query(sql.replace('__updatedAt', '"__updatedAt"'), [id])
      return { version: BigInt(found.rows[0].__version), stamp: found.rows[0].stamp as Date }
    })

  test('a table is made with soft delete where that is wanted; one that is there stays as it is', async () => {
    const columnsOf = async (softDeleteTables: string[]) => {
      const schema = { ...wanted, serviceId: 'soft', schema: 'soft', tables: ['Marked', 'Plain'], softDeleteTables }
      return await asSuperuser(async (client) => {
        await ensureSchema(client, schema)
        const sql = `select relname from pg_attribute join pg_class on pg_class.oid = attrelid
          where attname = '__deleted' and attnotnull and relnamespace = 'soft'::regnamespace`
        return (await client.query<{ relname: string }>(sql)).rows.map(({ relname }) => relname)
      })
    }
    assert.deepEqual(await columnsOf(['Marked']), ['Marked'])
    assert.deepEqual(await columnsOf(['Plain']), ['Marked'])
  })

  test('a connection that breaks is no trouble of the schema, and what PostgreSQL refuses is', async () => {
    const schemas = new ServerSchemas(openLog('test', 'silent'))
    const ensurePlatform = async () => {}
    const broken = async <T>(work: (client: pg.Client) => Promise<T>) =>
      await asSuperuser(async (client) => {
        // As PostgreSQL ends it when it stops.
        await client.query('select pg_terminate_backend(pg_backend_pid())').catch(() => {})
        return await work(client)
      })
    const fresh = { ...wanted, serviceId: 'fresh', schema: 'fresh' }
    await assert.rejects(schemas.prepare([fresh], { ensurePlatform, withApps: broken }))
    assert.deepEqual(schemas.facts(), [])
    const asItself = async <T>(work: (client: pg.Client) => Promise<T>) => await asService(3, work)
    await schemas.prepare([fresh], { ensurePlatform, withApps: asItself })
    assert.match(schemas.facts()[0]?.problem ?? '', /permission denied|must be/)
    await schemas.prepare([fresh], { ensurePlatform, withApps: asSuperuser })
    const [made] = schemas.facts()
    assert.deepEqual([made?.epoch, made?.problem], [3, null])
    assert.ok(made !== undefined && made.ageMs !== undefined && made.ageMs >= 0)
  })

  test('can be made twice', async () => {
    await asSuperuser(async (client) => await ensureSchema(client, wanted))
  })

  test('compares ids as the original did: case means nothing, accents do', async () => {
    await insert(3, 'Amelie')
    await assert.rejects(insert(3, 'AMELIE'), { code: '23505' })
    await insert(3, 'Amélie')
    await insert(3, 'American')
    const sorted = await asService(3, async (client) => (await client.query('select id from "Item" order by id')).rows)
    assert.deepEqual(
      sorted.map(({ id }) => id),
      ['Amelie', 'Amélie', 'American'],
    )
  })

  test('is prepared for logical decoding from the first write on', async () => {
    await asSuperuser(async (client) => {
      const table = await client.query(`select relreplident from pg_class where oid = 'todo."Item"'::regclass`)
      assert.equal(table.rows[0].relreplident, 'f')
      const slot = await client.query('select plugin, slot_type from pg_replication_slots')
      assert.deepEqual(slot.rows, [{ plugin: 'pgoutput', slot_type: 'logical' }])
      assert.equal((await client.query('select puballtables from pg_publication')).rows[0].puballtables, true)
    })
  })

  test('has checksums, no network port, and lets nobody in without a password', async () => {
    await asSuperuser(async (client) => {
      const setting = async (name: string) =>
        (await client.query(`select current_setting($1) as value`, [name])).rows[0].value
      assert.equal(await setting('data_checksums'), 'on')
      assert.equal(await setting('listen_addresses'), '')
      assert.equal(await setting('fsync'), 'on')
      const methods = await client.query('select distinct auth_method from pg_hba_file_rules')
      assert.deepEqual(methods.rows, [{ auth_method: 'scram-sha-256' }])
    })
  })

  test("reaches nothing but its own: no other database, no other service's schema", async () => {
    const other = { ...wanted, serviceId: 'other1', schema: 'other', loginPassword: 'z' }
    await asSuperuser(async (client) => await ensureSchema(client, other))
    await assert.rejects(
      asService(3, async (client) => await client.query('select 1'), 'postgres'),
      { code: '42501' },
    )
    const steal = asService(3, async (client) => await client.query('select * from other."Item"'))
    await assert.rejects(steal, { code: '42501' })
  })

  test('is neither dropped nor taken over by another service of the same name', async () => {
    for (const state of ['open', 'dropped'] as const) {
      const foreign = { ...wanted, serviceId: 'intruder', state }
      const attempt = asSuperuser(async (client) => await ensureSchema(client, foreign))
      await assert.rejects(attempt, { code: 'server.foreign_schema' })
    }
  })

  test('under a new epoch: versions rise, the old login is shut out, and its connections are ended', async () => {
    const before = await insert(3, 'before')
    await asService(3, async (held) => {
      held.on('error', () => {})
      await asSuperuser(async (client) => await ensureSchema(client, { ...wanted, epoch: 4 }))
      await assert.rejects(held.query('select 1'))
    })
    await assert.rejects(
      asService(3, async (client) => await client.query('select 1')),
      { code: '28000' },
    )
    const after = await insert(4, 'after')
    assert.ok(after.version > before.version)
    assert.equal(after.version >> 40n, 4n)
    assert.equal(before.version >> 40n, 3n)
  })

  test('on a promoted server whose clock is behind: stamps go on from the newest one that arrived', async () => {
    await asSuperuser(async (client) => {
      // A row stamped by a machine whose clock was an hour ahead, as it arrives through replication: without triggers.
      await client.query(`set session_replication_role = replica`)
      await client.query(
        `insert into todo."Item" values ('ahead', now() + interval '1 hour', now() + interval '1 hour', 1)`,
      )
      await raiseStamps(client)
    })
    const ahead = await asService(
      4,
      async (client) =>
        (await client.query(`select "__updatedAt" as stamp from "Item" where id = 'ahead'`)).rows[0].stamp,
    )
    const next = await insert(4, 'next')
    assert.ok(next.stamp > ahead, `${next.stamp.toISOString()} is not after ${ahead.toISOString()}`)
  })

  test('stamps that another server gave stay below new ones, whoever raises them again, and at once', async () => {
    const aboveMs = Date.now() + 7_200_000
    await asSuperuser(async (client) => await raiseStampsAbove(client, aboveMs))
    const raises = Array.from({ length: 12 }, async (_, number) => {
      const raise = number % 3 === 0 ? async (client: pg.Client) => await raiseStampsAbove(client, number) : raiseStamps
      await asSuperuser(async (client) => await raise(client))
    })
    await Promise.all(raises)
    const { stamp } = await insert(4, 'above another server')
    assert.ok(stamp.getTime() > aboveMs, `${stamp.toISOString()} is not after ${new Date(aboveMs).toISOString()}`)
    assert.ok(stamp.getTime() < aboveMs + 60_000)
  })

  test('an update is always stamped later than the row was before', async () => {
    await asService(4, async (client) => {
      await client.query('begin')
      const first = await client.query(
        `update "Item" set id = id where id = 'next' returning "__updatedAt"::text as stamp, __version as version`,
      )
      const second = await client.query(
        `update "Item" set id = id where id = 'next' returning "__updatedAt"::text as stamp, __version as version`,
      )
      await client.query('commit')
      assert.ok(second.rows[0].stamp > first.rows[0].stamp)
      assert.ok(BigInt(second.rows[0].version) > BigInt(first.rows[0].version))
    })
  })

  test('drops a table only when it is named as given up', async () => {
    const without = { ...wanted, epoch: 4, tables: [] }
    await asSuperuser(async (client) => await ensureSchema(client, without))
    await insert(4, 'still there')
    await asSuperuser(async (client) => await ensureSchema(client, { ...without, droppedTables: ['Item'] }))
    await assert.rejects(insert(4, 'gone'), { code: '42P01' })
  })
})
