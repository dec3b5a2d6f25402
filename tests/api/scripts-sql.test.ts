// `mssql` in scripts against a running runtime over a real PostgreSQL: what works as in the original, what is out of reach.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { DEFAULT_API_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, type Expectation, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

type Case = { is: string; script: string; expected: Expectation; logs?: string[] }

const CASES: Case[] = [
  {
    is: 'rows by a callback, with values for question marks and names in any case',
    script: `exports.get = function (req, res) {
      req.service.mssql.query('SELECT id, TEXT, done FROM todoitem WHERE text = ? AND [Done] = ?', ['milk', true], {
        success: function (results) { res.json(results); },
        error: function (error) { res.send(500, error.message); }
      });
    }`,
    expected: { status: 200, equals: '[{"id":"a","text":"milk","done":true}]' },
  },
  {
    is: 'a single value, and top',
    script: `exports.get = async (req, res) => {
      res.json(await req.service.mssql.query('select top 1 id from TodoItem where id <> ? order by id', 'a'));
    }`,
    expected: { status: 200, equals: '[{"id":"b"}]' },
  },
  {
    is: 'types of values, both ways',
    script: `exports.get = async (req, res) => {
      const given = 'select ?::int + 1 as n, ?::timestamptz as at, ?::bytea as bytes, ?::boolean as yes, ?::text as no';
      const made = '1.5::numeric as d, count(*) as c, 9007199254740993 as big, now() as now from todoitem';
      const values = [1, new Date(0), Buffer.from('hi'), true, null];
      const [row] = await req.service.mssql.query(given + ', ' + made, values);
      const times = [row.at.getTime(), row.now instanceof Date];
      res.json([row.n, row.bytes.toString(), row.yes, row.no, row.d, row.c, row.big].concat(times));
    }`,
    expected: { status: 200, equals: '[2,"hi",true,null,1.5,2,"9007199254740993",0,true]' },
  },
  {
    is: 'several statements are several results',
    script: `exports.get = function (req, res) {
      var all = [];
      req.service.mssql.query('select 1 as a; select ? as b', ['x'], { success: function (results, more) {
        all.push([results, more]);
        if (!more) res.json(all);
      } });
    }`,
    expected: { status: 200, equals: '[[[{"a":1}],true],[[{"b":"x"}],false]]' },
  },
  {
    is: 'raw results, with a function of error and results',
    script: `exports.get = function (req, res) {
      req.service.mssql.queryRaw('select 1 as a, 2 as a', function (error, raw) { res.json([error, raw]); });
    }`,
    expected: {
      status: 200,
      equals: '[null,{"meta":[{"name":"a","type":"int4"},{"name":"a","type":"int4"}],"rows":[[1,2]]}]',
    },
  },
  {
    is: 'an error is told to who asks for it',
    script: `exports.get = function (req, res) {
      req.service.mssql.query('select nothing from todoitem', { error: function (error) { res.json([error.message, error.sqlstate]); } });
    }`,
    expected: { status: 200, equals: '["column \\"nothing\\" does not exist","42703"]' },
  },
  {
    is: 'an error that nobody asks for ends the request',
    script: "exports.get = function (req, res) { req.service.mssql.query('selekt'); }",
    expected: { status: 500 },
    logs: ['syntax error at or near'],
  },
  {
    is: 'values that do not fit the question marks',
    script: `exports.get = async (req, res) => {
      res.json(await req.service.mssql.query('select ?', []).catch(function (e) { return e.message; }));
    }`,
    expected: { status: 200, equals: '"The SQL has 1 question mark(s), and there are 0 value(s)."' },
  },
  {
    is: 'a transaction on a connection of its own, rolled back',
    script: `exports.get = function (req, res) {
      req.service.mssql.open({ success: function (connection) {
        connection.beginTransaction(function () {
          connection.query("update todoitem set text = 'gone'", function () {
            connection.rollback(function () {
              connection.query('select text from todoitem order by id', function (error, rows) {
                connection.close(); res.json(rows);
              });
            });
          });
        });
      } });
    }`,
    expected: { status: 200, equals: '[{"text":"milk"},{"text":"tea"}]' },
  },
  {
    is: 'a transaction by promises, committed; what it wrote has its stamps',
    script: `exports.get = async (req, res) => {
      const connection = await req.service.mssql.open();
      await connection.beginTransaction();
      await connection.query("insert into TodoItem (id, text) values (upper(gen_random_uuid()::text), 'by sql')");
      await connection.commit();
      await connection.close();
      const [row] = await req.service.mssql.query("delete from todoitem where text = 'by sql' returning __version > 0 as v, __createdAt as at");
      res.json([row.v, row.at instanceof Date]);
    }`,
    expected: { status: 200, equals: '[true,true]' },
  },
  {
    is: 'nothing that a script sets is there for the next one',
    script: `exports.get = async (req, res) => {
      const { mssql } = req.service;
      await mssql.query("set statement_timeout = 0; set role none; set search_path = pg_catalog; select pg_advisory_lock(1)");
      const [row] = await mssql.query("select current_setting('statement_timeout') <> '0' as limited, current_user <> session_user as owner, current_schema as schema, (select count(*) from pg_locks where locktype = 'advisory') as locks");
      res.json(row);
    }`,
    expected: { status: 200, equals: '{"limited":true,"owner":true,"schema":"todo","locks":0}' },
  },
  {
    is: 'a transaction that is left open is rolled back, and the connection is not used again',
    script: `exports.get = async (req, res) => {
      const { mssql } = req.service;
      await mssql.query("begin; update todoitem set text = 'open'");
      res.json(await mssql.query("select count(*) as n from todoitem where text = 'open'"));
    }`,
    expected: { status: 200, equals: '[{"n":0}]' },
  },
  {
    is: 'more rows than a script may have',
    script: `exports.get = async (req, res) => {
      const tell = (error) => error.message;
      const { mssql } = req.service;
      res.json([
        await mssql.query('select n from generate_series(1, 10001) n').catch(tell),
        (await mssql.query('select n from generate_series(1, 10000) n')).length,
        await mssql.query('select from generate_series(1, 200000)').catch(tell),
        await mssql.query("select repeat('x', 100000000)").catch(tell),
        (await mssql.query('select 1 as a'))[0].a,
      ].map(function (one) { return typeof one === 'string' ? one.slice(0, 22) : one; }));
    }`,
    expected: {
      status: 200,
      equals: '["There is more to be an",10000,"There is more to be an","There is more to be an",1]',
    },
  },
]

