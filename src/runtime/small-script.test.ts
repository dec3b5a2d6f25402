// Small scripts: what is evaluated comes to the same as in a sandbox, whatever the script and the item; and what is not
// small is told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallUnderWay } from '../sandbox/call-under-way.ts'
import { KeptContexts } from '../sandbox/kept-contexts.ts'
import { answerOfLeft } from '../sandbox/left-answer.ts'
import type {
  AskOutcome,
  FromSandbox,
  ScriptAnswer,
  ScriptOperation,
  TableAsk,
  TableStart,
} from '../sandbox/messages.ts'
import { callTableScript, compileForTable } from '../sandbox/script-call.ts'
import type { SmallEnd, SmallInput } from './small-call.ts'
import { readSmallScript } from './small-script.ts'

const LIMITS = { rowsMax: 10, timersMax: 10, logCharactersMax: 100, messageBytesMax: 1_000_000, jobIdleMs: 10 }
const INPUT: SmallInput = {
  table: 'T',
  operation: 'insert',
  item: { text: 'a b', number: 3, isDone: false, nothing: null, at: { '$mainstay.date': '2026-01-02T03:04:05.006Z' } },
  id: null,
  query: null,
  version: null,
  user: { level: 'authenticated', id: 'Facebook:1' },
  parameters: { filter: 'x' },
  systemProperties: ['__version'],
  includesDeleted: false,
  isUndelete: false,
}
const QUERY = { table: 'T', filters: ['number gt 1'], selections: [], ordering: [], skip: 0, take: 50 }
const READ: SmallInput = {
  ...{ ...INPUT, operation: 'read', item: null },
  query: { ...QUERY, includeTotalCount: false, id: null },
}
const ROW: AskOutcome = { kind: 'row', row: { id: 'made', __version: 'AAAB' } }

const OUTCOMES: Record<ScriptOperation, AskOutcome> = {
  insert: ROW,
  update: ROW,
  del: { kind: 'done' },
  read: { kind: 'rows', rows: '', count: null },
}

/** What was done, and what was answered; null: nothing yet. */
type Come = { what: TableAsk | null; answer: ScriptAnswer | null }

/** What comes of it in a sandbox, where its operation is done well. */
async function sandboxed(text: string, input: SmallInput): Promise<Come> {
  const come: Come = { what: null, answer: null }
  const source = '/table/T.insert.js'
  const outcome = OUTCOMES[input.operation]
  const say = (message: FromSandbox) => {
    if (message.kind === 'last') {
      come.what = throughJson(message.what)
      come.answer = answerOfLeft(outcome, message.body, throughJson(message.what))
    } else if (message.kind === 'ask') {
      come.what = throughJson(message.what as TableAsk)
      setImmediate(() => call.tell(message.ask, outcome))
    } else if (message.kind === 'answer') come.answer = throughJson(message.answer)
  }
  const call = new CallUnderWay(1, source, { say, limits: LIMITS, nextAsk: () => 1, onDone: () => {} })
  const script = compileForTable({ source, hash: 'h', text })
  const about = { script: { source, hash: 'h', text: null }, modules: null }
  const start: TableStart = throughJson({ kind: 'call', what: 'table', call: 1, ...about, ...input })
  callTableScript(start, script, call, { limits: LIMITS, require: () => undefined, contexts: new KeptContexts() })
  // An operation and what comes of it take a few turns.
  for (let turn = 0; turn < 5 && !come.answer; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  return come
}

/** The same of what was evaluated; null: it was not. */
function evaluated(text: string, input: SmallInput): Come | null {
  const end = endOf(text, input)
  if (!end) return null
  if (end.kind === 'answered') return { what: null, answer: end.answer }
  const outcome = OUTCOMES[input.operation]
  const what = throughJson(end.what)
  assert.deepEqual(end.what, what)
  return { what, answer: answerOfLeft(outcome, end.body, structuredClone(what)) }
}

function endOf(text: string, input: Partial<SmallInput> = {}): SmallEnd | null {
  const whole = { ...INPUT, ...input }
  const before = structuredClone(whole)
  const end = readSmallScript(text, whole.operation)?.(whole) ?? null
  assert.deepEqual(whole, before)
  return end
}

function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

const insert = (body: string) => `function insert(item, user, request) { ${body} }`
const ITEM = { text: 'a b', number: 3, isDone: false, nothing: null, at: '2026-01-02T03:04:05.006Z' }
const STORED = { ...ITEM, at: { '$mainstay.date': ITEM.at } }

for (const [is, body, stored, shown] of [
  ['a plain insert', 'request.execute();', STORED, ITEM],
  ['whose it is', 'item.owner = user.userId; request.execute();', { ...STORED, owner: 'Facebook:1' }, null],
  [
    'a default',
    "item.text = item.text || 'none'; item.size = item.size || 1; request.execute()",
    { ...STORED, size: 1 },
    null,
  ],
  ['a value taken away', 'item.nothing = undefined; request.execute()', omit(STORED, 'nothing'), null],
  ['no number is nothing', 'item.number = 0 / 0; request.execute()', { ...STORED, number: null }, null],
  ['changed when it was stored', 'request.execute(); item.number = 4', STORED, { ...ITEM, number: 4 }],
  ['returned', 'return request.execute()', STORED, ITEM],
  ['by what was asked', 'if (request.parameters.filter === "x") request.execute()', STORED, ITEM],
] as [string, string, object, object | null][]) {
  test(`evaluated: ${is}`, async () => {
    const come = evaluated(insert(body), INPUT)
    assert.deepEqual(come?.what, { op: 'insert', table: 'T', item: stored, systemProperties: ['__version'] })
    const answer = come?.answer
    assert.equal(answer?.kind, 'default')
    if (shown) assert.deepEqual(JSON.parse(answer.body ?? ''), { ...shown, id: 'made', __version: 'AAAB' })
    assert.deepEqual(await sandboxed(insert(body), INPUT), come)
  })
}

function omit(from: Record<string, unknown>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(from).filter(([one]) => one !== name))
}

