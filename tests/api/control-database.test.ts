// An external control database: which of its hosts is used, what happens when that one dies, and what a bad one gets.
import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { type ControlStore, openControlStore } from '../../src/control/database.ts'
import { noneFault } from '../../src/control/database-faults.ts'
import { parseDatabaseUrl } from '../../src/databases/database-url.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { bumpDesired } from '../../src/regions/regions.ts'
import { freePort } from '../support/cloud.ts'
import { type ControlClusters, startControlClusters } from '../support/control-clusters.ts'

let logged = ''
const sink = new Writable({
  write(chunk, _encoding, done) {
    logged += chunk
    done()
  },
})
const log = pino(sink)
const open = async (url: string) => await openControlStore({ home: '/nonexistent', url, log })

describe('an external control database', () => {
  let clusters: ControlClusters
  let store: ControlStore

  before(async () => {
    clusters = await startControlClusters({ hasStandby: true })
  })
  after(async () => {
    await store?.close()
    await clusters?.stop()
  })

  test('is used where it is writable, in whatever order the hosts are named', async () => {
    const ports = [clusters.standby?.port ?? 0, await freePort(), clusters.primary.port]
    store = await open(clusters.url({ ports }))
    const { rows } = await store.db.executeQuery(standbyQuestion(store))
    assert.deepEqual(rows, [{ standby: false }])
    assert.equal(await store.db.transaction().execute(bumpDesired), 2)
  })

  test('is reached by the folder of its socket, too, and is not made twice', async () => {
    const other = await open(clusters.url({ over: 'socket' }))
    assert.equal((await other.db.selectFrom('desired').select('version').executeTakeFirst())?.version, '2')
    await other.close()
  })

  const wrong: [string, () => string | Promise<string>, string][] = [
    ['a wrong password', () => clusters.url({ password: 'geheim' }), 'control.database_refused'],
    ['a database that is not there', () => clusters.url({ database: 'nowhere' }), 'control.database_missing'],
    ['only a standby', () => clusters.url({ ports: [clusters.standby?.port ?? 0] }), 'control.database_read_only'],
    ['nobody at the port', async () => clusters.url({ ports: [await freePort()] }), 'control.database_unreachable'],
  ]
  for (const [name, url, code] of wrong) {
    test(`tells ${name}, with a hint and without the password`, async () => {
      await assert.rejects(open(await url()), (error: { code: string; message: string; hint: string }) => {
        assert.equal(error.code, code)
        assert.ok(error.hint.length > 0)
        assert.ok(!`${error.message}${error.hint}`.includes(clusters.primary.password))
        assert.doesNotMatch(error.message + error.hint, /geheim/)
        return true
      })
    })
  }

  test('that holds the tables of something else is left alone', async () => {
    await clusters.sql('create database other owner keeper', 'postgres')
    await clusters.sql('create table invoices (id integer)', 'other')
    await assert.rejects(open(clusters.url({ database: 'other' })), { code: 'control.database_foreign' })
    assert.equal((await clusters.sql(`select 1 from pg_tables where schemaname = 'public'`, 'other')).length, 1)
  })

  test('that a newer version made is refused', async () => {
    await clusters.sql(`insert into kysely_migration (name, timestamp) values ('9999-later', '')`)
    await assert.rejects(open(clusters.url()), { code: 'control.newer_database' })
    await clusters.sql(`delete from kysely_migration where name = '9999-later'`)
  })

  test('goes on at its other host when its primary is killed and the standby promoted', async () => {
    await clusters.failOver()
    // The first calls may meet connections that broke; then the promoted one is found.
    const version = await waitFor(
      'a write at the promoted host',
      async () =>
        await store.db
          .transaction()
          .execute(bumpDesired)
          .catch(() => undefined),
      { withinMs: 10_000, everyMs: 50 },
    )
    assert.equal(version, 3)
  })

  test('that turns read-only is given up, and taken again when it is writable', async () => {
    const set = async (value: string) =>
      await clusters.standby?.cluster.withClient(async (client) => {
        await client.query('set default_transaction_read_only = off')
        await client.query(`alter system set default_transaction_read_only = ${value}`)
        await client.query('select pg_reload_conf()')
      })
    await set('on')
    const bump = async () => await store.db.transaction().execute(bumpDesired)
    const refusal = await waitFor(
      'a refusal',
      async () =>
        await bump().then(
          () => undefined,
          (error: { code: string }) => error.code,
        ),
      { withinMs: 10_000, everyMs: 50 },
    )
    assert.equal(refusal, 'control.database_lost')
    await assert.rejects(bump(), { code: 'control.database_read_only' })
    await set('off')
    await waitFor('a write', async () => await bump().catch(() => undefined), { withinMs: 10_000, everyMs: 50 })
  })

  test('never showed its password in the log', () => {
    assert.ok(logged.length > 0)
    assert.ok(!logged.includes(clusters.primary.password))
  })
})

test('an old PostgreSQL is named with what is needed', () => {
  const target = parseDatabaseUrl('postgres://u:p@h/c')
  const fault = noneFault(target, [{ at: { host: 'h', port: 5432 }, finding: { kind: 'too_old', version: '14.9' } }])
  assert.equal(fault.code, 'control.database_too_old')
  assert.match(`${fault.message} ${fault.hint}`, /14\.9.*15/)
})

function standbyQuestion(store: ControlStore) {
  return store.db.selectNoFrom((eb) => eb.fn<boolean>('pg_is_in_recovery', []).as('standby')).compile()
}
