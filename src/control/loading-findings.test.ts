// What the trial of loading comes to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entriesOf, findingsOf, type Loaded, toldOf } from './loading-findings.ts'

const threw = (name: string, message: string): Loaded => ({ name, failure: { kind: 'threw', message } })
const ok = (name: string): Loaded => ({ name, failure: null })

test('the start-up comes first, then modules, tables and jobs; what is shared comes along with those', () => {
  const names = ['scheduler/j', 'table/T.insert', 'api/b', 'shared/x', 'extensions/push', 'extensions/Startup']
  assert.deepEqual(entriesOf(names), [
    'extensions/Startup',
    'extensions/push',
    'api/b',
    'table/T.insert',
    'scheduler/j',
  ])
  assert.deepEqual(entriesOf(['shared/x', 'package.json']), [])
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
  [
    'a function that is not there, which nobody brings',
    [ok('extensions/startup'), threw('table/T.delete', "Error: The script defines no function 'del'.")],
    [/^service\/table\/T\.delete\.js cannot be loaded: Error: The script defines no function 'del'\.$/],
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
  assert.equal(toldOf(['Error: no', '  at 1', '  at 2', '  at 3'].join('\n')).split('\n').length, 3)
})

test('of a stack only the frames of scripts are told', () => {
  const frame = '    at insert (</table/T.insert.js>:1:1)'
  const stack = ['Error: no', '    at [external code]', frame, '    at [external code]'].join('\n')
  assert.equal(toldOf(stack), `Error: no\n${frame}`)
})

test('what an error says comes before where it was, however long the line is', () => {
  const frame = '    at </scheduler/j.js>:2:1'
  for (const before of ['missing()\n^\n\n', `${'x'.repeat(50_000)}\n${' '.repeat(1_000)}\n\n`, 'y\n']) {
    const stack = `</scheduler/j.js>:2\n${before}ReferenceError: missing\n${frame}\n    at [external code]`
    assert.equal(toldOf(stack), `ReferenceError: missing\n${frame}`)
  }
  const unplaced = '</scheduler/k.js>:2\na b\n  ^\n\nSyntaxError: bad\n    at [external code]'
  assert.equal(toldOf(unplaced), 'SyntaxError: bad\n    at </scheduler/k.js>:2')
})

test('what was not tried after one that does not end is told', () => {
  const { problems, notes } = findingsOf([ok('api/a'), { name: 'api/b', failure: { kind: 'unknown' } }], 5)
  assert.deepEqual(problems, [])
  assert.match(notes[1] ?? '', /not tried after that whether 3 more script\(s\) load/)
})
