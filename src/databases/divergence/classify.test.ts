import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { beginChain, type Chain, chainKey, classifyAt, classifyChange, digestOf, extendChain } from './classify.ts'
import type { Row, StrandedChange } from './stranded.ts'

const COLUMNS = ['id', '__createdAt', '__updatedAt', '__version', '__deleted', 'text', 'done']

const old = row({ text: 'old', version: 1 })
const fresh = row({ text: 'new', version: 2 })
const insert = change(null, fresh)
const update = change(old, fresh)
const deletion = change(old, null)
/** Applied, it has the values and stamps of its own. */
const applied = row({ text: 'new', version: 9 })
const foreign = row({ text: 'foreign', version: 9 })

const CASES: [string, StrandedChange, Row | null, string][] = [
  ['an insert where there is no row', insert, null, 'clean'],
  ['an insert of what is there', insert, applied, 'already'],
  ['an insert where another row is', insert, foreign, 'conflict row_exists'],
  ['an update of the row as it was', update, old, 'clean'],
  ['an update that is there', update, applied, 'already'],
  ['an update of a row that was changed', update, foreign, 'conflict row_changed'],
  [
    'an update of a row with the old values, written anew',
    update,
    row({ text: 'old', version: 9 }),
    'conflict row_changed',
  ],
  ['an update of a row that is gone', update, null, 'conflict row_gone'],
  ['an update to the same values, untouched', change(old, row({ text: 'old', version: 2 })), old, 'clean'],
  ['a deletion of the row as it was', deletion, old, 'clean'],
  ['a deletion where there is no row', deletion, null, 'already'],
  ['a deletion of a row that was changed', deletion, foreign, 'conflict row_changed'],
  ['a row that was marked as deleted', insert, { ...applied, __deleted: 't' }, 'conflict row_exists'],
  ['a row whose id is written otherwise', insert, { ...applied, id: 'A' }, 'conflict row_exists'],
  ['a row with a column more, without value', update, { ...old, done: null }, 'clean'],
  ['a row with a column more, with a value', update, { ...old, done: 't' }, 'conflict row_changed'],
  ['a column that is gone', change(old, { ...fresh, score: '1' }), old, 'conflict column_gone'],
  ['a column that is gone and had no value', change(old, { ...fresh, score: null }), old, 'clean'],
  ['a truncation', { ...insert, kind: 'truncate', key: null, after: null }, null, 'conflict truncation'],
  ['a row without id', { ...insert, key: null }, null, 'conflict row_unknown'],
  ['a row that was given another id', change(old, { ...fresh, id: 'b' }), old, 'conflict row_unknown'],
  ['an update of which the row before is not known', { ...update, before: null }, null, 'conflict history_gap'],
]

for (const [what, stranded, today, expected] of CASES) {
  test(`${expected}: ${what}`, () => {
    const { outcome, reason } = classifyChange(stranded, { columns: COLUMNS, row: today })
    assert.equal([outcome, ...(reason ? [reason.kind] : [])].join(' '), expected)
  })
}

test('where the table is gone, everything is a conflict, a deletion, too', () => {
  for (const stranded of [insert, update, deletion]) {
    const { reason } = classifyChange(stranded, { columns: null, row: null })
    assert.equal(reason?.kind, 'table_gone')
  }
})

