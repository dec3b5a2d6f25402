// The extension `startup` against a running runtime: once in each sandbox, before anything else, and in nobody's way.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { DEFAULT_API_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { STARTUP_WAIT_MS_MAX } from '../../src/kit/limits.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { TestRuntime } from '../support/runtime-process.ts'
import { APP, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const STATE = 'exports.calls = 0; exports.found = null;'
const SHOW = "var state = require('../shared/state'); exports.get = (q, s) => s.json([state.calls, state.found]);"
const INSERT = "function insert(i, u, r) { r.respond(200, require('../shared/state').calls); }"

describe('the extension startup', () => {
  let postgres: TestCluster
  let runtime: TestRuntime
  let count = 0

  before(async () => {
    postgres = await startTestCluster()
    runtime = await TestRuntime.start(postgres.folder, 'startup')
    runtime.setLeases()
  })
  after(async () => {
    await runtime?.stop()
    await postgres?.stop()
  })

  const serviceWith = async (startup: string) => {
    count += 1
    const texts = { 'extensions/startup': startup, 'shared/state': STATE, 'api/show': SHOW, 'TodoItem.insert': INSERT }
    const apis = [{ name: 'show', permissions: DEFAULT_API_PERMISSIONS }]
    const service = await addScripted(postgres, `startup-${count}`, texts, { apis })
    await runtime.assign([service])
    return service
  }
  const show = async (service: RuntimeService) =>
    await runtime.call({ path: '/api/show', headers: routed(service, APP) })
  const insert = async (service: RuntimeService) =>
    await runtime.call({ method: 'POST', path: '/tables/TodoItem', headers: routed(service, APP), body: { id: 'a' } })

  test('is called once before the first of many requests, and has what scripts have', async () => {
    const service = await serviceWith(`var state = require('../shared/state');
      exports.startup = function (context, done) {
        state.calls += 1;
        context.tables.getTable('TodoItem').read({ success: function (rows) {
          context.mssql.query('select 1 as one', { success: function (found) {
            state.found = [rows.length, found[0].one, context.config.masterKey, typeof context.push.send];
            done();
          } });
        } });
      };`)
    const answers = await Promise.all([insert(service), ...Array.from({ length: 9 }, async () => await show(service))])
    assert.equal(answers[0]?.body, '1', runtime.log)
    for (const answer of answers.slice(1)) assert.equal(answer.body, '[1,[0,1,"master-key","function"]]')
  })

  test('may have the text of a table script', async () => {
    const text =
      "exports.startup = function (c, done) { done(); };\nfunction insert(i, u, r) { r.respond(200, 'mine'); }"
    const texts = { 'extensions/startup': text, 'TodoItem.insert': text }
    const service = await addScripted(postgres, 'startup-same', texts)
    await runtime.assign([service])
    for (let time = 0; time < 2; time += 1) assert.equal((await insert(service)).body, '"mine"', runtime.log)
  })

  test('is called again when scripts have changed: they begin anew', async () => {
    const service = await serviceWith("exports.startup = async () => { require('../shared/state').calls += 1; };")
    assert.equal((await show(service)).body, '[1,null]')
    const changed = await addScripted(postgres, `startup-other`, { 'shared/more': '', 'shared/state': STATE })
    const more = changed.scripts.filter(({ name }) => name === 'shared/more')
    await runtime.assign([{ ...service, scripts: [...service.scripts, ...more] }])
    assert.equal((await show(service)).body, '[1,null]')
  })

  const FAILING: [is: string, script: string, line: RegExp][] = [
    ['that throws', "exports.startup = function (c, d) { throw new Error('on purpose'); };", /on purpose/],
    ['that says so', "exports.startup = function (c, done) { done('no luck'); };", /no luck/],
    ['that is rejected', "exports.startup = async () => { throw new Error('later'); };", /later/],
    [
      'that wants express',
      'exports.startup = function (context) { context.app.use(1); };',
      /There is no 'context\.app'/,
    ],
    ['that exports another function', 'exports.start = function () {};', /exports no function 'startup'/],
    ['that is never done', 'exports.startup = function (context, done) {};', /was not done within 5 s/],
  ]
  for (const [is, script, line] of FAILING) {
    test(`one ${is} is told in the log, and requests are answered`, async () => {
      const from = runtime.log.length
      const service = await serviceWith(script)
      const startedAt = performance.now()
      assert.equal((await insert(service)).body, '0')
      assert.ok(performance.now() - startedAt < STARTUP_WAIT_MS_MAX + 5_000)
      await runtime.untilLogged(line, from)
      await runtime.untilLogged('Requests are answered all the same', from)
      assert.equal((await show(service)).body, '[0,null]')
    })
  }

  test('one that ends its process is told in the log, and requests are refused clearly', async () => {
    const from = runtime.log.length
    const service = await serviceWith('exports.startup = function () { process.exit(3); };')
    const answer = await insert(service)
    assert.equal(answer.status, 503)
    assert.ok(answer.headers['retry-after'])
    await runtime.untilLogged(/process\.exit\(3\)/, from)
  })
})