// Each is told off by PostgreSQL; none of it may give a row.
const REACHES: [string, string][] = [
  ['another service’s tables', 'select * from neighbour."TodoItem"'],
  ['another service’s schema', 'create table neighbour.x (a int)'],
  ['a schema of its own making', 'create schema mine'],
  ['files of the server', "select pg_read_file('/etc/passwd')"],
  ['the list of files', "select pg_ls_dir('/')"],
  ['a program', "copy (select 1) to program 'id'"],
  ['a file by copy', "copy todoitem from '/etc/passwd'"],
  ['large objects of files', "select lo_import('/etc/passwd')"],
  ['secrets of roles', 'select rolpassword from pg_authid'],
  ['the settings of the server', "alter system set log_min_messages = 'debug5'"],
  ['roles', 'create role friend login'],
  ['being somebody else', 'set role postgres'],
  ['being somebody else for good', 'set session authorization postgres'],
  ['extensions', 'create extension dblink'],
  [
    'the stamps of rows',
    "create or replace function mainstay.stamp_offset() returns interval language sql as $$select interval '1 year'$$",
  ],
  ['replication', "select pg_drop_replication_slot('mainstay_divergence')"],
  ['publications', 'drop publication mainstay'],
  [
    'other backends',
    'select pg_terminate_backend(pid) from pg_stat_activity where usesysid is distinct from to_regrole(session_user)::oid',
  ],
  ['databases', 'create database mine'],
  ['untrusted languages', "create function f() returns int language c as 'x', 'y'"],
  ['the WAL', 'select pg_switch_wal()'],
]

const FORGETFUL: [string, string][] = [
  ['asleep', "res.json(await req.service.mssql.query('set statement_timeout = 0; select pg_sleep(600)'));"],
  [
    'asleep on a connection of its own',
    "const c = await req.service.mssql.open(); c.query('set statement_timeout = 0; select pg_sleep(600)'); res.send(200);",
  ],
  [
    'giving more rows than it may, and then computing on',
    `const sql = 'set statement_timeout = 0; select n, case when n > 20000 then pg_sleep(600) end from generate_series(1, 30000) n';
     res.json(await req.service.mssql.query(sql).catch(String));`,
  ],
]

