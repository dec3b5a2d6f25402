// Tests of leases: what it takes, makes and refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notFound } from './app-faults.ts'
import { Leases } from './leases.ts'

function leasesAt(start: number) {
  const clock = { now: start }
  return { clock, leases: new Leases(() => clock.now) }
}
const write = { server: 'sql', isWrite: true }

test('a server that was never mentioned, and one that ran out, are refused; one without a lease is not', () => {
  const { leases } = leasesAt(100)
  assert.equal(leases.isHeld('sql'), false)
  leases.set([
    { server: 'sql', untilBootMs: 101 },
    { server: 'free', untilBootMs: null },
    { server: 'lost', untilBootMs: 0 },
  ])
  assert.deepEqual(
    ['sql', 'free', 'lost'].map((server) => leases.isHeld(server)),
    [true, true, false],
  )
  leases.set([{ server: 'sql', untilBootMs: 100 }])
  assert.deepEqual(
    ['sql', 'free'].map((server) => leases.isHeld(server)),
    [false, false],
  )
})

test('nothing is begun without a lease', async () => {
  const { leases } = leasesAt(0)
  let isBegun = false
  const work = async () => {
    isBegun = true
  }
  await assert.rejects(leases.guard(write, work), { code: 'app.unavailable' })
  assert.equal(isBegun, false)
})

test('what ends after the lease is not done: a write is unknown, a read or a verdict unavailable', async () => {
  const { leases, clock } = leasesAt(0)
  const late = async () => {
    clock.now = 10
  }
  const begin = () => {
    clock.now = 0
    leases.set([{ server: 'sql', untilBootMs: 5 }])
  }
  begin()
  await assert.rejects(leases.guard(write, late), { code: 'app.outcome_unknown', status: 503 })
  begin()
  await assert.rejects(leases.guard({ ...write, isWrite: false }, late), { code: 'app.unavailable' })
  begin()
  const verdict = async () => {
    clock.now = 10
    throw notFound()
  }
  await assert.rejects(leases.guard(write, verdict), { code: 'app.unavailable' })
})