for (const [is, body, status, shown] of [
  [
    'a text',
    "if (item.text.length < 5) request.respond(statusCodes.BAD_REQUEST, 'too short'); else request.execute()",
    400,
    '"too short"',
  ],
  [
    'an object',
    "request.respond(201, { error: { code: 'E' + item.number, list: [1, item.text] } })",
    201,
    '{"error":{"code":"E3","list":[1,"a b"]}}',
  ],
  ['a status alone', 'return request.respond(204)', 204, null],
  ['the item', 'request.respond(200, item)', 200, JSON.stringify(ITEM)],
  ['with names that JavaScript knows', 'request.respond(200, { hasOwnProperty: 1 })', 200, '{"hasOwnProperty":1}'],
] as [string, string, number, string | null][]) {
  test(`answered: ${is}`, async () => {
    const come = evaluated(insert(body), INPUT)
    assert.deepEqual(come, { what: null, answer: { kind: 'respond', status, body: shown, version: null } })
    assert.deepEqual(await sandboxed(insert(body), INPUT), come)
  })
}

test('a date of now is stored as one', () => {
  const end = endOf(insert('item.seen = new Date(); item.ms = Date.now(); request.execute()'))
  assert.equal(end?.kind, 'left')
  const { seen, ms } = (end.what as Extract<TableAsk, { op: 'insert' }>).item
  const at = Date.parse((seen as Record<string, string>)['$mainstay.date'] ?? '')
  assert.ok(Math.abs(Number(ms) - at) < 1_000)
})

for (const [operation, text, input] of [
  [
    'update',
    'function update(item, user, request) { item.text += "!"; request.execute(); }',
    { item: { id: 'a', text: 'x' }, version: 'AAAA' },
  ],
  ['update', 'function update(item, user, request) { request.execute(); }', { item: { id: 'a' }, isUndelete: true }],
  ['update', 'function update(item, user, request) { request.execute(); }', { item: { id: 7, text: 'x' } }],
  [
    'del',
    'function del(id, user, request) { if (id !== "b") request.execute(); }',
    { item: null, id: 'a', version: 'AAAA' },
  ],
  ['del', 'function del(id, user, request) { request.execute(); }', { item: null, id: 7 }],
  ['del', 'function del(id, user, request) { request.respond(403, "no " + id); }', { item: null, id: 'a' }],
] as [ScriptOperation, string, Partial<SmallInput>][]) {
  test(`${text} of ${JSON.stringify(input)}`, async () => {
    const whole = { ...INPUT, operation, ...input }
    const come = evaluated(text, whole)
    assert.ok(come)
    assert.deepEqual(await sandboxed(text, whole), come)
  })
}