describe('SQL of scripts', () => {
  let postgres: TestCluster
  let runtime: TestRuntime
  let service: RuntimeService

  before(async () => {
    postgres = await startTestCluster()
    runtime = await TestRuntime.start(postgres.folder, 'shared', ['--request-ms', '4000'])
    const texts = {
      ...Object.fromEntries(CASES.map(({ script }, index) => [`api/a${index}`, script])),
      'api/any': `exports.post = async (req, res) => {
        const refused = function (error) { return { refused: error.message }; };
        res.json(await req.service.mssql.query(req.body.sql).catch(refused));
      }`,
      'api/holder': 'exports.get = async (req, res) => { await req.service.mssql.open(); res.send(200); }',
      'api/hasty': `exports.get = async (req, res) => {
        const connection = await req.service.mssql.open();
        connection.query("select 1; begin; update todoitem set text = 'hasty'", function () {});
        connection.close(function () { res.json('done'); });
      }`,
      ...Object.fromEntries(
        FORGETFUL.map(([, body], index) => [
          `api/forgetful${index}`,
          `exports.get = async (req, res) => {\n${body}\n};`,
        ]),
      ),
      'TodoItem.read': `async function read(query, user, request) {
        request.respond(200, await mssql.query('select count(*) as n from todoitem where 1 = ?', 1));
      }`,
    }
    const apis = Object.keys(texts).flatMap((name) =>
      name.startsWith('api/') ? [{ name: name.slice(4), permissions: DEFAULT_API_PERMISSIONS }] : [],
    )
    service = await addScripted(postgres, 'todo', texts, { apis })
    await addScripted(postgres, 'neighbour', { 'api/none': '' })
    runtime.setLeases()
    await runtime.assign([service])
    for (const body of [
      { id: 'a', text: 'milk', done: true },
      { id: 'b', text: 'tea', done: false },
    ]) {
      const answer = await runtime.call({
        ...{ method: 'POST', path: '/tables/TodoItem', body, headers: routed(service, APP) },
      })
      assert.equal(answer.status, 201, answer.body)
    }
  })
  after(async () => {
    await runtime?.stop()
    await postgres?.stop()
  })

  const get = async (name: string): Promise<TestAnswer> =>
    await runtime.call({ path: `/api/${name}`, headers: routed(service, APP) })
  const sql = async (text: string) => {
    const call = { method: 'POST', path: '/api/any', body: { sql: text }, headers: routed(service, APP) }
    const answer = await runtime.call(call)
    assert.equal(answer.status, 200, answer.body)
    return JSON.parse(answer.body) as { refused?: string } & Record<string, unknown>[]
  }

  for (const [index, { is, expected, logs }] of CASES.entries()) {
    test(is, async () => {
      const before = runtime.log.length
      const answer = await get(`a${index}`)
      check(expected, answer)
      for (const text of logs ?? []) await runtime.untilLogged(text, before)
    })
  }

  for (const [what, text] of REACHES) {
    test(`out of reach: ${what}`, async () => {
      const answer = await sql(text)
      assert.equal(typeof answer.refused, 'string', JSON.stringify(answer))
    })
  }

  test('a table script has it, too', async () => {
    check(
      { status: 200, equals: '[{"n":2}]' },
      await runtime.call({ path: '/tables/TodoItem', headers: routed(service, APP) }),
    )
  })

  test('a column that was added since is found', async () => {
    const body = { id: 'c', NewColumn: 'x' }
    const added = await runtime.call({ method: 'POST', path: '/tables/TodoItem', body, headers: routed(service, APP) })
    assert.equal(added.status, 201)
    assert.deepEqual(await sql("select newcolumn from todoitem where id = 'c'"), [{ NewColumn: 'x' }])
  })

  test('connections that scripts forget are given back when their request is over', async () => {
    for (let round = 0; round < 6; round += 1) assert.equal((await get('holder')).status, 200)
    assert.equal((await get('a0')).status, 200)
  })

  for (const [index, [what]] of FORGETFUL.entries()) {
    test(`a statement that lifted its time limit ends with the request, on the server as well: one ${what}`, async () => {
      await get(`forgetful${index}`)
      // As superuser: others are not shown what it is.
      const asleep =
        "select count(*)::int as n from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()"
      await waitFor('the statement to end', async () => ((await postgres.sql(asleep))[0]?.n === 0 ? true : undefined), {
        withinMs: 15_000,
      })
    })
  }

  test('many statements together give no more than one may', async () => {
    const answer = await sql("select repeat('x', 6000000);".repeat(4))
    assert.match(String(answer.refused), /There is more to be answered than can be at once/)
  })

  test('what is asked of a connection is done in turn, and nothing of it is left for the next', async () => {
    check({ status: 200, equals: '"done"' }, await get('hasty'))
    assert.deepEqual(await sql("select count(*) as n from todoitem where text = 'hasty'"), [{ n: 0 }])
    const open = "select count(*)::int as n from pg_stat_activity where state like 'idle in transaction%'"
    assert.deepEqual(await postgres.sql(open), [{ n: 0 }])
  })
})
