// Custom APIs against a running runtime over a real PostgreSQL: routes, what express 3 gave, modules, permissions.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ApiDefinition } from '../../src/contract/assignment.ts'
import { API_METHODS, DEFAULT_API_PERMISSIONS, PERMISSION_LEVELS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, type Expectation, errorBody, MASTER, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'
import { userToken } from '../support/user-tokens.ts'

const FORM = {
  type: 'multipart/form-data; boundary=b',
  body:
    '--b\r\ncontent-disposition: form-data; name="title"\r\n\r\nx\r\n' +
    '--b\r\ncontent-disposition: form-data; name="photo"; filename="a.png"\r\ncontent-type: image/png\r\n\r\n\0\r\n\r\n' +
    '--b--\r\n',
}

const FAILED = errorBody(500, 'Internal Server Error')

type Case = { is: string; script: string; call?: Partial<TestCall>; expected: Expectation; logs?: string[] }

// Each is an API of its own, a0, a1, …; `call.path` is what follows its name.
const CASES: Case[] = [
  {
    is: 'an object is JSON',
    script: "exports.get = function (req, res) { res.send(statusCodes.OK, { message: 'Hello World!' }); }",
    expected: {
      status: 200,
      equals: '{"message":"Hello World!"}',
      answerHeaders: { 'content-type': 'application/json; charset=utf-8' },
    },
  },
  {
    is: 'a string is HTML',
    script: "exports.get = function (req, res) { res.send('<p>é</p>'); }",
    expected: { status: 200, equals: '<p>é</p>', answerHeaders: { 'content-type': 'text/html; charset=utf-8' } },
  },
  {
    is: 'a number alone is a status with its text',
    script: 'exports.get = function (req, res) { res.send(404); }',
    expected: { status: 404, equals: 'Not Found', answerHeaders: { 'content-type': 'text/plain' } },
  },
  {
    is: 'status and headers stand before a body; the status may also come after it',
    script: "exports.get = function (req, res) { res.set('X-One', 'two').set({ 'x-three': 4 }).send('x', 202); }",
    expected: { status: 202, equals: 'x', answerHeaders: { 'x-one': 'two', 'x-three': '4' } },
  },
  {
    is: 'bytes stay bytes',
    script: "exports.get = function (req, res) { res.type('png').send(Buffer.from([0x41, 0x42])); }",
    expected: { status: 200, equals: 'AB', answerHeaders: { 'content-type': 'image/png', 'content-length': '2' } },
  },
  {
    is: 'an answer in parts',
    script:
      "exports.get = function (req, res) { res.writeHead(201, { 'x-a': 'b' }); res.write('one '); res.end('two'); }",
    expected: { status: 201, equals: 'one two', answerHeaders: { 'x-a': 'b' } },
  },
  {
    is: 'a redirect, cookies and json()',
    script: "exports.get = function (req, res) { res.cookie('a', 'b c', { httpOnly: true }).redirect('/elsewhere'); }",
    expected: { status: 302, answerHeaders: { location: '/elsewhere', 'set-cookie': 'a=b%20c; Path=/; HttpOnly' } },
  },
  {
    is: 'query, body, headers and method are told; a key of the same name twice is a list',
    script: `exports.post = function (req, res) {
      res.json([req.method, req.query, req.body, req.get('X-Own'), req.headers['x-own'], req.path, req.is('json'), req.param('n')]);
    }`,
    call: { method: 'POST', path: '?a=1&a=2&b=x+y', body: { n: [1, { m: null }] }, headers: { 'x-own': 'mine' } },
    expected: {
      status: 200,
      equals: '["POST",{"a":["1","2"],"b":"x y"},{"n":[1,{"m":null}]},"mine","mine","/",true,[1,{"m":null}]]',
    },
  },
  {
    is: 'another type arrives as its text',
    script: "exports.post = function (req, res) { res.send(typeof req.body + ':' + req.body); }",
    call: { method: 'POST', body: 'a,b', headers: { 'content-type': 'text/csv' } },
    expected: { status: 200, contains: ['string:'] },
  },
  {
    is: 'a form has its fields in the body',
    script: 'exports.post = function (req, res) { res.json([req.body, req.files]); }',
    call: { method: 'POST', body: 'a=1&b=x+y&a=2', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    expected: { status: 200, equals: '[{"a":["1","2"],"b":"x y"},{}]' },
  },
  {
    is: 'a form of parts has its files beside them, as bytes',
    script: `exports.post = function (req, res) {
      var file = req.files.photo;
      res.json([req.body, file.name, file.originalFilename, file.type, file.size, file.data.toString('hex'), Buffer.isBuffer(file.data)]);
    }`,
    call: {
      method: 'POST',
      body: FORM.body,
      headers: { 'content-type': FORM.type },
    },
    expected: { status: 200, equals: '[{"title":"x"},"a.png","a.png","image/png",3,"000d0a",true]' },
  },
  {
    is: 'a form that is cut short is refused before the script',
    script: 'exports.post = function (req, res) { res.send(200); }',
    call: { method: 'POST', body: FORM.body.slice(0, -8), headers: { 'content-type': FORM.type } },
    expected: { status: 400, contains: ['The multipart body is not whole'] },
  },
  {
    is: 'del is an alias of delete',
    script: "exports.del = function (req, res) { res.send(200, 'gone'); }",
    call: { method: 'DELETE' },
    expected: { status: 200, equals: 'gone' },
  },
  {
    is: 'a method that is not exported is 405 with those that are',
    script: 'exports.get = exports.post = function (req, res) { res.send(200); }',
    call: { method: 'PATCH' },
    expected: { status: 405, equals: '', answerHeaders: { allow: 'GET, POST' } },
  },
  {
    is: 'nothing below a name that routes nothing',
    script: 'exports.get = function (req, res) { res.send(200); }',
    call: { path: '/more' },
    expected: { status: 404, equals: errorBody(404, 'Not Found') },
  },
  {
    is: 'register routes below the name, with parameters',
    script: `exports.register = function (api) {
      api.get('/title/:t/:n?', function (req, res) { res.json(req.params); });
      api.get('all', [function (req, res, next) { req.seen = 1; next(); }], function (req, res) { res.json(req.seen); });
    }`,
    call: { path: '/title/a%2Fb%20c' },
    expected: { status: 200, equals: '{"t":"a/b c"}' },
  },
  {
    is: 'register without a slash, and handlers one after the other',
    script: `exports.register = function (api) {
      api.get('all', [function (req, res, next) { req.seen = 1; next(); }], function (req, res) { res.json(req.seen); });
    };
    exports.get = function (req, res) { res.send('own'); }`,
    call: { path: '/ALL/' },
    expected: { status: 200, equals: '1' },
  },
  {
    is: 'next with an error is a failure',
    script: "exports.get = [function (q, s, next) { next(new Error('via next')); }, function (q, s) { s.send(200); }]",
    expected: { status: 500, equals: FAILED },
    logs: ['Error: via next'],
  },
  {
    is: 'throwing is a 500, and a line in the log that says where',
    script: "exports.get = function (req, res) {\n  throw new Error('on purpose');\n}",
    expected: { status: 500, equals: FAILED },
    logs: ["Error in script '/api/a%.js'. Error: on purpose", '</api/a%.js>:2:9)'],
  },
  {
    is: 'an async handler may await tables and throw',
    script: "exports.get = async function (req, res) { await null; throw new TypeError('late'); }",
    expected: { status: 500, equals: FAILED },
    logs: ['TypeError: late'],
  },
  {
    is: 'a module that does not load fails for everybody',
    script: "require('./nowhere');",
    expected: { status: 500, equals: FAILED },
    logs: ["Cannot find module './nowhere' from '/api'."],
  },
  {
    is: 'a header that can not be sent',
    script: "exports.get = function (req, res) { res.set('x-a', 'b\\r\\nc: d').send(200); }",
    expected: { status: 500, equals: FAILED },
    logs: ["It answered with a header 'x-a' that can not be sent."],
  },
  {
    is: 'headers of the connection and of ours are not the script’s to set',
    script:
      "exports.get = function (r, s) { s.set({ 'transfer-encoding': 'chunked', 'x-mainstay-refused': 'epoch-stale', connection: 'x' }).send('ok'); }",
    expected: { status: 200, equals: 'ok', answerHeaders: { 'x-mainstay-refused': '', 'content-length': '2' } },
  },
  {
    is: 'a second answer is dropped',
    script: "exports.get = function (req, res) { res.send(200, 'first'); res.send(500, 'second'); }",
    expected: { status: 200, equals: 'first' },
  },
  {
    is: 'tables by callbacks',
    script: `exports.post = function (req, res) {
      var table = req.service.tables.getTable('TodoItem');
      table.insert({ id: 'by-callback', text: req.body.text }, { success: function (item) {
        table.where({ id: item.id }).read({ success: function (rows) { res.json(rows); } });
      } });
    }`,
    call: { method: 'POST', body: { text: 'x' } },
    expected: { status: 200, equals: '[{"id":"by-callback","text":"x"}]' },
  },
  {
    is: 'tables by promises',
    script: `exports.get = async ({ service }, res) => {
      const table = service.tables.getTable('TodoItem');
      const item = await table.insert({ id: 'by-promise', text: 'y' });
      await table.update({ id: item.id, text: 'z' });
      const [rows, one] = await Promise.all([table.where({ id: 'by-promise' }).read(), table.lookup('by-promise')]);
      await table.del(item);
      const gone = await table.lookup('by-promise').catch((error) => error.statusCode);
      res.json([rows, one.text, gone]);
    }`,
    expected: { status: 200, equals: '[[{"id":"by-promise","text":"z"}],"z",404]' },
  },
  {
    is: 'a table operation that fails and that nobody cares for ends the request',
    script: "exports.get = function (req, res) { req.service.tables.getTable('TodoItem').lookup('missing'); }",
    expected: { status: 500, equals: FAILED },
    logs: ["An item with id 'missing' does not exist."],
  },
  {
    is: 'what a module keeps survives a call',
    script: 'var n = 0; exports.get = function (req, res) { n += 1; res.json(n > 0); }',
    expected: { status: 200, equals: 'true' },
  },
  {
    is: 'shared modules are loaded once, and may require each other',
    script:
      "var a = require('../shared/mail'); exports.get = function (req, res) { res.json([a.name(), a === require('../shared/mail.js')]); }",
    expected: { status: 200, equals: '["mail of deep",true]' },
  },
  {
    is: 'shared JSON is there for modules, is the same for all, and is found without its ending where no script has it',
    script: `var words = require('../shared/words.json'), same = require('../shared/deep/uses').words;
      exports.get = function (req, res) {
        res.json([words, words === same, words === require('../shared/words'), words instanceof Object, require('../shared/list')]);
      }`,
    expected: { status: 200, equals: '[{"hello":"ciao"},true,true,true,[1,2]]' },
  },
  {
    is: 'what is no JSON is told by its file',
    script: "exports.get = function (req, res) { require('../shared/broken.json'); }",
    expected: { status: 500, equals: FAILED },
    logs: ['SyntaxError: </shared/broken.json> is no JSON'],
  },
  {
    is: 'the libraries that scripts of old found there',
    script: `var _ = require('underscore'), async = require('async'), words = require('underscore.string');
      exports.get = function (req, res) {
        async.waterfall([
          function (next) { setTimeout(function () { next(null, [3, 1, 2]); }, 1); },
          function (list, next) { next(null, _.sortBy(list)); },
        ], function (error, list) { res.json([error, list, words.capitalize('ann'), _.isArray([])]); });
      }`,
    expected: { status: 200, equals: '[null,[1,2,3],"Ann",true]' },
  },
  {
    is: 'XML, read and written',
    script: `var xml2js = require('xml2js');
      exports.get = function (req, res) {
        xml2js.parseString('<a b="1"><c>x</c></a>', function (error, found) {
          var sax = require('sax').parser(true), text = require('xmlbuilder').create('d').ele('e', 1).end();
          res.json([found, text.indexOf('<d><e>1</e></d>') > 0, typeof sax.write]);
        });
      }`,
    expected: { status: 200, equals: '[{"a":{"$":{"b":"1"},"c":["x"]}},true,"function"]' },
  },
  {
    is: 'the configuration has keys and app settings, and no connection string',
    script: `var config = require('mobileservice-config');
      exports.get = function (req, res) {
        res.json([config.masterKey, config.applicationKey, config.mobileServiceName, config.appSettings.Color,
          process.env.Color, req.service.config.appSettings.Color, config.sqlConnectionString.indexOf('postgres')]);
      }`,
    expected: { status: 200, equals: '["master-key","app-key","todo","red","red","red",-1]' },
  },
  {
    is: 'identities of a user: none yet, in each of the ways to ask',
    script: `exports.get = function (req, res) {
      req.user.getIdentities({ success: function (a) {
        req.user.getIdentities(function (error, b) { res.json([a, error, b, req.user.getIdentities()]); });
      } });
    }`,
    expected: { status: 200, equals: '[null,null,null,null]' },
  },
  {
    is: 'whoever deletes sends no body that counts',
    script: 'exports.delete = function (req, res) { res.json(req.body); }',
    call: { method: 'DELETE', body: '{ no json' },
    expected: { status: 200, equals: '{}' },
  },
  {
    is: 'a module of today',
    script: "import { name } from '../shared/today'\nexport async function get(req, res) { res.json(name()) }",
    expected: { status: 200, equals: '"today"' },
  },
  {
    is: 'console has the script’s name',
    script:
      "exports.get = function (req, res) { setTimeout(function () { console.warn('later %d', 5); res.send(200); }, 1); }",
    expected: { status: 200 },
    logs: ['"msg":"later 5"', '"script":"/api/a%.js"'],
  },
]

const SHARED = {
  'shared/today': "export const name = () => 'today'",
  'shared/mail': "var deep = require('./deep/index'); exports.name = function () { return 'mail of ' + deep.name; };",
  'shared/words.json': '\uFEFF{"hello":"ciao"}',
  'shared/list/index.json': '[1, 2]',
  'shared/broken.json': '{',
  'shared/deep/uses': "exports.words = require('../words.json');",
  'shared/deep/index': "exports.name = 'deep'; exports.back = require('../mail');",
}

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'shared')
  const apis: ApiDefinition[] = CASES.map((_, index) => ({ name: `a${index}`, permissions: DEFAULT_API_PERMISSIONS }))
  const levels = PERMISSION_LEVELS.map((level) => ({
    name: `For_${level}`,
    permissions: { ...DEFAULT_API_PERMISSIONS, get: level },
  }))
  const who = 'exports.get = function (req, res) { res.json(req.user); }'
  const texts = {
    ...SHARED,
    ...Object.fromEntries(CASES.map(({ script }, index) => [`api/a${index}`, script])),
    ...Object.fromEntries(levels.map(({ name }) => [`api/${name}`, who])),
    'TodoItem.read': "function read(q, user, request) { request.respond(200, require('../shared/mail').name()); }",
    'TodoItem.insert': "import words from '../shared/words.json'\nexport const insert = () => words\n",
  }
  const bare = { name: 'bare', permissions: DEFAULT_API_PERMISSIONS }
  const options = { apis: [...apis, ...levels, bare], appSettings: { Color: 'red', MS_MasterKey: 'mine' } }
  service = await addScripted(postgres, 'todo', texts, options)
  runtime.setLeases()
  await runtime.assign([service])
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

async function ask(call: TestCall): Promise<TestAnswer> {
  return await runtime.call({ ...call, headers: routed(service, call.headers) })
}

for (const [index, { is, call, expected, logs }] of CASES.entries()) {
  test(is, async () => {
    const before = runtime.log.length
    const headers = { ...APP, ...call?.headers }
    check(expected, await ask({ ...call, path: `/api/A${index}${call?.path ?? ''}`, headers }))
    for (const text of logs ?? []) await runtime.untilLogged(text.replaceAll('%', String(index)), before)
  })
}

test('a table script may require shared modules and JSON', async () => {
  check({ status: 200, equals: '"mail of deep"' }, await ask({ path: '/tables/TodoItem', headers: APP }))
  const insert = { method: 'POST', path: '/tables/TodoItem', headers: APP, body: '{}' }
  check({ status: 201, equals: '{"hello":"ciao"}' }, await ask(insert))
})

test('unknown APIs, methods that no API has, and an API without a script', async () => {
  check({ status: 404, equals: errorBody(404, 'Not Found') }, await ask({ path: '/api/nowhere', headers: APP }))
  check({ status: 405, equals: '' }, await ask({ method: 'TRACE', path: '/api/a0', headers: APP }))
  check({ status: 500, equals: FAILED }, await ask({ path: '/api/bare', headers: APP }))
})

const TOKEN = userToken('master-key')
const CREDENTIALS = {
  none: {},
  wrong: { 'x-zumo-application': 'app-keY' },
  application: APP,
  token: { 'x-zumo-auth': TOKEN },
  master: MASTER,
  'a token with the master key': { ...MASTER, 'x-zumo-auth': TOKEN },
}
const SEEN: Record<keyof typeof CREDENTIALS, string> = {
  none: '{"level":"anonymous"}',
  wrong: '{"level":"anonymous"}',
  application: '{"level":"anonymous"}',
  token: '{"level":"authenticated","userId":"Custom:ann"}',
  master: '{"level":"admin"}',
  'a token with the master key': '{"level":"admin","userId":"Custom:ann"}',
}
const ALLOWED: Record<string, (keyof typeof CREDENTIALS)[]> = {
  public: ['none', 'wrong', 'application', 'token', 'master', 'a token with the master key'],
  application: ['application', 'master', 'a token with the master key'],
  user: ['token', 'master', 'a token with the master key'],
  admin: ['master', 'a token with the master key'],
}

for (const level of PERMISSION_LEVELS) {
  test(`a ${level} API lets in whom it should, and tells its script who they are`, async () => {
    for (const [credential, headers] of Object.entries(CREDENTIALS) as [keyof typeof CREDENTIALS, object][]) {
      const answer = await ask({ path: `/api/For_${level}`, headers: { ...headers } })
      const isAllowed = ALLOWED[level]?.includes(credential)
      if (isAllowed) check({ status: 200, equals: SEEN[credential] }, answer)
      else check({ status: 401, equals: errorBody(401, 'Unauthorized') }, answer)
    }
  })
}

test('clients of the second generation call without a key where the service lets them', async () => {
  await runtime.assign([{ ...service, isKeyRequired: false }])
  check({ status: 200 }, await ask({ path: '/api/For_application' }))
  check({ status: 401 }, await ask({ path: '/api/For_user' }))
  await runtime.assign([service])
})

test('other modules are in force for the next call, with nothing left of the old ones', async () => {
  const name = `a${CASES.findIndex(({ is }) => is.startsWith('what a module keeps'))}`
  const [path, headers] = [`/api/${name}`, APP]
  check({ status: 200 }, await ask({ path, headers }))
  const changed = await addScripted(postgres, 'other', { [`api/${name}`]: "exports.get = (q, s) => s.send('new')" })
  const scripts = service.scripts.map((one) => changed.scripts.find(({ name: other }) => other === one.name) ?? one)
  await runtime.assign([{ ...service, scripts }])
  check({ status: 200, equals: 'new' }, await ask({ path, headers }))
  await runtime.assign([service])
  check({ status: 200, equals: 'true' }, await ask({ path, headers }))
})

test('every method of an API answers', async () => {
  const index = CASES.length - 1
  for (const method of API_METHODS) {
    const answer = await ask({ method: method.toUpperCase(), path: `/api/a${index}`, headers: APP })
    assert.equal(answer.status, method === 'get' ? 200 : 405, answer.body)
  }
})
