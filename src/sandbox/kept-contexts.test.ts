// The contexts of table scripts: what a call leaves behind, and what the next one finds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Script } from 'node:vm'
import { CallUnderWay } from './call-under-way.ts'
import { KeptContexts } from './kept-contexts.ts'
import type { FromSandbox, ScriptAnswer, TableStart } from './messages.ts'
import { ModuleWorld } from './module-world.ts'
import { callTableScript, compileForTable } from './script-call.ts'

const LIMITS = { rowsMax: 10, timersMax: 10, logCharactersMax: 100, messageBytesMax: 1_000_000, jobIdleMs: 10 }
const START: TableStart = {
  kind: 'call',
  what: 'table',
  call: 1,
  script: { source: '/table/T.insert.js', hash: 'h', text: null },
  modules: null,
  user: { level: 'anonymous', id: null },
  table: 'T',
  operation: 'insert',
  item: { text: 'x' },
  id: null,
  query: null,
  version: null,
  parameters: {},
  systemProperties: [],
  includesDeleted: false,
  isUndelete: false,
}

/** Runs calls of one script, one after the other; each gives the body that it answered. */
function callerOf(text: string) {
  const contexts = new KeptContexts()
  const modules = new ModuleWorld({
    ...{ files: {}, textOf: () => undefined, config: {}, limits: LIMITS, say: () => {} },
    npm: (name) => (name === 'of-npm' ? { exports: {} } : undefined),
  })
  const require = (name: string) => modules.require('/table', name)
  const script = compileForTable({ source: '/table/T.insert.js', hash: 'h', text })
  let number = 0
  const begin = async () =>
    await new Promise<ScriptAnswer>((resolve) => {
      number += 1
      const say = (message: FromSandbox) => {
        if (message.kind === 'answer') answer = message.answer
      }
      let answer: ScriptAnswer = { kind: 'failed', message: 'no answer' }
      // After it was given back: the next call may have it.
      const onDone = () => setImmediate(() => setImmediate(() => resolve(answer)))
      const call = new CallUnderWay(number, script.source, { say, limits: LIMITS, nextAsk: () => 1, onDone })
      callTableScript(START, script, call, { limits: LIMITS, require, contexts })
    })
  return async () => {
    const answer = await begin()
    return answer.kind === 'respond' ? (JSON.parse(answer.body ?? 'null') as unknown) : answer
  }
}

/** Leaves a mark where nobody looks. */
const IS_NEW = 'const isNew = !Array.prototype.flatMap.mark; Array.prototype.flatMap.mark = 1;'

const scriptOf = (before: string, value: string, after = '') =>
  `${before}\nfunction insert(item, user, request) { request.respond(200, { value: ${value} }); ${after} }`

