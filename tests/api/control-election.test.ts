// Writes of the executor and a takeover, on a real database: one of them comes first, and the other one knows.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { type ControlStore, type Db, openControlStore, openDb } from '../../src/control/database.ts'
import { electionRound, listControls, notePresence, resign } from '../../src/control/election.ts'
import { TermGuard } from '../../src/control/term-guard.ts'
import { CONTROL_TRANSACTION_IDLE_MS_MAX } from '../../src/kit/limits.ts'
import { bumpDesired, lastEpoch, nextEpoch, raiseDesired, raiseEpochs } from '../../src/regions/regions.ts'
import { type ControlClusters, startControlClusters } from '../support/control-clusters.ts'

const log = pino({ level: 'silent' })
const self = (id: string) => ({ id, domain: id, version: '1', startedAt: new Date(), isKeyExported: false })
const takenOver = { code: 'operation.taken_over' }

describe('of two control processes on one database', () => {
  let clusters: ControlClusters
  let store: ControlStore
  let guard: TermGuard
  let own: Db
  const round = async (id: string, term: number | null) =>
    (await electionRound(store.db, { id, term, isAlone: false })).term
  const silence = async (id: string) =>
    await clusters.sql(`update controls set seen_at = now() - interval '4 seconds' where id = '${id}'`)
  const version = async () =>
    Number((await store.db.selectFrom('desired').select('version').executeTakeFirstOrThrow()).version)

  before(async () => {
    clusters = await startControlClusters({ hasStandby: false })
    store = await openControlStore({ home: '/nonexistent', url: clusters.url({ over: 'socket' }), log })
    guard = new TermGuard(store.pool, 'a')
    own = openDb(guard)
  })
  after(async () => {
    await store?.close()
    await clusters?.stop()
  })

  test('the first that looks executes, the second stands by', async () => {
    await notePresence(store.db, self('a'))
    await notePresence(store.db, self('b'))
    assert.equal(await round('a', null), 1)
    assert.equal(await round('a', 1), 1)
    assert.equal(await round('b', null), null)
    const controls = await listControls(store.db)
    assert.deepEqual(
      controls.map(({ name, since }) => [name, since !== null]),
      [
        ['control-1', true],
        ['control-2', false],
      ],
    )
  })

  test('nothing is written before a term was taken, in a transaction or out of one', async () => {
    await assert.rejects(own.transaction().execute(bumpDesired), takenOver)
    await assert.rejects(own.updateTable('desired').set({ version: 99 }).execute(), takenOver)
    guard.term = 1
    assert.equal(await own.transaction().execute(bumpDesired), 2)
    await own.updateTable('desired').set({ version: 3 }).execute()
    assert.equal(await version(), 3)
  })

  test('a takeover waits for what is just being committed, and refuses what comes later', async () => {
    await clusters.sql(`insert into operations (id, subscription_id, principal, kind, service_id, service_name, state,
      input, steps, holder, held_until) values ('o', 'default', 'p', 'create', 's', 'S', 'running', '{}', '[]', 'old',
      now() + interval '1 hour')`)
    const order: string[] = []
    let taking: Promise<number | null> = Promise.resolve(null)
    await own.transaction().execute(async (trx) => {
      await bumpDesired(trx)
      await silence('a')
      taking = round('b', null).finally(() => order.push('takeover'))
      await trx.selectFrom('desired').select('version').execute()
      order.push('commit')
    })
    assert.equal(await taking, 2)
    assert.deepEqual(order, ['commit', 'takeover'])
    assert.equal(await version(), 4)
    await assert.rejects(own.transaction().execute(bumpDesired), takenOver)
    await assert.rejects(own.deleteFrom('incidents').execute(), takenOver)
    assert.equal(await version(), 4)
    // Reading is allowed: what it would do with what it reads is refused.
    assert.equal((await own.selectFrom('desired').select('version').execute()).length, 1)
    const [operation] = await clusters.sql('select holder, held_until from operations')
    assert.deepEqual(operation, { holder: null, held_until: null }, 'the operation is free at once')
  })

  test('a process that was paused within a transaction does not hold the next one up', async () => {
    guard.term = 2
    await clusters.sql(`update executor set holder = 'a'`)
    await silence('a')
    await notePresence(store.db, self('b'))
    const client = await guard.connect()
    await client.query('begin', [])
    await client.query('update desired set version = 77', [])
    const startedAt = performance.now()
    assert.equal(await round('b', null), 3)
    assert.ok(performance.now() - startedAt < 2 * CONTROL_TRANSACTION_IDLE_MS_MAX)
    await assert.rejects(client.query('commit', []), { code: 'control.database_lost' })
    client.release(true)
    assert.equal(await version(), 4)
  })

  test('one that stops leaves its place, and its name', async () => {
    await resign(store.db, { id: 'b', term: 3 })
    assert.equal(await round('a', null), 4)
    assert.deepEqual(
      (await listControls(store.db)).map(({ id }) => id),
      ['a'],
    )
  })

  test('floors are raised and never lowered, whoever takes epochs meanwhile', async () => {
    const taken = await Promise.all(
      Array.from({ length: 40 }, async (_, index) =>
        index % 4 === 0
          ? raiseEpochs(store.db, 30 + index).then(() => 0)
          : store.db.transaction().execute(async (trx) => await nextEpoch(trx)),
      ),
    )
    const epochs = taken.filter((epoch) => epoch > 0)
    assert.equal(new Set(epochs).size, epochs.length, 'an epoch was taken twice')
    assert.ok((await lastEpoch(store.db)) >= 66)
    assert.ok((await raiseEpochs(store.db, 5)) >= 66)
    await raiseDesired(store.db, 1_000)
    await raiseDesired(store.db, 10)
    assert.equal(await version(), 1_001)
  })
})
