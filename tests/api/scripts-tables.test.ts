// Scripts of reads, updates and deletes, conflicts, and what scripts do to other tables.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, errorBody, MASTER, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const READS: Record<string, string> = {
  Plain: 'function read(query, user, request) { request.execute(); }',
  Mine: "function read(query, user, request) { query.where({ owner: 'me' }); request.execute(); }",
  Several: `function read(query, user, request) {
    query.where({ owner: 'me', n: 2 }).where({ gone: null }).select('id', 'n');
    request.execute();
  }`,
  At: "function read(query, u, request) { query.where({ at: new Date('2020-01-02T03:04:05.000Z') }); request.execute(); }",
  Changed: `function read(query, user, request) {
    request.execute({ success: function (results) {
      results.forEach(function (row) { row.seen = row.at instanceof Date; });
      request.respond();
    } });
  }`,
  Counted: `function read(query, user, request) {
    query.includeTotalCount().take(1).orderByDescending('n');
    request.execute({ success: function (results) { request.respond(200, [results.length, results.totalCount]); } });
  }`,
  Beside: `async function read(query, user, request) {
    const both = await Promise.all([request.execute(), tables.getTable('Plain').read()]);
    request.respond(200, both.map(function (rows) { return rows.length; }));
  }`,
  First: `async function read(query, user, request) {
    const rows = request.execute(), others = tables.getTable('Plain').read();
    request.respond(200, [(await rows).length, (await others).length]);
  }`,
  Today: `export async function read({ next, tables }) {
    const going = next();
    const others = await tables.getTable('Plain').read();
    await tables.getTable('Plain').read();
    return [(await going).length, others.length];
  }`,
  Parts: 'function read(query, user, request) { request.respond(200, query.getComponents()); }',
  Predicate: `function read(query, user, request) {
    query.where(function (ids, most) { return this.id in ids && this.n <= most; }, ['a', 'b', "it's"], 1);
    request.execute();
  }`,
  Text: `function read(query, user, request) {
    query.where("owner eq ? and not (id eq 'what?')", 'me').where('n gt ?', 1);
    request.execute();
  }`,
  Spoken: 'function read(query, user, request) { request.respond(200, query.where({ id: "it\'s" }).toOData()); }',
  Missing: "function read(query, user, request) { query.where('n gt ?'); }",
  Unread: 'function read(query, user, request) { query.where(function () { return this.n > least; }); }',
  Unknown: 'function read(query, user, request) { query.where({ nothere: 1 }); request.execute(); }',
  Wrong: "function read(query, user, request) { query.where({ n: 'x' }); request.execute(); }",
}