for (const [is, body, filters, text] of [
  ['all of it', 'request.execute();', [], null],
  ['what is theirs', 'query.where({ owner: user.userId }); request.execute();', ["owner eq 'Facebook:1'"], null],
  [
    'of more than one value',
    'query.where({ b: null, c: true }); query.where({}); query.where({ d: -1.5 }); request.execute()',
    ['b eq null and c eq true', 'd eq -1.5'],
    null,
  ],
  ['of a text with a quote', `query.where({ a: "it's" }); request.execute()`, ["a eq 'it''s'"], null],
  ['or nothing', "if (user.level !== 'admin') request.respond(403, 'no'); else request.execute()", null, '"no"'],
] as [string, string, string[] | null, string | null][]) {
  const script = `function read(query, user, request) { ${body} }`
  test(`read: ${is}`, async () => {
    const come = evaluated(script, READ)
    const asked = come?.what as { query: { filters: string[] } } | undefined
    if (filters) assert.deepEqual(asked?.query.filters, ['number gt 1', ...filters])
    else assert.equal(come?.answer?.kind === 'respond' ? come.answer.body : null, text)
    assert.deepEqual(await sandboxed(script, READ), come)
  })
}

for (const body of [
  'return request.execute()',
  "query.where('a eq 1'); request.execute()",
  'query.where({ a: 1 }, 2); request.execute()',
  'query.where(function () { return true }); request.execute()',
  'var q = query; request.execute()',
  'query.read()',
  "query.orderBy('a'); request.execute()",
  'query.where({ a: 1 }).take(2); request.execute()',
]) {
  test(`no small read: ${body}`, () => {
    assert.equal(readSmallScript(`function read(query, user, request) { ${body} }`, 'read'), null)
  })
}

for (const body of [
  "query.where({ 'a b': 1 })",
  'query.where({ a: 0 / 0 })',
  'request.execute(); query.where({ a: 1 })',
]) {
  test(`a read that is left to the sandbox: ${body}`, () => {
    const text = `function read(query, user, request) { ${body}; request.execute() }`
    assert.ok(readSmallScript(text, 'read'))
    assert.equal(endOf(text, READ), null)
  })
}

for (const text of [
  ...['', 'insert', 'function insert(', 'return 1', '}) (function () {', 'exports.insert = function () {}'],
  ...['async function insert(item, user, request) { request.execute(); }', 'function* insert(item, user, request) { }'],
  ...[
    'function insert(a, a, request) { request.execute(); }',
    'function insert({ text }, user, request) { request.execute(); }',
  ],
  ...[
    'function insert(item, user, request, more) { request.execute(); }',
    'function insert(item = 1, user, request) { request.execute(); }',
  ],
  ...[
    'function insert(item, user, request) { request.execute(); } function insert() {}',
    'var x = 1; function insert(i, u, r) { r.execute(); }',
  ],
  ...['function insert(item, user, request) { request.execute(); } function String() {}'],
  insert(`request.execute(); ${' '.repeat(4_000)}`),
  ...[
    'for (;;) {}',
    'while (true) {}',
    'request.execute({ success: function () {} })',
    'request.execute({})',
    'setTimeout(function () { request.execute() }, 1)',
    "console.log('x'); request.execute()",
    'item.list = []; request.execute()',
    "item['text'] = 1; request.execute()",
    "require('fs'); request.execute()",
    'process.exit()',
    'this.x = 1; request.execute()',
    'eval("1"); request.execute()',
    'item.x = /a/.test(item.text); request.execute()',
    'item.__proto__ = null; request.execute()',
    "item.x = item.constructor.constructor('return process')(); request.execute()",
    'item.x = item.toString(); request.execute()',
    'item.x = tag`a`; request.execute()',
    'item.x = item.text?.length; request.execute()',
    "item.x = 'a'.padEnd(1e9); request.execute()",
    "item.x = 'a'.repeat(1e9); request.execute()",
    'item.x = user; request.execute()',
    'user.userId = 1; request.execute()',
    'user.getIdentities(); request.execute()',
    'undefined = 1; request.execute()',
    'const a = 1; a = 2; request.execute()',
    '{ let a = 1 } item.x = a; request.execute()',
    'request.respond(200, { __proto__: item })',
    'request.respond(200, { get a() { return 1 } })',
    'var request2 = request; request2.execute()',
    'item.text && request.execute()',
    'tables.getTable("x"); request.execute()',
  ].map(insert),
]) {
  test(`not small: ${text.slice(0, 100)}`, () => assert.equal(readSmallScript(text, 'insert'), null))
}

