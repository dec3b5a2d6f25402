// Operators at once on one real control database: nothing is promised twice, one of two wins, the other is told.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { pino } from 'pino'
import { sealOf } from '../../src/accounts/seal.ts'
import { findChores } from '../../src/control/chores.ts'
import { type ControlStore, type Db, openControlStore } from '../../src/control/database.ts'
import { FleetWatch } from '../../src/control/fleet-watch.ts'
import { setRegion } from '../../src/control/set-region.ts'
import { insertServer, insertStandby, listServers } from '../../src/databases/servers.ts'
import { Incidents } from '../../src/health/incidents.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { Fault } from '../../src/kit/fault.ts'
import { removeTree } from '../../src/kit/files.ts'
import { slugOf } from '../../src/kit/identifiers.ts'
import { foldersOfRole } from '../../src/local/cloud-home.ts'
import { OperationRunner } from '../../src/operations/runner.ts'
import { beginRecover } from '../../src/recovery/recover-begin.ts'
import { recoverKind } from '../../src/recovery/recover-kind.ts'
import { verifyServiceKind } from '../../src/recovery/verify-service.ts'
import { FactBoard } from '../../src/regions/fact-board.ts'
import { usageOf } from '../../src/regions/ledger.ts'
import { ensureRegion, listMachines, listRegions, lockRegion, setCapacity } from '../../src/regions/regions.ts'
import { roomOf } from '../../src/regions/room.ts'
import { beginCreate, createKind } from '../../src/services/create-service.ts'
import { beginDelete, deleteKind, planDelete } from '../../src/services/delete-service.ts'
import { beginDropArchived, planDropArchived } from '../../src/services/drop-archived.ts'
import { dropDueServices } from '../../src/services/due-drops.ts'
import { beginRestore, listArchives, restoreKind } from '../../src/services/restore-service.ts'
import { beginScale, scaleKind } from '../../src/services/scale-service.ts'
import { listDrops, listHoldings, listServices } from '../../src/services/services.ts'
import { FieldDouble } from '../support/field-double.ts'
import { seedOf } from '../support/nasty.ts'

const log = pino({ level: 'silent' })
const caller = { principal: 'operator', subscriptionId: 'default' }
const REGIONS = ['West US', 'East US', 'North Europe']
const HOSTS = 2
const ROOM = { reservedUnits: 6, sharedSlots: 6 }
const NAMES = ['one', 'two', 'three', 'four', 'five', 'six']
const BATCHES = 60
const BATCH = 16
const BATCHES_MS_MAX = 30_000

type Ask =
  | { kind: 'create'; name: string; region: string; units: number; primary: string | null; key: string | null }
  | { kind: 'scale'; name: string; units: number }
  | { kind: 'delete'; name: string }
  | { kind: 'restore'; name: string }
  | { kind: 'recover'; name: string; secondary: string }
  | { kind: 'region'; region: string; units: number; slots: number }

const name = fc.constantFrom(...NAMES)
const region = fc.constantFrom(...REGIONS)
const units = fc.integer({ min: 0, max: 4 })
const ask: fc.Arbitrary<Ask> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ kind: fc.constant('create' as const), name, region, units },
      ...{ primary: fc.option(name), key: fc.option(fc.constantFrom('a', 'b', 'c'), { freq: 3 }) },
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('scale' as const), name, units }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restore' as const), name }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('recover' as const), name, secondary: name }) },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ kind: fc.constant('region' as const), region },
      ...{ units: fc.integer({ min: 3, max: 9 }), slots: fc.integer({ min: 2, max: 9 }) },
    }),
  },
)