for (const { is, text, first, second } of [
  {
    is: 'a variable of the script begins anew',
    text: scriptOf('var count = 0; let other = [];', '[++count, other.push(1)]'),
    ...{ first: [1, 1], second: [1, 1] },
  },
  {
    is: 'what was put on the global object is gone',
    text: scriptOf('', 'typeof left', 'globalThis.left = 1;'),
    ...{ first: 'undefined', second: 'undefined' },
  },
  {
    is: 'by another way as well',
    text: scriptOf(
      'var world = this;',
      'typeof left',
      `Object.defineProperty(world, 'left', { value: 1, configurable: true });`,
    ),
    ...{ first: 'undefined', second: 'undefined' },
  },
  {
    is: 'one in which a thing of JavaScript was replaced is not used again',
    text: scriptOf('', 'typeof Map + typeof new Array(1).map', 'Map = 1; globalThis.Array = null;'),
    ...{ first: 'functionfunction', second: 'functionfunction' },
  },
  {
    is: 'what was replaced there is as it was',
    text: scriptOf('', 'typeof console.log + typeof mssql', 'console = {}; mssql = null; statusCodes = null;'),
    ...{ first: 'functionobject', second: 'functionobject' },
  },
  {
    is: 'what was taken away there is back',
    text: scriptOf('', 'typeof setTimeout', 'delete globalThis.setTimeout;'),
    ...{ first: 'function', second: 'function' },
  },
  {
    is: 'what is done with what is put there is as it was',
    text: scriptOf(
      '',
      `typeof Object.getOwnPropertyDescriptor(globalThis, 'mssql').set.left`,
      `const own = Object.getOwnPropertyDescriptor(globalThis, 'mssql');
      Object.defineProperty(globalThis, 'mssql', { ...own, set: Object.assign(() => {}, { left: 1 }) });`,
    ),
    ...{ first: 'undefined', second: 'undefined' },
  },
  {
    is: 'what is on console and the like is gone',
    text: scriptOf(
      '',
      'typeof console.left + typeof statusCodes.left + typeof require.left + typeof setTimeout.left + statusCodes.OK',
      'for (const one of [console, statusCodes, require, setTimeout]) one.left = 1; statusCodes.OK = 1;',
    ),
    ...{ first: 'undefinedundefinedundefinedundefined200', second: 'undefinedundefinedundefinedundefined200' },
  },
  {
    is: 'what JavaScript has of today cannot be changed',
    text: scriptOf('', 'typeof Intl.Collator.left', 'try { Intl.Collator.left = 1 } catch {}'),
    ...{ first: 'undefined', second: 'undefined' },
  },
  {
    is: 'what JavaScript has is there again',
    text: scriptOf('', 'typeof Promise + typeof WeakRef', 'delete globalThis.Promise; delete globalThis.WeakRef;'),
    ...{ first: 'functionfunction', second: 'functionfunction' },
  },
  {
    is: 'one with what cannot be taken away is not used again',
    text: scriptOf('', 'typeof left', `Object.defineProperty(globalThis, 'left', { value: 1 });`),
    ...{ first: 'undefined', second: 'undefined' },
  },
]) {
  test(is, async () => {
    const call = callerOf(text)
    assert.deepEqual(await call(), { value: first })
    assert.deepEqual(await call(), { value: second })
    assert.deepEqual(await call(), { value: second })
  })
}

for (const [what, touch] of [
  ['Object.prototype, by what a client sent', `JSON.parse('{"__proto__":1}'); ({}).__proto__.left = 1`],
  [
    'a method',
    'const map = Array.prototype.map; Array.prototype.map = function (work) { return map.call(this, work) }',
  ],
  ['an accessor', `Object.defineProperty(Map.prototype, 'size', { get: () => 7 })`],
  ['a symbol', 'String.prototype[Symbol.toPrimitive] = () => 1'],
  ['a function of Math', 'Math.random = () => 4'],
  ['whether more may come', 'Object.preventExtensions(Date.prototype)'],
  ['what the global object inherits', 'Object.getPrototypeOf(globalThis).left = 1'],
  ['whom the global object inherits from', 'Object.setPrototypeOf(globalThis, { left: 1 })'],
  ['a certain error', `TypeError.prototype.who = 'me'`],
  ['Symbol', 'Symbol.left = 1'],
  ['Reflect', 'Reflect.left = 1'],
  ['Proxy', 'Proxy.left = 1'],
  ['what typed arrays have in common', 'Object.getPrototypeOf(Uint8Array.prototype).left = 1'],
  ['how lists are gone through', 'Object.getPrototypeOf([].values()).next = () => ({ done: true })'],
  ['generators', 'Object.getPrototypeOf(function* () {}).prototype.left = 1'],
  ['async functions', 'Object.getPrototypeOf(async () => {}).left = 1'],
  ['a function of console', 'const { log } = console; console.log = (text) => log(text)'],
  ['what is on a function of console', 'console.log.left = 1'],
  [
    'something that fails when it is looked at',
    `Object.defineProperty(Array.prototype, 'map', { get: () => { throw new Error('no') } })`,
  ],
] as const) {
  test(`a context in which ${what} was changed is not used again`, async () => {
    const call = callerOf(
      scriptOf('', 'isNew', touch.concat(';')).replace('request.respond', `${IS_NEW} request.respond`),
    )
    for (let turn = 0; turn < 3; turn += 1) assert.deepEqual(await call(), { value: true })
  })
}

