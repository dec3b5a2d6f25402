// A control that was just restored, on a real database: what it takes from machines, and what it does not decide.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import type { GatewayFacts } from '../../src/contract/facts.ts'
import { type ControlStore, openControlStore } from '../../src/control/database.ts'
import { GENERATION, Lineage } from '../../src/control/lineage.ts'
import { FactBoard } from '../../src/regions/fact-board.ts'
import { lastEpoch } from '../../src/regions/regions.ts'
import { type ControlClusters, startControlClusters } from '../support/control-clusters.ts'

const log = pino({ level: 'silent' })
const facts = (version: number, highestEpoch: number): GatewayFacts => ({
  protocol: 1,
  machine: 'gateway-1',
  domain: 'edge',
  address: '127.0.0.1',
  port: 1,
  publicUrl: 'http://localhost',
  version,
  probes: [],
  requests: 0,
  failedRequests: 0,
  highestEpoch,
})

describe('the lineage of a control database', () => {
  let clusters: ControlClusters
  let store: ControlStore
  const open = async () => await Lineage.open(store.db, { board: new FactBoard(), log })

  before(async () => {
    clusters = await startControlClusters({ hasStandby: false })
    store = await openControlStore({ home: '/nonexistent', url: clusters.url(), log })
    const machine = { role: 'host', domain: 'West US', address: '127.0.0.1', port: 1 }
    await store.db
      .insertInto('machines')
      .values({ name: 'west-us-1', ...machine })
      .execute()
  })
  after(async () => {
    await store?.close()
    await clusters?.stop()
  })

  test('takes no epoch and no version that a machine has seen', async () => {
    const lineage = await open()
    assert.equal(await lineage.note(facts(1, 0)), 1)
    assert.equal(await lineage.note(facts(41, 77)), 42)
    assert.equal(await lastEpoch(store.db), 77)
    assert.equal(await lineage.note(facts(3, 5)), 42)
    assert.equal(await lastEpoch(store.db), 77)
    assert.equal(lineage.heldBy(), null)
    assert.equal(await lineage.mayRelease('west-us-1'), true)
  })

  test('is over when machines follow a later generation', async () => {
    const lineage = await open()
    await lineage.note(facts(GENERATION + 3, 77))
    assert.equal(lineage.heldBy()?.code, 'control.superseded')
    assert.equal(await lineage.mayRelease('west-us-1'), false)
    const [row] = await clusters.sql('select version::int from desired')
    assert.deepEqual(row, { version: 42 }, 'it does not compete')
  })

  test('after a restore releases nothing over the head of a machine that nobody heard', async () => {
    await store.db.insertInto('restores').values({ id: 'r', archive: 'x', taken_at: new Date(), epoch: 60 }).execute()
    const restored = await open()
    assert.equal(restored.heldBy()?.code, 'control.settling')
    assert.equal(await restored.note(facts(GENERATION + 3, 1_100)), 2 * GENERATION + 1)
    assert.equal(await restored.mayRelease('west-us-1'), false)
    await store.db.updateTable('restores').set({ settled_at: new Date() }).execute()
    const settled = await open()
    assert.equal(settled.heldBy(), null)
    assert.deepEqual(await settled.unheard(), ['west-us-1'])
    assert.equal(await settled.mayRelease('west-us-1'), false)
    // The other control process is told; this one finds it in the rows.
    const other = await open()
    await assert.rejects(other.giveUp('nobody'), { code: 'machine.unknown' })
    await other.giveUp('west-us-1')
    assert.deepEqual(await other.unheard(), [])
    assert.equal(await settled.mayRelease('west-us-1'), true)
  })

  test('releases at once where everything since is explained', async () => {
    await store.db.updateTable('restores').set({ is_explained: true, heard: '[]' }).execute()
    const lineage = await open()
    assert.deepEqual(await lineage.unheard(), [])
    assert.equal(await lineage.mayRelease('west-us-1'), true)
  })
})