describe('operators who all want something at once', () => {
  let home: string
  let store: ControlStore
  let db: Db
  let field: FieldDouble
  let deps: Parameters<typeof beginCreate>[0]
  let recovery: Parameters<typeof beginRecover>[0]
  let runner: OperationRunner
  const aborter = new AbortController()

  // Several control processes share a database; each operator asks one of them.
  const carryOut = async (batch: string, one: Ask): Promise<string | null> => {
    if (one.kind === 'create') {
      const shape = one.units === 0 ? { mode: 'shared' as const } : { mode: 'reserved' as const, units: one.units }
      const promise = one.primary === null ? {} : { secondaryFor: one.primary }
      const wanted = { name: one.name, location: one.region, ...shape, ...promise }
      return await beginCreate(deps, caller, wanted, one.key && `${batch}-${one.key}`)
    }
    if (one.kind === 'scale') {
      const wanted = one.units === 0 ? { mode: 'shared' as const } : { mode: 'reserved' as const, units: one.units }
      const begun = await beginScale(deps, caller, one.name, wanted, null)
      return begun.kind === 'begun' ? begun.operationId : null
    }
    if (one.kind === 'delete') return await beginDelete(deps, caller, { name: one.name, isDataDropped: false }, null)
    if (one.kind === 'restore') return await beginRestore(deps, caller, one.name, {}, null)
    if (one.kind === 'region') {
      await setRegion({ db, field }, caller, slugOf(one.region), { reservedUnits: one.units, sharedSlots: one.slots })
      return null
    }
    const request = { secondary: one.secondary, isForced: true }
    return (await beginRecover(recovery, caller, one.name, request, null)).operationId
  }
  // At one moment: otherwise a region that was made smaller after a service left it would look over-booked.
  const requireRoom = async () => {
    const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
    await snapshot.execute(async (trx) => {
      const [machines, holdings] = [await listMachines(trx), await listHoldings(trx)]
      for (const one of await listRegions(trx)) {
        const { total } = roomOf(one, machines, field).offer
        const used = usageOf({ region: one.slug }, holdings)
        assert.ok(used.reservedUnits <= total.reservedUnits, `${one.name}: ${used.reservedUnits} units`)
        assert.ok(used.sharedSlots <= total.sharedSlots, `${one.name}: ${used.sharedSlots} slots`)
      }
    })
  }
  const refusalOf = (error: unknown): Fault => {
    assert.ok(error instanceof Fault, String(error instanceof Error ? error.stack : error))
    assert.ok(error.status >= 400 && error.status < 500, `${error.code} ${error.status}: ${error.message}`)
    return error
  }
  const settled = async () => {
    const open = () => db.selectFrom('operations').select('id').where('state', '=', 'running').execute()
    // One that ends may have begun another.
    const isSettled = async () => {
      await runner.startFree(aborter.signal)
      return (await open()).length === 0 ? true : undefined
    }
    await waitFor('every operation to end', isSettled, { withinMs: 20_000, everyMs: 5 })
  }
  const create = async (wanted: Parameters<typeof beginCreate>[2], key: string | null = null) =>
    await beginCreate(deps, caller, wanted, key)
  /** What each of some operators gets who ask at once. */
  const together = async <T>(asks: (() => Promise<T>)[]) => {
    const ended = await Promise.allSettled(asks.map(async (one) => await one()))
    return {
      won: ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
      refused: ended.flatMap((one) => (one.status === 'rejected' ? [refusalOf(one.reason)] : [])),
    }
  }

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'mainstay-capacity-'))
    await chmod(home, 0o755)
    store = await openControlStore({ home, url: null, log })
    db = store.db
    field = new FieldDouble(db)
    const seal = sealOf(Buffer.alloc(32, 1))
    const board = new FactBoard()
    deps = { db, seal, field }
    const vault = { hosts: () => [], backupKey: async () => '' }
    recovery = { db, field, board, incidents: new Incidents(db), openKey: () => '', seal, vault }
    await makeFleet(db, seal)
    for (const { name: machine } of await listMachines(db)) board.noteHost(await field.askHost(machine))
    const kinds = { create: createKind(deps), delete: deleteKind(deps), scale: scaleKind(deps) }
    const recovering = { recover: recoverKind(recovery), verify_service: verifyServiceKind(recovery) }
    const others = { restore: restoreKind(deps), ...recovering }
    runner = new OperationRunner(db, { ...kinds, ...others }, log, { onChange: () => {}, onEnd: () => {} })
  })
  after(async () => {
    aborter.abort()
    await runner?.settle()
    await store?.close()
    for (const folder of await foldersOfRole(home)) await removeTree(folder)
    await rm(home, { recursive: true, force: true })
  })

  test('two who create a service of one name: one wins, wherever each wants it', async () => {
    for (const location of ['West US', 'East US']) {
      const asks = ['West US', location].map(
        (at) => async () => await create({ name: `twice-${location[0]}`, location: at }),
      )
      const { won, refused } = await together(asks)
      assert.equal(won.length, 1)
      assert.deepEqual(
        refused.map(({ code, hint }) => [code, hint]),
        [['service.exists', 'Choose another name.']],
      )
    }
    await settled()
  })

  test('one who asks twice at once with one key is given the same operation', async () => {
    const wanted = { name: 'keyed', location: 'West US' }
    const { won, refused } = await together(Array.from({ length: 6 }, () => async () => await create(wanted, 'key')))
    assert.deepEqual(refused, [])
    assert.equal(new Set(won).size, 1)
    await settled()
    const ends = Array.from({ length: 4 }, () => async () => {
      return await beginDelete(deps, caller, { name: 'keyed', isDataDropped: false }, 'end')
    })
    const ended = await together(ends)
    assert.deepEqual([ended.refused, new Set(ended.won).size], [[], 1])
    await settled()
    const back = await together([1, 2, 3].map(() => async () => await beginRestore(deps, caller, 'keyed', {}, 'back')))
    assert.deepEqual([back.refused, new Set(back.won).size], [[], 1])
    await settled()
    const scaled = await together(
      [1, 2, 3].map(() => async () => await beginScale(deps, caller, 'keyed', { mode: 'reserved', units: 2 }, 'size')),
    )
    const ids = new Set(scaled.won.map((begun) => begun.kind === 'begun' && begun.operationId))
    assert.deepEqual([scaled.refused, ids.size], [[], 1])
    await settled()
  })

  test('the last room of a region goes to one of those who want it', async () => {
    const left = ROOM.reservedUnits / HOSTS
    const asks = ['x1', 'x2', 'x3', 'x4'].map((one) => async () => {
      return await create({ name: one, location: 'North Europe', mode: 'reserved', units: left })
    })
    const { won, refused } = await together(asks)
    assert.deepEqual([won.length, refused.map(({ code }) => code)], [HOSTS, ['capacity.exceeded', 'capacity.exceeded']])
    for (const { hint } of refused) assert.match(hint ?? '', /another region/)
    await settled()
    await requireRoom()
  })

  test('a promise, a recovery and two deletions of the same service: one of each wins', async () => {
    await create({ name: 'primary', location: 'West US' })
    await settled()
    const promised = await together(
      ['s1', 's2', 's3'].map((one) => async () => {
        return await create({ name: one, location: 'East US', secondaryFor: 'primary' })
      }),
    )
    assert.deepEqual(
      [promised.won.length, promised.refused.map(({ code }) => code)],
      [1, Array(2).fill('recovery.has_secondary')],
    )
    await settled()
    const secondary = (await listServices(db, null)).find((one) => one.secondary_for !== null)
    assert.ok(secondary)
    const request = { secondary: secondary.name, isForced: true }
    const recovered = await together(
      ['r1', 'r1', 'r2'].map((key) => async () => {
        return (await beginRecover(recovery, caller, 'primary', request, key)).operationId
      }),
    )
    assert.ok(new Set(recovered.won).size === 1 && recovered.refused.every(({ code }) => code === 'recovery.busy'))
    await settled()
    const [primary] = (await listServices(db, null)).filter((one) => one.name === 'primary')
    assert.equal(primary?.region, 'east-us')
    const ended = await together(
      [1, 2].map(() => async () => await beginDelete(deps, caller, { name: 'primary', isDataDropped: true }, null)),
    )
    assert.deepEqual([ended.won.length, ended.refused.map(({ code }) => code)], [1, ['service.busy']])
    await settled()
    await requireRoom()
  })

  test('whatever they ask for, the ledger is never over-booked and nobody is answered with a fault of ours', async (t) => {
    const seed = seedOf(process.env)
    t.diagnostic(`FUZZ_SEED=${seed}`)
    for (const one of await listServices(db, null)) {
      await beginDelete(deps, caller, { name: one.name, isDataDropped: true }, null)
    }
    await settled()
    const outcomes = new Map<string, number>()
    const watch = new FleetWatch(db)
    const startedAt = performance.now()
    for (const [number, batch] of fc
      .sample(fc.array(ask, { minLength: BATCH, maxLength: BATCH }), { seed, numRuns: BATCHES })
      .entries()) {
      if (performance.now() - startedAt > BATCHES_MS_MAX) break
      const [ended] = await Promise.all([
        Promise.allSettled(batch.map(async (one) => await carryOut(String(number), one))),
        // Some are carried out while others are still asking.
        runner.startFree(aborter.signal),
        requireRoom(),
        watch.read(),
      ])
      for (const [index, one] of ended.entries()) {
        const { kind } = batch[index] as Ask
        const outcome = one.status === 'fulfilled' ? 'begun' : refusalOf(one.reason).code
        outcomes.set(`${kind} ${outcome}`, (outcomes.get(`${kind} ${outcome}`) ?? 0) + 1)
      }
      await requireRoom()
      await watch.read()
      await settled()
      await requireRoom()
      // Who looked in the middle of it all misses nothing of what came of it, and what stays is not read again.
      const seen = await watch.read()
      assert.deepEqual(seen, await new FleetWatch(db).read())
      assert.equal(await watch.read(), seen)
    }
    const states = await db
      .selectFrom('operations')
      .select(['kind', 'state', 'error'])
      .where('state', '<>', 'succeeded')
      .execute()
    assert.deepEqual(states, [])
    for (const kind of ['create', 'scale', 'delete', 'restore', 'recover', 'region']) {
      assert.ok((outcomes.get(`${kind} begun`) ?? 0) > 0, `no ${kind} ever began: ${[...outcomes.keys()].join(', ')}`)
    }
    t.diagnostic([...outcomes].map(([what, count]) => `${what}: ${count}`).join('; '))
  })

  test('what could not be brought back is dropped on the day on which it was to be', async () => {
    for (const one of await listServices(db, null)) {
      await beginDelete(deps, caller, { name: one.name, isDataDropped: true }, null)
    }
    await settled()
    await create({ name: 'kept', location: 'North Europe' })
    await settled()
    await beginDelete(deps, caller, { name: 'kept', isDataDropped: true }, null)
    await settled()
    const find = async () =>
      await db
        .selectFrom('services')
        .select(['state', 'drop_data_at'])
        .where('name', '=', 'kept')
        .executeTakeFirstOrThrow()
    const before = await find()
    assert.ok(before.drop_data_at)
    const id = await beginRestore(deps, caller, 'kept', {}, null)
    assert.deepEqual(await find(), { state: 'creating', drop_data_at: null })
    const operation = await db.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    const fault = new Fault('service.schema_failed', 500, 'its schema could not be opened')
    await restoreKind(deps).fail({ operation, facts: {}, attempt: 0 }, fault, async (trx) => {
      await trx.updateTable('operations').set({ state: 'failed' }).where('id', '=', id).execute()
    })
    assert.deepEqual(await find(), before)
  })

  const rowsOf = async (name: string) =>
    await db
      .selectFrom('services')
      .select(['id', 'state', 'server', 'operation_id', 'ended_at', 'drop_data_at'])
      .where('name', '=', name)
      .orderBy('epoch')
      .execute()
  const archived = async (name: string) => (await listArchives(db, 'default')).filter((one) => one.name === name)
  const serversThere = async () => (await listServers(db)).map((one) => one.name)
  const remove = async (name: string, wanted: { isDataDropped: boolean; isNow?: boolean }) => {
    await beginDelete(deps, caller, { name, ...wanted }, null)
    await settled()
  }

  test('what is deleted with its data is kept for 30 days, comes back whole, and is dropped when they are over', async () => {
    const wanted = { name: 'softly', location: 'North Europe', mode: 'reserved' as const, units: 1 }
    await create({ ...wanted, sqlServer: 'new' })
    await settled()
    const [{ server } = { server: '' }] = await rowsOf('softly')
    const { changes } = await planDelete(deps, caller, { name: 'softly', isDataDropped: true })
    assert.match(changes.join('; '), new RegExp(`Keep its data and its server ${server} for 30 days, then drop both`))
    await remove('softly', { isDataDropped: true })
    await beginRestore(deps, caller, 'softly', {}, null)
    await settled()
    assert.deepEqual([(await rowsOf('softly'))[0]?.state, await archived('softly')], ['ready', []])
    const before = Date.now()
    await remove('softly', { isDataDropped: true })
    // Ended twice, and there once.
    const [kept, ...more] = await archived('softly')
    assert.deepEqual([kept?.hasData, kept?.reason, more], [true, 'deleted', []])
    const dropAt = new Date(kept?.dropDataAt ?? 0)
    const days = (dropAt.getTime() - before) / 86_400_000
    assert.ok(days >= 30 && days < 30.01, String(days))

    const early = new Date(dropAt.getTime() - 1)
    await dropDueServices(db, early)
    assert.equal((await findChores(db, early)).dueServices, false)
    assert.equal((await rowsOf('softly'))[0]?.state, 'archived')
    assert.ok((await serversThere()).includes(server))
    // Control may have been off on the day: what counts for the backups is when it was dropped.
    const late = new Date(dropAt.getTime() + 86_400_000)
    assert.equal((await findChores(db, late)).dueServices, true)
    assert.equal(await dropDueServices(db, late), true)
    const { dueServices, endedServices } = await findChores(db, late)
    assert.deepEqual({ dueServices, endedServices }, { dueServices: false, endedServices: true })
    assert.deepEqual([(await rowsOf('softly'))[0]?.state, await archived('softly')], ['deleted', []])
    assert.equal((await serversThere()).includes(server), false)
    const drops = await listDrops(db, dropAt)
    assert.deepEqual(
      drops.map((one) => [one.server, one.at.toISOString()]),
      [[server, late.toISOString()]],
    )
  })

  test('it goes at once when that is said, and only together with its data', async () => {
    await create({ name: 'gone', location: 'North Europe' })
    await settled()
    const refused = { code: 'service.bad_deletion', status: 400 }
    await assert.rejects(remove('gone', { isDataDropped: false, isNow: true }), refused)
    const { changes } = await planDelete(deps, caller, { name: 'gone', isDataDropped: true, isNow: true })
    assert.match(changes[1] ?? '', /^Drop its data on sql-north-europe/)
    await remove('gone', { isDataDropped: true, isNow: true })
    assert.deepEqual([(await rowsOf('gone'))[0]?.state, await archived('gone')], ['deleted', []])
    await assert.rejects(beginRestore(deps, caller, 'gone', {}, null), { code: 'service.not_archived' })
  })

  test('what is kept is dropped before its time without touching who has the name now', async () => {
    const again = async () => {
      await create({ name: 'again', location: 'North Europe' })
      await settled()
    }
    await again()
    await remove('again', { isDataDropped: true })
    await again()
    const taken = { code: 'service.exists', hint: /: mainstay mobile restore-deleted again --ended-at 20/ }
    await assert.rejects(beginRestore(deps, caller, 'again', {}, null), taken)
    const { changes } = await planDropArchived(deps, caller, { name: 'Again' })
    assert.match(
      changes.join('; '),
      /^Forget 'again', which ended at 20.*; Drop its data on sql-north-europe: no tables$/,
    )
    const id = await beginDropArchived(deps, caller, { name: 'again' }, 'once')
    assert.equal(await beginDropArchived(deps, caller, { name: 'again' }, 'once'), id)
    // Nobody brings it back meanwhile.
    await assert.rejects(beginRestore(deps, caller, 'again', {}, null), { code: 'service.not_archived' })
    await settled()
    const states = (await rowsOf('again')).map((one) => [one.state, one.operation_id])
    assert.deepEqual(states, [
      ['deleted', null],
      ['ready', null],
    ])
    await assert.rejects(beginDropArchived(deps, caller, { name: 'again' }, null), { code: 'service.not_archived' })
    await remove('again', { isDataDropped: true, isNow: true })
  })

  test('of several that had a name each is brought back or dropped by when it ended', async () => {
    for (const units of [1, 2]) {
      await create({ name: 'twice', location: 'North Europe', mode: 'reserved' as const, units })
      await settled()
      await remove('twice', { isDataDropped: true })
    }
    const [newer, older] = await archived('twice')
    assert.ok(newer && older)
    assert.deepEqual([newer.units, older.units], [2, 1])
    const never = { name: 'twice', endedAt: '2020-01-01T00:00:00.000Z' }
    await assert.rejects(beginDropArchived(deps, caller, never, null), { code: 'service.not_archived' })
    await beginRestore(deps, caller, 'Twice', { endedAt: older.archivedAt }, null)
    await settled()
    assert.deepEqual(
      (await archived('twice')).map(({ archivedAt }) => archivedAt),
      [newer.archivedAt],
    )
    await beginDropArchived(deps, caller, { name: 'twice', endedAt: newer.archivedAt }, null)
    await settled()
    const all = db.selectFrom('services').select(['units', 'state']).where('name', '=', 'twice').orderBy('units')
    assert.deepEqual(
      (await all.execute()).map(({ units, state }) => [units, state]),
      [
        [1, 'ready'],
        [2, 'deleted'],
      ],
    )
    await remove('twice', { isDataDropped: true, isNow: true })
  })

  test('a row that the release before left half dropped is in the archive again, until its day', async () => {
    await create({ name: 'halfway', location: 'North Europe' })
    await settled()
    await remove('halfway', { isDataDropped: true })
    const [before] = await rowsOf('halfway')
    await db.updateTable('services').set({ state: 'deleting' }).where('name', '=', 'halfway').execute()
    assert.equal((await findChores(db)).dueServices, true)
    await dropDueServices(db)
    assert.deepEqual(await rowsOf('halfway'), [before])
  })

  test('a drop that could not begin leaves what is kept as it was, until its day', async () => {
    await create({ name: 'spared', location: 'North Europe' })
    await settled()
    await remove('spared', { isDataDropped: true })
    const [before] = await rowsOf('spared')
    const machine = (await listServers(db)).find(({ name }) => name === before?.server)?.members[0]?.machine ?? ''
    field.lost.add(machine)
    await assert.rejects(
      beginDropArchived(deps, caller, { name: 'spared' }, null),
      (error: Fault) => error.status === 503,
    )
    field.lost.clear()
    const id = await beginDropArchived(deps, caller, { name: 'spared' }, null)
    assert.equal((await rowsOf('spared'))[0]?.state, 'deleting')
    const operation = await db.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    const fault = new Fault('door.unreachable', 503, 'its host cannot be reached')
    let next: string | null | undefined
    await deleteKind(deps).fail({ operation, facts: {}, attempt: 0 }, fault, async (trx, outcome) => {
      next = outcome.next
      await trx.updateTable('operations').set({ state: 'failed' }).where('id', '=', id).execute()
    })
    assert.deepEqual(await rowsOf('spared'), [before])
    assert.equal(next, 'mainstay mobile archive delete spared')
  })
})

async function makeFleet(db: Db, seal: Parameters<typeof insertServer>[1]): Promise<void> {
  for (const domain of REGIONS) {
    await ensureRegion(db, domain)
    const slug = slugOf(domain)
    for (let host = 1; host <= HOSTS; host += 1) {
      await db
        .insertInto('machines')
        .values({ name: `${slug}-${host}`, role: 'host', domain })
        .execute()
    }
    await db.transaction().execute(async (trx) => {
      await lockRegion(trx, slug)
      await setCapacity(trx, slug, ROOM)
      await insertServer(trx, seal, {
        name: `sql-${slug}`,
        region: slug,
        machine: `${slug}-1`,
        isDefault: true,
        protection: 'async',
      })
    })
  }
  await insertStandby(db, 'sql-west-us', 'east-us-1')
  await db.updateTable('server_members').set({ standing: 'ready' }).where('role', '=', 'standby').execute()
}