const third = row({ text: 'third', version: 3 })
const CHAINS: [string, StrandedChange[], Row | null, string[]][] = [
  ['untouched', [update, change(fresh, third)], old, ['clean', 'clean']],
  ['half applied', [update, change(fresh, third)], applied, ['already', 'clean']],
  ['applied', [update, change(fresh, third)], row({ text: 'third', version: 9 }), ['already', 'already']],
  ['foreign', [update, change(fresh, third)], foreign, ['row_changed', 'row_changed']],
  [
    'back to the old values, untouched',
    [update, change(fresh, row({ text: 'old', version: 3 }))],
    old,
    ['clean', 'clean'],
  ],
  ['come and gone', [insert, change(fresh, null)], null, ['already', 'already']],
  ['gone and come, as it was', [deletion, insert], old, ['clean', 'clean']],
  ['gone and come, half applied', [deletion, insert], null, ['already', 'clean']],
  ['a link is missing', [update, change(third, null)], old, ['history_gap', 'history_gap']],
  ['a link is missing, but all is there', [update, change(third, null)], null, ['already', 'already']],
  [
    'a column is gone in the middle',
    [update, change(fresh, { ...third, score: '1' }), change({ ...third, score: '1' }, null)],
    old,
    ['column_gone', 'column_gone', 'column_gone'],
  ],
]

for (const [what, changes, today, expected] of CHAINS) {
  test(`a row's changes in a row: ${what}`, () => {
    const chain = chainOf(changes, today)
    const found = changes.map((_, index) => classifyAt(chain, index))
    assert.deepEqual(
      found.map(({ outcome, reason }) => reason?.kind ?? outcome),
      expected,
    )
  })
}

test('from wherever it was cut off, what is clean brings a row to its last state, and then all is there', () => {
  const texts = fc.array(fc.option(fc.constantFrom('a', 'b')), { minLength: 2, maxLength: 7 })
  fc.assert(
    fc.property(texts, fc.nat(), fc.boolean(), (history, cut, isMarked) => {
      const states = history.map((text, index) => text && row({ text, version: index + 1 }))
      // Nothing becomes nothing in no history.
      fc.pre(states.every((state, index) => index === 0 || state !== null || states[index - 1] !== null))
      const changes = states.slice(1).map((after, index) => change(states[index] ?? null, after))
      const done = cut % states.length
      const start = states[done] ?? null
      const today = start && done > 0 ? restamp(start) : start
      const end = replay(changes, isMarked && today ? { ...today, __deleted: 'f' } : today)
      if (isMarked && today) return end === 'conflict'
      assert.notEqual(end, 'conflict')
      if (end === 'conflict') return false
      assert.equal(digestOf(end)?.app, digestOf(states.at(-1) ?? null)?.app)
      const chain = chainOf(changes, end)
      return changes.every((_, index) => classifyAt(chain, index).outcome === 'already')
    }),
    { numRuns: 2_000 },
  )
})

test('changes of one row meet, however its id is written', () => {
  const key = (id: string) => chainKey({ schema: 'todo', table: 'Item', key: id })
  assert.equal(key('Straße'), key('straße'))
  assert.equal(key('Ａ'), key('a'))
  assert.notEqual(key('é'), key('e'))
})

function replay(changes: StrandedChange[], today: Row | null): Row | null | 'conflict' {
  const chain = chainOf(changes, today)
  let now = today
  for (const [index, { before, after }] of changes.entries()) {
    const { outcome } = classifyAt(chain, index)
    if (outcome === 'conflict') return 'conflict'
    if (outcome === 'already') continue
    assert.equal(digestOf(now)?.app, digestOf(before)?.app)
    now = after && restamp(after)
  }
  return now
}

function chainOf(changes: StrandedChange[], today: Row | null): Chain {
  const now = { columns: COLUMNS, row: today }
  const [first] = changes
  if (!first) throw new TypeError('a chain has a change')
  return changes.reduce((chain, next) => extendChain(chain, next, now), beginChain(first, now))
}

function restamp(from: Row): Row {
  return { ...from, __version: '99', __updatedAt: 'later' }
}

function row({ text, version }: { text: string; version: number }): Row {
  return { id: 'a', __createdAt: 'then', __updatedAt: `at ${version}`, __version: `${version}`, text }
}

function change(before: Row | null, after: Row | null): StrandedChange {
  const kind = before === null ? 'insert' : after === null ? 'delete' : 'update'
  return { schema: 'todo', table: 'Item', kind, key: 'a', before, after }
}
