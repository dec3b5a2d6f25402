// The check before a service is changed to another database, as a table of facts and findings.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ServiceContents, TableContents } from '../contract/service-contents.ts'
import { Fault } from '../kit/fault.ts'
import { checkDatabase, type DatabaseFacts } from './database-check.ts'

const T = Date.UTC(2026, 10, 25, 12)
const todo = (rows: number, newestMs: number | null): TableContents => ({ name: 'TodoItem', rows, newestMs })
const holds = (...tables: TableContents[]): ServiceContents => ({ schema: 'shop', foreignOwner: null, tables })

const SAME: DatabaseFacts = {
  service: 'Shop',
  homeRegionName: 'West US',
  defined: ['TodoItem'],
  from: { server: 'sql-west-us', regionName: 'West US', contents: holds(todo(2, T)), seenMs: T },
  to: { server: 'sql-new', regionName: 'West US', contents: holds(todo(2, T)) },
  roundTripMs: { from: 0.1, to: 0.1 },
  acceptedLossMs: 0,
}
const to = (contents: ServiceContents): DatabaseFacts => ({ ...SAME, to: { ...SAME.to, contents } })
const lost = (facts: DatabaseFacts): DatabaseFacts => ({ ...facts, from: { ...facts.from, contents: null } })

describe('a change of database', () => {
  const refusals: [string, DatabaseFacts, string, RegExp][] = [
    ['to where it is', { ...SAME, to: { ...SAME.to, server: 'sql-west-us' } }, 'database.same', /already/],
    ['to one without its data', to({ schema: null, foreignOwner: null, tables: [] }), 'database.empty', /no data/],
    [
      'to one with data of another',
      to({ schema: null, foreignOwner: 'svc_other', tables: [] }),
      'database.foreign',
      /belongs to svc_other/,
    ],
    ['to an older one', to(holds(todo(1, T - 61_500))), 'database.older', /--accept-loss 62s/],
    ['to one that lacks deletions only', to(holds(todo(3, T))), 'database.older', /--accept-loss 1s/],
    ['to one without rows', to(holds(todo(0, null))), 'database.older', /--accept-loss any/],
    ['from one that is lost', lost(to(holds(todo(2, T - 5_000)))), 'database.older', /--accept-loss 5s/],
    [
      'from one that is lost and was never seen',
      lost({ ...SAME, from: { ...SAME.from, seenMs: null } }),
      'database.older',
      /--accept-loss any/,
    ],
    [
      'to one that is older than was accepted',
      { ...to(holds(todo(1, T - 61_500))), acceptedLossMs: 60_000 },
      'database.older',
      /by 61.5 s/,
    ],
  ]
  for (const [what, facts, code, text] of refusals) {
    test(`${what} is refused`, () => {
      assert.throws(
        () => checkDatabase(facts),
        (error) => error instanceof Fault && error.code === code && text.test(`${error.message} ${error.hint}`),
      )
    })
  }

  const findings: [string, DatabaseFacts, { lossMs: number | null; isSame: boolean }, RegExp][] = [
    ['to the same data', SAME, { lossMs: 0, isSame: true }, /the same rows/],
    [
      'to older data, accepted',
      { ...to(holds(todo(1, T - 61_500))), acceptedLossMs: 62_000 },
      { lossMs: 61_500, isSame: false },
      /TodoItem: 1 row\(s\), the newest of 2026-11-25T11:58:58.500Z, instead of 2 row/,
    ],
    ['to newer data', to(holds(todo(3, T + 1))), { lossMs: 0, isSame: false }, /TodoItem: 3 row/],
    [
      'to any data, from one that is lost',
      lost({ ...to(holds(todo(1, T - 5_000))), acceptedLossMs: null }),
      { lossMs: 5_000, isSame: false },
      /cannot be looked into: .* of 5.0 s at most/,
    ],
    [
      'to another region',
      { ...SAME, to: { ...SAME.to, regionName: 'East US' }, roundTripMs: { from: 0.2, to: 70.1 } },
      { lossMs: 0, isSame: true },
      /Warning: it is not in West US.*70.1 ms there and back, instead of 0.2 ms/,
    ],
    [
      'to one with other tables',
      {
        ...to(holds(todo(2, T), { name: 'Old', rows: 1, newestMs: T })),
        defined: ['TodoItem', 'New'],
        acceptedLossMs: 1,
      },
      { lossMs: 0, isSame: false },
      /not there: New[\s\S]*mobile table create Shop Old/,
    ],
  ]
  for (const [what, facts, { lossMs, isSame }, text] of findings) {
    test(`${what} says what it comes to`, () => {
      const found = checkDatabase(facts)
      assert.deepEqual([found.lossMs, found.isSame, found.schema], [lossMs, isSame, 'shop'])
      assert.match(found.changes.join('\n'), text)
    })
  }
})