for (const body of [
  '',
  'request.execute(); request.execute()',
  "request.execute(); request.respond(200, 'x')",
  'request.respond(200); request.respond(200)',
  'request.respond(99)',
  "request.respond('x')",
  'request.respond(200.5)',
  'item.x = item.missing.more; request.execute()',
  'item.x = item.nothing.more; request.execute()',
  'item.x = a; request.execute(); let a = 1',
  'item.x = item.hasOwnProperty; request.execute()',
  'item.x = item.number.toFixed(101); request.execute()',
  'item.x = item.text.trim.name; request.execute()',
  'item.x = item.at + 1; request.execute()',
  'item.x = item.at == 1; request.execute()',
  'item.x = item.number.trim(); request.execute()',
  'request.respond(200, [item, item])',
  `request.respond(200, [${'item.text, '.repeat(200)}])`,
  `${'item.x = item.text === item.more; '.repeat(100)} request.execute()`,
  // Longer than what may be made, and more than may be done.
  `var a = item.text; ${'a = a + a; '.repeat(20)} request.execute()`,
  `${'item.text.indexOf("zzzzzzzzzzzzzzzz"); '.repeat(80)} request.execute()`,
]) {
  const text = insert(body)
  test(`left to the sandbox: ${body.slice(0, 80)}`, () => {
    assert.ok(readSmallScript(text, 'insert'))
    assert.equal(endOf(text, { item: { ...INPUT.item, text: 'ab'.repeat(1_000) } }), null)
  })
}

test('an item with more than values is left to the sandbox', () => {
  const text = insert('request.execute()')
  for (const value of [[1], { a: 1 }]) assert.equal(endOf(text, { item: { value } }), null)
  assert.equal(
    endOf('function update(i, u, r) { i.id = 2; r.execute() }', { operation: 'update', item: { id: 1 } }),
    null,
  )
})

// ---- any script

const VARIABLES = ['a', 'b']
const NAMES = ['text', 'number', 'isDone', 'nothing', 'at', 'more', 'missing', 'length']
const LITERALS = [
  "'a b'",
  "''",
  "'3'",
  '0',
  '3',
  '1.5',
  'true',
  'false',
  'null',
  'undefined',
  'NaN',
  '-1',
  "'2026-01-02T03:04:05.006Z'",
]
const BINARY = ['+', '-', '*', '/', '%', '<', '>', '<=', '>=', '==', '!=', '===', '!==', '&&', '||', '??']
const METHODS = [
  'trim()',
  'toUpperCase()',
  'slice(1)',
  "indexOf('b')",
  'toFixed(1)',
  "concat('x', 2)",
  'getTime()',
  'toISOString()',
  'charAt(0)',
  'substr(-2, 1)',
]

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...LITERALS),
    fc.constantFrom(
      ...NAMES.map((name) => `item.${name}`),
      ...VARIABLES,
      'user.userId',
      'user.level',
      'statusCodes.OK',
    ),
    fc.constantFrom(
      'request.operation',
      'request.parameters.filter',
      'request.parameters.none',
      'item.nothing.x',
      'item',
    ),
    fc
      .tuple(tie('expression'), fc.constantFrom(...BINARY), tie('expression'))
      .map(([l, op, r]) => `((${l}) ${op} (${r}))`),
    fc.tuple(fc.constantFrom('!', '-', '+', 'typeof '), tie('expression')).map(([op, of]) => `${op}(${of})`),
    fc.tuple(tie('expression'), fc.constantFrom(...METHODS)).map(([on, call]) => `(${on}).${call}`),
    fc
      .tuple(fc.constantFrom('String', 'Number', 'Boolean', 'parseInt', 'isNaN'), tie('expression'))
      .map(([f, of]) => `${f}(${of})`),
    fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([c, x, y]) => `((${c}) ? (${x}) : (${y}))`),
    fc.tuple(tie('expression'), tie('expression')).map(([x, y]) => `\`\${${x}}-\${${y}}\``),
  ),
}))

