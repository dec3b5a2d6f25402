import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Event, hour, live } from '../../tests/support/backup-facts.ts'
import { deriveHistories } from '../databases/timeline.ts'
import { makeCatalogue, restorableInterval } from './catalogue.ts'
import { planRestore, type RestorePlan, type RestoreTarget } from './restore-plan.ts'

const backup: Event = { kind: 'backup' }
const wal = (hours = 1): Event => ({ kind: 'wal', hours })
const lost: Event = { kind: 'lost', hours: 1 }
const fork = (back: number): Event => ({ kind: 'fork', back })
const latest: RestoreTarget = { kind: 'latest' }
const at = (hours: number): RestoreTarget => ({ kind: 'time', at: hour(hours) })

// The plan as: number of the backup, timeline, where it stops, pieces of WAL, and those in reserve.
const short = ({ backup: { id }, timeline, stop, wal: pieces, reserve }: RestorePlan, ids: string[]) =>
  [`backup ${ids.indexOf(id) + 1}`, `timeline ${timeline}`, stop.kind, pieces.length, reserve.length].join(', ')

type Case = { name: string; life: Event[]; target: RestoreTarget; plan?: string; fault?: string; note?: RegExp }

const NONE = 'restore.no_backup'

const CASES: Case[] = [
  {
    name: 'latest: all WAL after the newest backup',
    life: [backup, wal(), backup, wal(), wal()],
    target: latest,
    plan: 'backup 2, timeline 1, end, 2, 0',
  },
  { name: 'latest, the WAL that makes the backup whole is not there', life: [backup], target: latest, fault: NONE },
  {
    name: 'latest, the WAL that makes the newest backup whole is not there: the one before',
    life: [backup, wal(), backup, lost],
    target: latest,
    plan: 'backup 1, timeline 1, end, 1, 0',
    note: /backup .* is passed over: the WAL that makes it whole is not in the vault from 0\/2000000 on/,
  },
  {
    name: 'latest, with a gap: up to it, and a note',
    life: [backup, wal(), lost, wal()],
    target: latest,
    plan: 'backup 1, timeline 1, end, 1, 0',
    note: /is missing/,
  },
  {
    name: 'latest, with a gap and a backup after it: the newer one',
    life: [backup, wal(), lost, backup, wal()],
    target: latest,
    plan: 'backup 2, timeline 1, end, 1, 0',
  },
  {
    name: 'latest, over a promotion',
    life: [backup, wal(), fork(0), wal(), wal()],
    target: latest,
    plan: 'backup 1, timeline 2, end, 3, 0',
  },
  {
    name: 'latest, the new timeline cannot be reached',
    life: [backup, wal(), lost, fork(0), wal()],
    target: latest,
    plan: 'backup 1, timeline 1, end, 1, 0',
    note: /timeline 2/,
  },
  {
    name: 'a moment: the newest backup before it, and WAL until just after it',
    life: [backup, wal(), backup, wal(), wal(), wal(), wal()],
    target: at(2.5),
    plan: 'backup 2, timeline 1, time, 3, 1',
  },
  {
    name: 'the very moment at which a backup was whole',
    life: [backup, wal(), backup, wal()],
    target: at(1),
    plan: 'backup 2, timeline 1, time, 1, 0',
  },
  {
    name: 'a moment before the first backup',
    life: [wal(), backup, wal()],
    target: at(0.5),
    fault: 'restore.too_early',
  },
  { name: 'a moment after the last WAL', life: [backup, wal()], target: at(1.5), fault: 'restore.too_late' },
  {
    name: 'a moment in a gap',
    life: [backup, wal(), lost, wal(), backup, wal()],
    target: at(2.5),
    fault: 'restore.gap',
  },
  {
    name: 'a moment after a gap that a backup follows',
    life: [backup, wal(), lost, wal(), backup, wal()],
    target: at(3.5),
    plan: 'backup 2, timeline 1, time, 1, 0',
  },
  {
    name: 'a moment that was undone later, as it was then',
    life: [backup, wal(), wal(), wal(), fork(2), wal(), wal()],
    target: at(2.5),
    plan: 'backup 1, timeline 1, time, 3, 0',
  },
  {
    name: 'a moment after that, on the new timeline',
    life: [backup, wal(), wal(), wal(), fork(2), wal(), wal()],
    target: at(5.5),
    plan: 'backup 1, timeline 2, time, 3, 0',
  },
  { name: 'nothing at all', life: [wal()], target: latest, fault: NONE },
]

for (const { name, life, target, plan, fault, note } of CASES) {
  test(`a restore of ${name}`, () => {
    const facts = live(life)
    const catalogue = makeCatalogue(facts)
    if (fault) {
      assert.throws(() => planRestore(catalogue, target), { code: fault })
      return
    }
    const found = planRestore(catalogue, target)
    assert.equal(
      short(
        found,
        facts.manifests.map(({ id }) => id),
      ),
      plan,
    )
    if (note) assert.match(found.notes.join(), note)
    else assert.deepEqual(found.notes, [])
  })
}

test('a backup by its id needs no more WAL than makes it whole', () => {
  const facts = live([backup, wal(), wal(), backup, wal(), wal()])
  const catalogue = makeCatalogue(facts)
  const [first = '', second = ''] = facts.manifests.map(({ id }) => id)
  const found = planRestore(catalogue, { kind: 'backup', id: first })
  assert.equal(short(found, [first, second]), 'backup 1, timeline 1, backup, 1, 0')
  assert.deepEqual([found.wal[0], found.restoresTo], [facts.wal[0], hour(0)])
})

test('a server that wrote nothing since can be restored up to when that was seen', () => {
  const facts = live([backup, wal()])
  const end = facts.wal.at(-1)?.end ?? 0n
  const seen = { timeline: 1, lsn: `0/${end.toString(16)}`, at: hour(5).toISOString() }
  const catalogue = makeCatalogue({ ...facts, seen })
  assert.deepEqual(restorableInterval(catalogue), { from: hour(0), to: hour(5) })
  assert.equal(planRestore(catalogue, at(4)).wal.length, 1)
  // More was there then than is now: it says nothing of what is left.
  const lostSince = makeCatalogue({ ...facts, seen: { ...seen, lsn: `0/${(end + 1n).toString(16)}` } })
  assert.throws(() => planRestore(lostSince, at(4)), { code: 'restore.too_late' })
})

test('a history that is lost takes nothing from what was before it, and is known from a later one', () => {
  const life: Event[] = [backup, wal(), fork(0), wal(), fork(0), wal()]
  const facts = live(life)
  const only = (...timelines: number[]) =>
    new Map([...facts.histories].filter(([timeline]) => timelines.includes(timeline)))
  const whole = planRestore(makeCatalogue(facts), latest)
  assert.equal(whole.timeline, 3)
  const derived = makeCatalogue({ ...facts, histories: deriveHistories(only(3)) })
  assert.deepEqual(planRestore(derived, latest), whole)
  const lost = makeCatalogue({ ...facts, histories: only() })
  assert.equal(planRestore(lost, at(0.5)).timeline, 1)
  // Their numbers must not be taken a second time.
  assert.deepEqual([...planRestore(lost, at(0.5)).histories.keys()], [2, 3])
})