const FAILING = "function insert() { throw new Error('which one'); }"
const WRITES: Record<string, string> = {
  'Updates.update': "function update(item, user, request) { item.text += '!'; request.execute(); }",
  'NewId.update': "function update(item, user, request) { item.id = 'other'; request.execute(); }",
  'Wins.update': `function update(item, user, request) {
    request.execute({ conflict: function (server) {
      item.was = server.text;
      request.execute();
    } });
  }`,
  'Loses.update': `function update(item, user, request) {
    request.execute({ conflict: function (server) { request.respond(statusCodes.CONFLICT, server); } });
  }`,
  'Default.update': 'function update(item, user, request) { request.execute(); }',
  'RetriesAtOnce.update': `export async function update({ next }) {
    try { await next() } catch (error) { if (error.statusCode === 412) await next() }
  }`,
  'RetriesLate.update': `export async function update({ next, tables }) {
    const going = next();
    for (let n = 0; n < 3; n += 1) await tables.current.lookup('u');
    try { await going } catch (error) { if (error.statusCode === 412) await next() }
  }`,
  'SwallowsAtOnce.update': 'export async function update({ next }) { await next().catch(() => {}) }',
  'SwallowsLate.update': `export async function update({ next, tables }) {
    const going = next();
    for (let n = 0; n < 3; n += 1) await tables.current.lookup('u');
    await going.catch(() => {});
  }`,
  'Swallows.update': 'async function update(i, u, request) { try { await request.execute() } catch (error) {} }',
  'Kept.delete': "function del(id, user, request) { request.respond(403, 'not ' + id); }",
  'Default.delete':
    'function del(id, user, request) { request.execute({ success: function () { request.respond(); } }); }',
  'Missing.delete':
    'function del(id, u, request) { request.execute({ error: function (e) { request.respond(410, e.message); } }); }',
  'Audit.insert': `function insert(item, user, request) {
    var log = tables.getTable('Log'), steps = [];
    var entry = { what: 'insert', at: new Date() };
    log.insert(entry, { success: function () {
      steps.push(typeof entry.id);
      entry.what = 'changed';
      log.update(entry, { success: function () {
        log.lookup(entry.id, { success: function (row) {
          steps.push(row.what, row.at instanceof Date);
          log.where({ what: 'changed' }).orderBy('id').read({ success: function (rows) {
            steps.push(rows.length);
            log.del(entry, { success: function () {
              log.read({ success: function (none) { request.respond(200, steps.concat(none.length)); } });
            } });
          } });
        } });
      } });
    } });
  }`,
  'Current.insert': `function insert(item, user, request) {
    tables.current.insert({ id: 'side', text: tables.current.getTableName() }, { success: function () { request.execute(); } });
  }`,
  'Lost.insert': "function insert() { tables.getTable('Log').lookup('nobody', { success: function () {} }); }",
  'Nowhere.insert':
    "function insert(i, u, request) { tables.getTable('Nope').read({ error: function (e) { request.respond(404, e.message); } }); }",
  'Late.insert': `function insert(item, user, request) {
    request.respond(200);
    setTimeout(function () { tables.getTable('Log').insert({ id: 'late', what: item.id }); }, 20);
  }`,
  'Late.read': `function read(query, user, request) {
    tables.getTable('Log').lookup('late', {
      success: function (row) { request.respond(200, row.what); },
      error: function () { request.respond(404); }
    });
  }`,
  'Later.insert': `function insert(item, user, request) { request.respond(200); later(item); }
    async function later(item) { await null; tables.getTable('Log').insert({ id: 'later', what: item.id }); }`,
  'Later.read': `function read(query, user, request) {
    tables.getTable('Log').lookup('later', {
      success: function (row) { request.respond(200, row.what); },
      error: function () { request.respond(404); }
    });
  }`,
  'Fails.insert': FAILING,
  'FailsToo.insert': FAILING,
  'Many.read': 'function read(query, user, request) { query.take(5000); request.execute(); }',
}

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'scripts')
  const reads = Object.entries(READS).map(([name, text]) => [`${name}.read`, text])
  service = await addScripted(postgres, 'todo', { ...Object.fromEntries(reads), ...WRITES, 'Log.read': '' })
  runtime.setLeases()
  await runtime.assign([service])
  for (const name of Object.keys(READS)) {
    const at = '2020-01-02T03:04:05.000Z'
    await put(name, { id: 'a', owner: 'me', n: 1, at, gone: 'x' })
    await put(name, { id: 'b', owner: 'me', n: 2, at: '2021-01-02T03:04:05.000Z' })
    await put(name, { id: 'c', owner: 'you', n: 2 })
  }
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

async function ask(call: TestCall): Promise<TestAnswer> {
  return await runtime.call({ ...call, headers: routed(service, { ...APP, ...call.headers }) })
}

/** Past the script; gives the version. */
async function put(table: string, body: { id: string; [name: string]: unknown }): Promise<string> {
  const path = `/tables/${table}?noScript=true&__systemProperties=version`
  const answer = await ask({ method: 'POST', path, headers: MASTER, body })
  assert.equal(answer.status, 201, answer.body)
  return (JSON.parse(answer.body) as { __version: string }).__version
}

async function read(table: string, rest = ''): Promise<unknown> {
  const answer = await ask({ path: `/tables/${table}${rest}` })
  assert.equal(answer.status, 200, answer.body)
  return JSON.parse(answer.body)
}

const ids = (rows: unknown) => (rows as { id: string }[]).map(({ id }) => id)

test('a read script that only executes answers as if it were not there', async () => {
  assert.deepEqual(ids(await read('Plain', '?$top=2&$orderby=n%20desc')), ['c', 'b'])
  const counted = await ask({ path: '/tables/Plain?$inlinecount=allpages&$top=1' })
  check({ status: 200, contains: ['{"results":[{"id":"a"', '"count":3}'] }, counted)
  const one = await ask({ path: '/tables/Plain/b?__systemProperties=version' })
  check({ status: 200, contains: ['{"id":"b"'], answerHeaders: { etag: /^".*"$/ } }, one)
  const same = await ask({
    path: '/tables/Plain/b?__systemProperties=version',
    headers: { 'if-none-match': one.headers.etag ?? '' },
  })
  check({ status: 304, equals: '' }, same)
  check(
    { status: 404, equals: errorBody(404, "An item with id 'zz' does not exist.") },
    await ask({ path: '/tables/Plain/zz' }),
  )
  check({ status: 400, contains: ['$top'] }, await ask({ path: '/tables/Plain?$top=1001' }))
})

