// What a module becomes: it runs, exports what it exported, and its lines stay where they were.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Script } from 'node:vm'
import { isModuleText, moduleText } from './module-text.ts'

function run(text: string): Record<string, unknown> {
  const exports: Record<string, unknown> = {}
  const modules: Record<string, unknown> = { m: { default: 'of m', a: 1 }, n: { b: 2 } }
  const wrapped = new Script(`(function (exports, require) {${moduleText(text)}\n})`).runInThisContext()
  wrapped(exports, (name: string) => modules[name])
  return exports
}

const CASES: [string, Record<string, unknown>][] = [
  ['export const a = 1, b = 2', { a: 1, b: 2 }],
  ['const a = 1\nexport { a, a as b }', { a: 1, b: 1 }],
  ['export default 5', { default: 5 }],
  ['import m, { a as x } from "m"\nimport * as n from "n"\nexport const all = [m, x, n.b]', { all: ['of m', 1, 2] }],
  ["import 'm'; export const a = 1", { a: 1 }],
]

for (const [text, expected] of CASES) {
  test(`a module: ${text.slice(0, 50)}`, () => {
    assert.ok(isModuleText(text))
    assert.deepEqual(run(text), expected)
  })
}

test('functions and classes are exported by their names, also as the default', () => {
  const made = run('export async function insert() {}\nexport class One {}\nexport default function two() { return 2 }')
  assert.deepEqual(Object.keys(made).sort(), ['One', 'default', 'insert'])
  assert.equal((made.default as () => number)(), 2)
})

test('no line moves', () => {
  const text = moduleText("import {\n  a\n} from 'm'\nexport\nfunction f() {}\nthrow 1")
  assert.equal(text.split('\n')[5], 'throw 1')
})

test('what is no module stays none, and what cannot be is told', () => {
  for (const text of [
    '/*\nexport nothing\n*/ var a = 1',
    'function insert() {}',
    'var exported = 1',
    '// export nothing',
    'exports.get = 1',
  ]) {
    assert.equal(isModuleText(text), false, text)
  }
  for (const text of ['export * from "m"', 'export { a } from "m"', 'export const { a } = b', 'export function (']) {
    assert.throws(() => moduleText(text), SyntaxError, text)
  }
})
