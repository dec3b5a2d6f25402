// What the trial of loading comes to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entriesOf, findingsOf, type Loaded } from './loading-findings.ts'

const threw = (name: string, message: string): Loaded => ({ name, failure: { kind: 'threw', message } })
const ok = (name: string): Loaded => ({ name, failure: null })

test('the start-up comes first, then other extensions and APIs; what is shared comes along with those', () => {
  const names = ['api/b', 'shared/x', 'extensions/push', 'table/T.insert', 'extensions/Startup', 'scheduler/j']
  assert.deepEqual(entriesOf(names), ['extensions/Startup', 'extensions/push', 'api/b'])
  assert.deepEqual(entriesOf(['shared/x', 'table/T.read']), [])
})

const TABLE: [is: string, loaded: Loaded[], problems: RegExp[], notes: RegExp[]][] = [
  ['nothing', [ok('extensions/startup'), ok('api/a')], [], []],
  [
    'a start-up',
    [threw('extensions/startup', 'Error: no')],
    [/^service\/extensions\/startup\.js cannot be .*: no$/],
    [],
  ],
  ['an API', [threw('api/a', 'Error: no'), ok('api/b')], [/^service\/api\/a\.js cannot be loaded: Error: no$/], []],
  [
    'one that a start-up may help',
    [ok('extensions/startup'), threw('api/a', 'Error: no')],
    [],
    [/api\/a\.js .* unless/],
  ],
  [
    'a missing module, which nobody brings',
    [ok('extensions/startup'), threw('api/a', "Error: Cannot find module 'x'.")],
    [/api\/a\.js cannot be loaded: Error: Cannot find module 'x'\.$/],
    [],
  ],
  ['one that does not end', [{ name: 'api/a', failure: { kind: 'unknown' } }], [], [/could not be tried/]],
]

for (const [is, loaded, problems, notes] of TABLE) {
  test(`what is told of ${is}`, () => {
    const found = findingsOf(loaded)
    const shown = [found.problems, found.notes]
    for (const [index, wanted] of [problems, notes].entries()) {
      const lines = shown[index] ?? []
      assert.equal(lines.length, wanted.length, lines.join('\n'))
      for (const [at, pattern] of wanted.entries()) assert.match(lines[at] ?? '', pattern)
    }
  })
}

test('of a long stack only the beginning is told', () => {
  const { problems } = findingsOf([threw('api/a', ['Error: no', '  at 1', '  at 2', '  at 3'].join('\n'))])
  assert.equal(problems[0]?.split('\n').length, 3)
})