test('where() with an object narrows a list and a read by id', async () => {
  assert.deepEqual(ids(await read('Mine')), ['a', 'b'])
  assert.deepEqual(ids([await read('Mine', '/a')]), ['a'])
  check({ status: 404 }, await ask({ path: '/tables/Mine/c' }))
  assert.deepEqual(await read('Several'), [{ id: 'b', n: 2 }])
  assert.deepEqual(ids(await read('At')), ['a'])
  assert.deepEqual(await read('Unknown'), [])
  check({ status: 500 }, await ask({ path: '/tables/Wrong' }))
})

test('success gets the rows, with dates as dates, and may change them', async () => {
  const rows = (await read('Changed')) as { id: string; seen: boolean; at: string }[]
  assert.deepEqual(
    rows.map(({ id, seen, at }) => [id, seen, at]),
    [
      ['a', true, '2020-01-02T03:04:05.000Z'],
      ['b', true, '2021-01-02T03:04:05.000Z'],
      ['c', false, null],
    ],
  )
  const one = (await read('Changed', '/b')) as { seen: boolean }
  assert.equal(one.seen, true)
  assert.deepEqual(await read('Counted'), [1, 3])
})

test('a read that is awaited has its rows, whatever is asked for beside it', async () => {
  assert.deepEqual(await read('Beside'), [3, 3])
  assert.deepEqual(await read('First'), [3, 3])
  assert.deepEqual(await read('Today'), [3, 3])
})

test('the components of a query are what the client asked for', async () => {
  assert.deepEqual(await read('Parts', '?$select=id,n&$orderby=n%20desc&$skip=1&$top=7&$inlinecount=allpages'), {
    filters: null,
    selections: ['id', 'n'],
    projection: null,
    ordering: { n: false },
    skip: 1,
    take: 7,
    table: 'Parts',
    includeTotalCount: true,
  })
})

test('where() with a text or a function narrows what the client asked for', async () => {
  assert.deepEqual(ids(await read('Predicate')), ['a'])
  assert.deepEqual(ids(await read('Predicate', encodeURI("?$filter=id eq 'b'"))), [])
  assert.deepEqual(ids(await read('Text')), ['b'])
  assert.deepEqual(ids(await read('Text', encodeURI('?$orderby=length(id) desc'))), ['b'])
  const spoken = await read('Spoken', encodeURI('?$filter=n gt 1 or n eq null&$orderby=length(id) desc,n&$select=id'))
  assert.equal(
    decodeURIComponent(String(spoken)),
    "/Spoken?$filter=(n gt 1 or n eq null) and (id eq 'it''s')&$orderby=length(id) desc,n&$top=50&$select=id",
  )
})

test('a filter that cannot be read is refused with a text that says what to do', async () => {
  for (const [table, said] of [
    ['Missing', /The filter has more question marks than there are values/],
    ['Unread', /'least' is not known in a filter: give its value to where\(\)/],
  ] as const) {
    const before = runtime.log.length
    check({ status: 500 }, await ask({ path: `/tables/${table}` }))
    await runtime.untilLogged(said, before)
  }
})

test('an update script changes what is written; its item keeps its id', async () => {
  await put('Updates', { id: 'u', text: 'old' })
  const changed = await ask({ method: 'PATCH', path: '/tables/Updates/u', body: { text: 'new' } })
  check({ status: 200, equals: '{"text":"new!","id":"u"}' }, changed)
  await put('NewId', { id: 'u', text: 'old' })
  check({ status: 500 }, await ask({ method: 'PATCH', path: '/tables/NewId/u', body: { text: 'new' } }))
  check({ status: 404 }, await ask({ method: 'PATCH', path: '/tables/Updates/nobody', body: { text: 'x' } }))
})

test('a conflict is settled by the script, or answered with the row as it is now', async () => {
  for (const table of ['Wins', 'Loses', 'Default']) {
    const version = await put(table, { id: 'u', text: 'first' })
    const path = `/tables/${table}/u`
    const outdated = { 'if-match': `"${version}"` }
    await ask({ method: 'PATCH', path: `${path}?noScript=true`, headers: MASTER, body: { text: 'second' } })
    const answer = await ask({ method: 'PATCH', path, headers: outdated, body: { text: 'third' } })
    if (table === 'Wins')
      check({ status: 200, contains: ['"text":"third"', '"was":"second"', '"__version":"'] }, answer)
    if (table === 'Loses') check({ status: 409, contains: ['"text":"second"'], answerHeaders: { etag: /./ } }, answer)
    if (table === 'Default') check({ status: 412, contains: ['"text":"second"', '"__version"'] }, answer)
    if (table !== 'Default') continue
    check({ status: 412, contains: ['"text":"second"'] }, await ask({ method: 'DELETE', path, headers: outdated }))
    check({ status: 204, equals: '' }, await ask({ method: 'DELETE', path }))
  }
})

