import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Event, HOUR_MS, hour, live } from '../../tests/support/backup-facts.ts'
import { type CatalogueFacts, makeCatalogue } from './catalogue.ts'
import { makeBackupId, partKey, readName } from './object-names.ts'
import { planRestore, type RestorePlan } from './restore-plan.ts'
import { chooseAbandoned, chooseExpired, daysToKeep } from './retention.ts'

const DAY_MS = 24 * HOUR_MS

const event = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('wal' as const), hours: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('half' as const), hours: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lost' as const), hours: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('backup' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fork' as const), back: fc.integer({ min: 0, max: 3 }) }) },
)

const attempt = (facts: CatalogueFacts, at: Date): RestorePlan | null => {
  try {
    return planRestore(makeCatalogue(facts), { kind: 'time', at })
  } catch {
    return null
  }
}

test('what could be restored of the last days still can, also when the removal is cut short anywhere', () => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 5, maxLength: 60 }), fc.integer({ min: 0, max: 10 }), (events, days) => {
      const facts = live(events)
      const now = hour(facts.now)
      const expired = chooseExpired(facts, { now, days })
      const moments = Array.from({ length: days * 4 + 1 }, (_, index) => new Date(now.getTime() - index * 6 * HOUR_MS))
      const before = moments.map((at) => attempt(facts, at))
      const order = [...expired.backups.map(({ id }) => id), ...expired.wal.map(({ key }) => key)]
      for (const count of new Set([Math.ceil(order.length / 3), Math.ceil(order.length / 2), order.length])) {
        const gone = new Set(order.slice(0, count))
        const left = {
          ...facts,
          manifests: facts.manifests.filter(({ id }) => !gone.has(id)),
          wal: facts.wal.filter(({ key }) => !gone.has(key)),
        }
        for (const [index, at] of moments.entries()) {
          const plan = before[index]
          if (!plan) continue
          const after = attempt(left, at)
          assert.ok(after, `${at.toISOString()} was restorable with ${plan.backup.id}`)
          assert.equal(after.backup.id, plan.backup.id)
          assert.deepEqual(after.wal, plan.wal)
        }
      }
      const usable = makeCatalogue(facts).backups.some(({ reaches }) => reaches.length > 0)
      assert.ok(!usable || facts.manifests.length > expired.backups.length, 'one backup remains')
    }),
    { numRuns: 500 },
  )
})

test('a month of daily backups kept for a week leaves the seven that are needed and the WAL since the first of them', () => {
  const events: Event[] = Array.from({ length: 30 }, () => [
    { kind: 'backup' as const },
    ...Array.from({ length: 4 }, () => ({ kind: 'wal' as const, hours: 6 })),
  ]).flat()
  const facts = live(events)
  const now = hour(facts.now + 1)
  const { backups, wal } = chooseExpired(facts, { now, days: 7 })
  assert.equal(backups.length, 23)
  assert.equal(wal.length, 23 * 4)
  assert.deepEqual(chooseExpired(facts, { now: new Date(now.getTime() + 300 * DAY_MS), days: 7 }).backups.length, 29)
})

test('parts without a manifest go after a day, when no backup can be under way any more', () => {
  const [old, young] = [makeBackupId(hour(0), '0000'), makeBackupId(hour(20), '0000')]
  const objects = [old, young].map((id) => readName('sql', partKey('sql', id, 1)))
  const now = hour(30)
  assert.deepEqual(chooseAbandoned(objects, now), [partKey('sql', old, 1)])
})

test('while a history is lost nothing expires, since nobody knows what leads there', () => {
  const wal = { kind: 'wal', hours: 6 } as const
  const facts = live([{ kind: 'backup' }, wal, { kind: 'fork', back: 0 }, wal, { kind: 'backup' }, wal])
  const options = { now: hour(3_000), days: 7 }
  assert.equal(chooseExpired(facts, options).backups.length, 1)
  assert.deepEqual(chooseExpired({ ...facts, histories: new Map() }, options), { backups: [], wal: [] })
})

test('for a month after data of a service was dropped every moment before that is kept', () => {
  const now = hour(24 * 60)
  const ago = (days: number) => new Date(now.getTime() - days * DAY_MS).toISOString()
  const table: [string[] | undefined, number][] = [
    [undefined, 7],
    [[], 7],
    [[ago(0.5)], 7],
    [[ago(6.5)], 8],
    [[ago(29.5)], 31],
    [[ago(30)], 7],
    [[ago(31), ago(12), ago(3)], 13],
  ]
  for (const [droppedAt, days] of table) {
    const asked = droppedAt ? { keepDays: 7, droppedAt } : { keepDays: 7 }
    assert.equal(daysToKeep(asked, now), days, String(droppedAt))
  }
})