const { statement } = fc.letrec<{ statement: string }>((tie) => ({
  statement: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc
      .tuple(fc.constantFrom(...NAMES), fc.constantFrom('=', '=', '=', '+=', '-='), expression)
      .map(([n, op, of]) => `item.${n} ${op} ${of};`),
    fc
      .tuple(fc.constantFrom(...VARIABLES), fc.constantFrom('=', '+=', '*='), expression)
      .map(([n, op, of]) => `${n} ${op} ${of};`),
    fc
      .tuple(fc.constantFrom('var', 'let', 'const'), fc.constantFrom(...VARIABLES), expression)
      .map(([k, n, of]) => `${k} ${n} = ${of};`),
    fc.constantFrom(
      'request.execute();',
      'request.execute();',
      'return request.execute();',
      'return;',
      'item.number++;',
      '--item.number;',
    ),
    fc
      .tuple(fc.constantFrom('200', '400', 'statusCodes.FORBIDDEN', 'item.number'), expression)
      .map(([s, of]) => `request.respond(${s}, ${of});`),
    fc
      .tuple(fc.constantFrom('request.respond', 'return request.respond'), expression)
      .map(([f, of]) => `${f}(403, { error: ${of}, list: [1] });`),
    fc.tuple(expression, tie('statement')).map(([test, then]) => `if (${test}) { ${then} }`),
    fc
      .tuple(expression, tie('statement'), tie('statement'))
      .map(([test, then, other]) => `if (${test}) ${block(then)} else ${block(other)}`),
    fc.tuple(tie('statement'), tie('statement')).map(([first, second]) => `${first} ${second}`),
  ),
}))

function block(text: string): string {
  return `{ ${text} }`
}

const script = fc
  .tuple(fc.array(statement, { maxLength: 3 }), fc.constantFrom('request.execute();', 'request.execute();', ''))
  .map(([statements, last]) => insert(`${statements.join(' ')} ${last}`))
const scalar = fc.oneof(
  fc.constantFrom(null, true, false, 0, -0, 1.5, 'a b', '', '3', '2026-13-45T99:00:00.000Z'),
  fc.constant({ '$mainstay.date': '2026-01-02T03:04:05.006Z' }),
  fc.string({ maxLength: 5 }),
  fc.double(),
)
const item = fc.dictionary(fc.constantFrom(...NAMES, 'id', '__proto__', 'toJSON'), scalar, { maxKeys: 5 })

test('whatever the script and the item, what is evaluated comes to what a sandbox makes of it', async () => {
  const seen = { evaluated: 0, left: 0 }
  await fc.assert(
    fc.asyncProperty(script, item, async (text, given) => {
      const input = { ...INPUT, item: throughJson(given) as Record<string, unknown> }
      const come = evaluated(text, input)
      seen[come ? 'evaluated' : 'left'] += 1
      if (come) assert.deepEqual(await sandboxed(text, input), come)
    }),
    { numRuns: 1_500 },
  )
  // Or nothing was shown.
  assert.ok(seen.evaluated > 300, JSON.stringify(seen))
})

test('whatever it asks for, a read that is evaluated asks for it as a sandbox does', async () => {
  let count = 0
  const where = fc
    .dictionary(fc.constantFrom('a', 'b', 'c d', '__proto', 'e'), expression, { maxKeys: 3 })
    .map((values) => {
      const members = Object.entries(values).map(([name, value]) => `${JSON.stringify(name)}: ${value}`)
      return `query.where({ ${members.join(', ')} });`
    })
  const text = fc
    .tuple(
      fc.array(where, { maxLength: 3 }),
      fc.constantFrom('request.execute();', 'if (user.userId) request.execute();'),
    )
    .map(
      ([wheres, last]) =>
        `function read(query, user, request) { var item = request.parameters; ${wheres.join(' ')} ${last} }`,
    )
  await fc.assert(
    fc.asyncProperty(text, async (given) => {
      const come = evaluated(given, READ)
      if (!come) return
      count += 1
      assert.deepEqual(await sandboxed(given, READ), come)
    }),
    { numRuns: 500 },
  )
  assert.ok(count > 100, String(count))
})
