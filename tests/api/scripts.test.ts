// Table scripts of the original's first generation against a running runtime over a real PostgreSQL.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, type Expectation, errorBody, MASTER, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const FAILED = errorBody(500, 'Internal Server Error')

type Case = { is: string; script: string; call?: Partial<TestCall>; expected: Expectation; logs?: string[] }

// Each gets a table of its own, T0, T1, …; a row `{id: 'seed', text: 'old'}` is in it already.
const INSERTS: Case[] = [
  {
    is: 'execute alone gives the default answer, with what the script changed',
    script: 'function insert(item, user, request) { item.text = item.text.toUpperCase(); request.execute(); }',
    expected: { status: 201, equals: '{"id":"a","text":"NEW"}', answerHeaders: { location: /\/tables\/t0\/a$/ } },
  },
  {
    is: 'what is changed after execute, in the same turn or promised in it, is answered and not stored',
    script: `function insert(item, user, request) {
      request.execute();
      item.turn = 1;
      Promise.resolve().then(function () { item.promised = true; });
    }`,
    expected: { status: 201, equals: '{"id":"a","text":"new","turn":1,"promised":true}' },
  },
  {
    is: 'an item that shows itself in its own way does so when it is complete',
    script: `function insert(item, user, request) {
      delete item.id;
      item.toJSON = function () { return { length: this.id.length }; };
      request.execute();
    }`,
    expected: { status: 201, equals: '{"length":36}' },
  },
  {
    is: 'dates are answered as they are',
    script: "function insert(item, u, request) { item.at = new Date('2020-01-02T03:04:05.000Z'); request.execute(); }",
    expected: { status: 201, equals: '{"id":"a","text":"new","at":"2020-01-02T03:04:05.000Z"}' },
  },
  {
    is: 'what goes on after execute goes on before the answer is made',
    script: `function insert(item, user, request) {
      request.execute();
      tables.getTable('TodoItem').where({ id: 'none' }).read({ success: function () {} });
      setTimeout(function () { console.log('went on'); }, 50);
    }`,
    expected: { status: 201, equals: '{"id":"a","text":"new"}' },
    logs: ['went on'],
  },
  {
    is: 'respond alone answers without touching the table',
    script: "function insert(item, user, request) { request.respond(statusCodes.ACCEPTED, 'just text'); }",
    expected: { status: 202, equals: '"just text"' },
  },
  {
    is: 'a status without a body is answered without one',
    script: 'function insert(item, user, request) { request.respond(204); }',
    expected: { status: 204, equals: '' },
  },
  {
    is: 'success gets nothing; the item is complete and may be changed before respond()',
    script: `function insert(item, user, request) {
      request.execute({ success: function (none) { item.extra = arguments.length + item.id; request.respond(); } });
    }`,
    expected: { status: 201, equals: '{"id":"a","text":"new","extra":"0a"}' },
  },
  {
    is: 'system properties are those of the options, and make an ETag',
    script: "function insert(item, user, request) { request.execute({ systemProperties: ['version'] }); }",
    expected: { status: 201, contains: ['"__version":"'], answerHeaders: { etag: /^"[A-Za-z0-9+/=]{12}"$/ } },
  },
  {
    is: 'the error handler gets a duplicate, and its statusCode can be responded',
    script: `function insert(item, user, request) {
      item.id = 'seed';
      request.execute({ error: function (err) { request.respond(err.statusCode, { told: err.message }); } });
    }`,
    expected: { status: 409, contains: ['"told":"Could not insert the item because an item with that id already'] },
  },
  {
    is: 'without an error handler the default error is answered',
    script: "function insert(item, user, request) { item.id = 'seed'; request.execute(); }",
    expected: { status: 409, contains: ['Could not insert the item'] },
  },
  {
    is: 'respond(err) takes its status, 500 when it has none, and shows what JSON shows of it',
    script: "function insert(item, user, request) { request.respond(new Error('private')); }",
    expected: { status: 500, equals: '{}' },
  },
  {
    is: 'throwing is a 500 that says nothing, and a line in the log that says where',
    script: "function insert(item, user, request) {\n  throw new Error('on purpose');\n}",
    expected: { status: 500, equals: FAILED },
    logs: ["Error in script '/table/T%.insert.js'. Error: on purpose", '</table/T%.insert.js>:2:9)', '[external code]'],
  },
  {
    is: 'a promise that is rejected is an error like a throw',
    script: "async function insert(item, user, request) { await null; throw new Error('late'); }",
    expected: { status: 500, equals: FAILED },
    logs: ['Error: late'],
  },
  {
    is: 'a function that awaits its operation gets the default answer',
    script: "async function insert(item, user, request) { item.text = 'awaited'; await request.execute(); }",
    expected: { status: 201, equals: '{"id":"a","text":"awaited"}' },
  },
  {
    is: 'what it awaits is the item, and it may answer by itself',
    script:
      'async function insert(i, u, request) { var item = await request.execute(); request.respond(200, [item.id, item === i]); }',
    expected: { status: 200, equals: '["a",true]' },
  },
  {
    is: 'a failure of what is awaited and not caught is the default error',
    script: "async function insert(item, user, request) { item.id = 'seed'; await request.execute(); }",
    expected: { status: 409, contains: ['Could not insert the item'] },
  },
  {
    is: 'one that is caught is the script’s',
    script: `async function insert(item, user, request) {
      item.id = 'seed';
      try { await request.execute(); } catch (error) { request.respond(200, error.statusCode); }
    }`,
    expected: { status: 200, equals: '409' },
  },
  {
    is: 'another failure after a good operation is a failure',
    script: "async function insert(i, u, request) { await request.execute(); throw new Error('afterwards'); }",
    expected: { status: 500, equals: FAILED },
    logs: ['Error: afterwards'],
  },
  {
    is: 'tables give promises, too',
    script: `async function insert(item, user, request) {
      var rows = await tables.current.where({ id: 'seed' }).read();
      request.respond(200, [rows[0].text, await tables.current.lookup('none').then(String, (e) => e.statusCode)]);
    }`,
    expected: { status: 200, equals: '["old",404]' },
  },
  {
    is: 'a module of today: the item, next() and the default answer',
    script: 'export async function insert({ item, user, next }) {\n  item.text = user.level\n  await next()\n}',
    expected: { status: 201, equals: '{"id":"a","text":"anonymous"}' },
  },
  {
    is: 'a module of today: what is returned is the answer',
    script: `import { createHash } from 'node:crypto'
export const insert = async ({ item, next, tables, parameters }) => {
  const stored = await next()
  const [row] = await tables.getTable('T0').where({ id: stored.id }).read().catch(() => [null])
  return { id: stored.id, color: parameters.color, hash: createHash('sha1').update('x').digest('hex').length, row }
}`,
    call: { path: '?color=red' },
    expected: { status: 201, contains: ['"id":"a","color":"red","hash":40'] },
  },
  {
    is: 'a module of today: next() that is not awaited answers by itself, and nothing at all is no content',
    script: 'export function insert({ next }) { next() }',
    expected: { status: 201, equals: '{"id":"a","text":"new"}' },
  },
  {
    is: 'a module of today: next() that is awaited later is answered by what is returned',
    script: `export async function insert({ next, tables }) {
  const going = next()
  const [seed] = await tables.current.where({ id: 'seed' }).read()
  const stored = await going
  return [stored.id, seed.text]
}`,
    expected: { status: 201, equals: '["a","old"]' },
  },
  {
    is: 'a module of today: next() that is awaited later, when it failed, is the script’s to answer',
    script: `export async function insert({ item, next, tables }) {
  item.id = 'seed'
  const going = next()
  await tables.current.where({ id: 'seed' }).read()
  await tables.current.where({ id: 'seed' }).read()
  return await going.catch((error) => [error.statusCode])
}`,
    expected: { status: 201, equals: '[409]' },
  },
  {
    is: 'a module of today: next() that fails and is never awaited is the default error',
    script: `export async function insert({ item, next, tables }) {
  item.id = 'seed'
  next()
  await tables.current.where({ id: 'seed' }).read()
  await tables.current.where({ id: 'seed' }).read()
}`,
    expected: { status: 409, contains: ['Could not insert the item'] },
  },
  {
    is: 'a module of today: what it returns does not hide that next() failed',
    script: `export async function insert({ item, next, tables }) {
  item.id = 'seed'
  next()
  await tables.current.where({ id: 'seed' }).read()
  await tables.current.where({ id: 'seed' }).read()
  return { ok: true }
}`,
    expected: { status: 409, contains: ['Could not insert the item'] },
  },
  {
    is: 'a module of today: what it returns waits for what comes of next()',
    script: "export function insert({ item, next }) { item.id = 'seed'; next(); return { ok: true } }",
    expected: { status: 409, contains: ['Could not insert the item'] },
  },
  {
    is: 'a module of today: what it returns while next() goes on is the answer',
    script: 'export function insert({ next }) { next(); return { ok: true } }',
    expected: { status: 201, equals: '{"ok":true}' },
  },
  {
    is: 'a module of today: a failure of next() that it looks at, while it returns something else',
    script: "export function insert({ item, next }) { item.id = 'seed'; next().catch(() => {}); return { ok: true } }",
    expected: { status: 201, equals: '{"ok":true}' },
  },
  {
    is: 'a module of today: a handler that took care of a failure, and nothing was said',
    script: "export async function insert({ item, next }) { item.id = 'seed'; await next({ error() {} }) }",
    expected: { status: 409, contains: ['Could not insert the item'] },
  },
  {
    is: 'a handler that took care of a failure, awaited, and nothing was said',
    script: `async function insert(item, user, request) {
      item.id = 'seed';
      await request.execute({ error: function () {} });
    }`,
    expected: { status: 409, contains: ['Could not insert the item'] },
  },
  {
    is: 'a module of today that does nothing',
    script: 'export function insert() {}',
    expected: { status: 204, equals: '' },
  },
  {
    is: 'a module of today: an error with a status is told, one of the operation is the default one',
    script: "export async function insert() { throw Object.assign(new Error('no more'), { statusCode: 429 }) }",
    expected: { status: 429, equals: '{"code":429,"error":"Error: no more"}' },
  },
  {
    is: 'a module of today: a conflict of the operation',
    script: "export async function insert({ item, next }) { item.id = 'seed'; await next() }",
    expected: { status: 409, contains: ['Could not insert the item'] },
  },
  {
    is: 'a module of today: any other error is a failure, with its line',
    script: "export async function insert() {\n\n  throw new Error('line three')\n}",
    expected: { status: 500, equals: FAILED },
    logs: ['Error: line three', '</table/T%.insert.js>:3:9)'],
  },
  {
    is: 'a place in the first line is that of the file',
    script: "function insert() { throw new Error('place') }",
    expected: { status: 500, equals: FAILED },
    logs: ['Error: place', '</table/T%.insert.js>:1:27)'],
  },
  {
    is: 'a handler that throws is an error, too',
    script:
      "function insert(i, u, request) { request.execute({ success: function () { throw new Error('in handler'); } }); }",
    expected: { status: 500, equals: FAILED },
    logs: ['Error: in handler'],
  },
  {
    is: 'execute twice',
    script: 'function insert(item, user, request) { request.execute(); request.execute(); }',
    expected: { status: 500, equals: FAILED },
    logs: ['Execute cannot be called more than once.'],
  },
  {
    is: 'respond() without execute',
    script: 'function insert(item, user, request) { request.respond(); }',
    expected: { status: 500, equals: FAILED },
    logs: ['Execute must be called before respond.'],
  },
  {
    is: 'a first argument that is no status',
    script: "function insert(item, user, request) { request.respond('OK'); }",
    expected: { status: 500, equals: FAILED },
    logs: ['Invalid parameters passed to respond. The first parameter must be a valid status code.'],
  },
  {
    is: 'options that are none',
    script: 'function insert(item, user, request) { request.execute({ succes: function () {} }); }',
    expected: { status: 500, equals: FAILED },
    logs: ["Invalid callback options passed to 'execute'."],
  },
  {
    is: 'a function that is missing',
    script: 'function read() {}',
    expected: { status: 500, equals: FAILED },
    logs: ["defines no function 'insert'"],
  },
  {
    is: 'a syntax error',
    script: 'function insert( {',
    expected: { status: 500, equals: FAILED },
    logs: ['SyntaxError: '],
  },
  {
    is: 'strict mode',
    script: 'function insert(item, user, request) { undeclared = 1; }',
    expected: { status: 500, equals: FAILED },
    logs: ['ReferenceError: undeclared is not defined'],
  },
  {
    is: 'dates are dates, numbers numbers, and objects of the own world',
    script: `function insert(item, user, request) {
      request.respond(200, [item.at instanceof Date, item.at.getTime(), item instanceof Object, typeof item.n]);
    }`,
    call: { body: { id: 'a', at: '2020-01-02T03:04:05.678Z', n: 1 } },
    expected: { status: 200, equals: '[true,1577934245678,true,"number"]' },
  },
  {
    is: 'a script may turn an object into what can be stored',
    script: 'function insert(item, user, request) { item.list = JSON.stringify(item.list); request.execute(); }',
    call: { body: { id: 'a', list: [1, { x: 2 }] } },
    expected: { status: 201, equals: '{"id":"a","list":"[1,{\\"x\\":2}]"}' },
  },
  {
    is: 'an object that stays one is refused as without a script',
    script: 'function insert(item, user, request) { request.execute(); }',
    call: { body: { id: 'a', list: [1] } },
    expected: { status: 400, contains: ["'list' is of type 'object'"] },
  },
  {
    is: 'data that a column does not take is a 500 with a script',
    script: "function insert(item, user, request) { item.__createdAt = 1; item.n = 'no number'; request.execute(); }",
    call: { body: { id: 'a' } },
    expected: { status: 500, equals: FAILED },
  },
  {
    is: 'the user is anonymous without the master key; parameters and operation are told',
    script:
      'function insert(i, user, request) { request.respond(200, [user.level, user.userId, request.operation, request.parameters]); }',
    call: { path: '?color=red&__systemProperties=*' },
    expected: { status: 200, equals: '["anonymous",null,"insert",{"color":"red"}]' },
  },
  {
    is: 'the master key makes an admin, and runs scripts, too',
    script: 'function insert(item, user, request) { request.respond(200, user.level); }',
    call: { headers: MASTER },
    expected: { status: 200, equals: '"admin"' },
  },
  {
    is: 'noScript skips the script for the master key',
    script: 'function insert(item, user, request) { request.respond(200); }',
    call: { path: '?noScript=true', headers: MASTER },
    expected: { status: 201, equals: '{"id":"a","text":"new"}' },
  },
  {
    is: 'noScript needs the master key',
    script: 'function insert(item, user, request) { request.respond(200); }',
    call: { path: '?noScript=true' },
    expected: { status: 401 },
  },
  {
    is: 'a bad body is refused before the script runs',
    script: 'function insert(item, user, request) { request.respond(200); }',
    call: { body: { __x: 1 } },
    expected: { status: 400, contains: ['considered system properties.'] },
  },
  {
    is: 'console formats and levels',
    script:
      "function insert(i, u, request) { console.log('a %s %d %j', 'b', 3, { c: 4 }); console.warn('careful'); request.respond(200); }",
    expected: { status: 200 },
    logs: [
      '"msg":"a b 3 {\\"c\\":4}"',
      '"level":40',
      '"msg":"careful"',
      '"script":"/table/T%.insert.js"',
      '"service":"todo"',
    ],
  },
  {
    is: 'long lines are cut',
    script: "function insert(i, u, request) { console.error(new Array(20001).join('x')); request.respond(200); }",
    expected: { status: 200 },
    logs: [`"msg":"${'x'.repeat(10_000)} [log truncated]"`],
  },
  {
    is: 'modules of Node can be required',
    script: `function insert(item, user, request) {
      var hash = require('crypto').createHash('sha1').update('x').digest('hex');
      request.respond(200, [hash.length, require('util').inspect({}), require('node:path').join('a', 'b')]);
    }`,
    expected: { status: 200, equals: '[40,"{}","a/b"]' },
  },
  {
    is: 'other modules can not, and the log says which can',
    script: "function insert(i, u, request) { require('child_process'); }",
    expected: { status: 500, equals: FAILED },
    logs: ["Cannot find module 'child_process': scripts can require these modules of Node: assert,"],
  },
  {
    is: 'the environment has what the service is, and nothing else',
    script: 'function insert(item, user, request) { request.respond(200, process.env); }',
    expected: {
      status: 200,
      equals: '{"MS_MobileServiceName":"todo","MS_ApplicationKey":"app-key","MS_MasterKey":"master-key"}',
    },
  },
  {
    is: 'timers work, and what comes after the answer is dropped',
    script: `function insert(item, user, request) {
      var n = 0, timer = setInterval(function () {
        if (++n < 3) return;
        clearInterval(timer);
        setImmediate(function (a, b) { setTimeout(function (c) { request.respond(200, a + b + c); }, 1, 'z'); }, 'x', 'y');
      }, 1);
    }`,
    expected: { status: 200, equals: '"xyz"' },
  },
  {
    is: 'nothing survives a call',
    script: `function insert(item, user, request) {
      var seen = typeof globalThis.kept;
      globalThis.kept = 1;
      request.respond(200, seen);
    }`,
    expected: { status: 200, equals: '"undefined"' },
  },
  {
    is: 'too many timers are refused',
    script: 'function insert() { for (var i = 0; i < 10000; i++) setTimeout(function () {}, 1e6); }',
    expected: { status: 500, equals: FAILED },
    logs: ['RangeError: A script may have at most 1000 timers at once.'],
  },
]

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'scripts')
  const texts = Object.fromEntries(INSERTS.map(({ script }, index) => [`T${index}.insert`, script]))
  service = await addScripted(postgres, 'todo', { ...texts, 'Other.insert': '' })
  runtime.setLeases()
  await runtime.assign([service])
  const seed = { id: 'seed', text: 'old', n: 1 }
  for (const { name } of service.tables) await insertAround(`/tables/${name}`, seed)
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

async function ask(call: TestCall): Promise<TestAnswer> {
  return await runtime.call({ ...call, headers: routed(service, { ...APP, ...call.headers }) })
}

async function insertAround(path: string, body: unknown): Promise<void> {
  const answer = await ask({ method: 'POST', path: `${path}?noScript=true`, headers: MASTER, body })
  assert.equal(answer.status, 201, answer.body)
}

for (const [index, { is, script, call, expected, logs }] of INSERTS.entries()) {
  test(is, async () => {
    assert.ok(script)
    const before = runtime.log.length
    const path = `/tables/t${index}${call?.path ?? ''}`
    check(expected, await ask({ method: 'POST', body: { id: 'a', text: 'new' }, ...call, path }))
    for (const text of logs ?? []) await runtime.untilLogged(text.replaceAll('%', String(index)), before)
  })
}

test('an empty script is none', async () => {
  check({ status: 201 }, await ask({ method: 'POST', path: '/tables/Other', body: { id: 'a' } }))
})