test('a script that awaits its operation settles a conflict whenever it looks at it', async () => {
  for (const table of ['RetriesAtOnce', 'RetriesLate', 'SwallowsAtOnce', 'SwallowsLate', 'Swallows']) {
    const version = await put(table, { id: 'u', text: 'first' })
    const path = `/tables/${table}/u`
    await ask({ method: 'PATCH', path: `${path}?noScript=true`, headers: MASTER, body: { text: 'second' } })
    const headers = { 'if-match': `"${version}"` }
    const answer = await ask({ method: 'PATCH', path, headers, body: { text: 'third' } })
    const isRetried = table.startsWith('Retries')
    check({ status: isRetried ? 200 : 412, contains: [isRetried ? '"text":"third"' : '"text":"second"'] }, answer)
  }
})

test('a delete script may refuse, or say what it likes of a row that is not there', async () => {
  await put('Kept', { id: 'k' })
  check({ status: 403, equals: '"not k"' }, await ask({ method: 'DELETE', path: '/tables/Kept/k' }))
  check({ status: 410, contains: ["'x' does not exist"] }, await ask({ method: 'DELETE', path: '/tables/Missing/x' }))
})

test('scripts insert, change, find, read and delete rows of other tables, past their scripts and permissions', async () => {
  const answer = await ask({ method: 'POST', path: '/tables/Audit', body: { id: 'x' } })
  check({ status: 200, equals: '["string","changed",true,1,0]' }, answer)
  check({ status: 201 }, await ask({ method: 'POST', path: '/tables/Current', body: { id: 'own' } }))
  assert.deepEqual(ids(await read('Current')), ['own', 'side'])
})

test('an error of a table operation that nobody handles ends the request', async () => {
  const before = runtime.log.length
  check({ status: 500 }, await ask({ method: 'POST', path: '/tables/Lost', body: {} }))
  await runtime.untilLogged(/An item with id 'nobody' does not exist/, before)
  const nowhere = await ask({ method: 'POST', path: '/tables/Nowhere', body: {} })
  check({ status: 404, equals: `"Table 'Nope' does not exist."` }, nowhere)
})

for (const [how, table] of [
  ['by a timer', 'Late'],
  ['by a promise', 'Later'],
]) {
  test(`what a script does after its answer is done: ${how}`, async () => {
    check({ status: 200 }, await ask({ method: 'POST', path: `/tables/${table}`, body: { id: 'me' } }))
    for (let tries = 0; ; tries += 1) {
      const found = await ask({ path: `/tables/${table}` })
      if (found.status === 200) return assert.equal(found.body, '"me"')
      assert.ok(tries < 200, 'the row never came')
    }
  })
}

test('two scripts of one text are two: each is told by its own name', async () => {
  for (const table of ['Fails', 'FailsToo', 'Fails']) {
    const from = runtime.log.length
    check({ status: 500 }, await ask({ method: 'POST', path: `/tables/${table}`, body: {} }))
    await runtime.untilLogged(`</table/${table}.insert.js>:1:`, from)
  }
})

test('pages of clients have limits, reads of scripts do not', async () => {
  await postgres.sql(`insert into todo."Many" (id) select 'r' || n from generate_series(1, 1500) n`)
  assert.equal(ids(await read('Many')).length, 1500)
})

test('a script whose text has not come is answered 503 and says so; others of the service are served', async () => {
  const hash = 'f'.repeat(64)
  const other = { ...service, scripts: [...service.scripts, { name: 'table/Log.insert', hash, bytes: 1 }] }
  await runtime.assign([other])
  const refused = await ask({ method: 'POST', path: '/tables/Log', body: {} })
  check({ status: 503, contains: ["'table/Log.insert' of this service has not arrived here yet"] }, refused)
  assert.ok(refused.headers['retry-after'])
  assert.deepEqual(ids(await read('Mine')), ['a', 'b'])
  await runtime.assign([service])
})

test('a text that is not what its hash says is not run', async () => {
  const hash = 'e'.repeat(64)
  await writeFile(`${service.scriptFolder}/${hash}`, 'function insert(i, u, request) { request.respond(200); }')
  await runtime.assign([{ ...service, scripts: [{ name: 'table/Log.insert', hash, bytes: 1 }] }])
  check({ status: 503 }, await ask({ method: 'POST', path: '/tables/Log', body: {} }))
  await runtime.untilLogged(/the text of a script is damaged/)
  await runtime.assign([service])
})