for (const name of ['of-npm', 'underscore', 'timers', 'node:timers', 'timers/promises', 'async_hooks']) {
  test(`a context whose call required ${name} is not used again: nobody sees when that comes back to it`, async () => {
    const call = callerOf(
      scriptOf(`require('${name}');`, 'isNew').replace('request.respond', `${IS_NEW} request.respond`),
    )
    for (let turn = 0; turn < 3; turn += 1) assert.deepEqual(await call(), { value: true })
  })
}

test('two sources of one text have contexts of their own', () => {
  const contexts = new KeptContexts()
  const [one, other] = ['/table/A.insert.js', '/table/B.insert.js'].map((source) =>
    compileForTable({ source, hash: 'h', text: 'function insert() {}' }),
  )
  assert.ok(one && other)
  const first = contexts.take(one)
  contexts.give(first)
  assert.notEqual(contexts.take(other), first)
  assert.equal(contexts.take(one), first)
})

test('of contexts that a burst needed, those that nobody needs any more are given up', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const contexts = new KeptContexts()
  const script = compileForTable({ source: '/table/A.insert.js', hash: 'h', text: 'function insert() {}' })
  const burst = async (size: number) => {
    const taken = Array.from({ length: size }, () => contexts.take(script))
    for (const one of taken) contexts.give(one)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await burst(30)
  assert.equal(contexts.idle, 30)
  // Ten seconds in which up to twenty were needed at once.
  await burst(20)
  t.mock.timers.tick(10_000)
  assert.equal(contexts.idle, 30)
  t.mock.timers.tick(10_000)
  assert.equal(contexts.idle, 16)
  await burst(70)
  assert.equal(contexts.idle, 64)
})

test('a tame script is looked after now and then all the same', () => {
  const contexts = new KeptContexts()
  const script = compileForTable({ source: '/table/A.insert.js', hash: 'h', text: 'function insert() {}' })
  const first = contexts.take(script)
  assert.ok(script.isTame)
  // As if its text had not told everything.
  first.inside.run(new Script('Array.prototype.left = 1'))
  let calls = 0
  for (let context = first; context === first && calls < 200; calls += 1) {
    context.begin(
      new CallUnderWay(1, 's', { say: () => {}, limits: LIMITS, nextAsk: () => 1, onDone: () => {} }),
      'insert',
    )
    contexts.give(context)
    context = contexts.take(script)
  }
  assert.ok(calls <= 100, `${calls} calls`)
})

// V8 counts a getter of an object's own among the old at once: all that a call had would stay until the next full
// collection.
test('the globals of a call have no getters of their own', () => {
  const script = compileForTable({ source: '/table/T.insert.js', hash: 'h', text: 'function insert() {}' })
  const call = new CallUnderWay(1, script.source, {
    ...{ say: () => {}, limits: LIMITS, nextAsk: () => 1, onDone: () => {} },
  })
  const contexts = new KeptContexts()
  callTableScript(START, script, call, { limits: LIMITS, require: () => undefined, contexts })
  const own = Object.values(Object.getOwnPropertyDescriptors(call.globals ?? {}))
  assert.ok(own.length > 0)
  assert.deepEqual(
    own.filter(({ get }) => get),
    [],
  )
})

test('a context is used again, and two calls at once have two', async () => {
  // A function that is in every context, but no object that is looked at, tells which one it is.
  const call = callerOf(scriptOf('', 'isNew').replace('request.respond', `${IS_NEW} request.respond`))
  assert.deepEqual([await call(), await call(), await call()], [{ value: true }, { value: false }, { value: false }])
  const slow = callerOf(
    `function insert(item, user, request) { setTimeout(function () { ${IS_NEW} request.respond(200, { value: isNew }) }, 1) }`,
  )
  assert.deepEqual(await Promise.all([slow(), slow()]), [{ value: true }, { value: true }])
})

test('lines of stacks are those of the file, and a text that is no script is refused as that', () => {
  assert.throws(
    () => compileForTable({ source: '/table/T.insert.js', hash: 'h', text: '}) (function () {' }),
    SyntaxError,
  )
  assert.throws(() => compileForTable({ source: '/table/T.insert.js', hash: 'h', text: 'return 1' }), SyntaxError)
})
