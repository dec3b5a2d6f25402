// Scripts as an operator works with them: uploaded, run, read back, compared, and there again after a disaster.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { JobRunView, LogView, OperationView, PushSendView, PushView, ScriptView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { TestCloud } from '../support/cloud.ts'
import { NpmRegistry } from '../support/npm-registry.ts'

const INSERT = `function insert(item, user, request) {
  if (!item.text) { request.respond(statusCodes.BAD_REQUEST, 'text is needed'); return }
  item.by = user.level
  request.execute()
}
`
const ORDERS = `var mail = require('../shared/mail');
exports.register = function (api) { api.get('/total/:of', total); };
exports.get = total;
async function total(req, res) {
  var rows = await req.service.tables.getTable('TodoItem').read();
  res.send(statusCodes.OK, { total: rows.length, of: req.params.of, mail: mail.to(), who: req.user.level });
}
`
const MAIL = 'exports.to = function () { return process.env.MailTo; };'
const MODULAR_MAIL = "exports.to = function () { return require('left').same(process.env.MailTo); };"
const READ = `function read(query, user, request) {
  request.execute({ success: function (results) {
    results.forEach(function (row) { row.seen = true })
    request.respond()
  } })
}
`

describe('scripts', () => {
  let cloud: TestCloud
  let folder: string
  let registry: NpmRegistry

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mainstay-scripts-'))
    registry = await NpmRegistry.start()
    const files = { 'index.js': 'exports.same = function (text) { return text; };' }
    await registry.publish('left', '1.1.0', { files, fields: { scripts: { postinstall: 'true' } } })
    cloud = await TestCloud.start('pair', { env: { MAINSTAY_NPM_REGISTRY: registry.url } })
  })
  after(async () => {
    await cloud.dispose()
    await registry.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const upload = async (name: string, text: string) => {
    const file = join(folder, 'upload.js')
    await writeFile(file, text)
    return await cloud.cli(['mobile', 'script', 'upload', 'PrimaryService', name, '--file', file])
  }
  const insert = async (item: object) => {
    const service = await cloud.service('PrimaryService')
    return await cloud.app(service, '/tables/TodoItem', { method: 'POST', body: JSON.stringify(item) })
  }
  const rows = async () => {
    const service = await cloud.service('PrimaryService')
    return (await (await cloud.app(service, '/tables/TodoItem')).json()) as Record<string, unknown>[]
  }

  test('an uploaded script runs for the very next request', async () => {
    const result = await upload('table/todoitem.insert.js', INSERT)
    assert.equal(result.code, 0, result.stderr)
    assert.match(result.stdout, /table\/TodoItem\.insert is version 1 now/)
    const refused = await insert({ id: 'bad' })
    assert.deepEqual([refused.status, await refused.json()], [400, 'text is needed'])
    assert.equal((await insert({ id: 'one', text: 'milk' })).status, 201)
    assert.deepEqual(await rows(), [{ id: 'one', text: 'milk', by: 'anonymous' }])
  })

  test('the next version takes its place, both are kept, and the same text is no new version', async () => {
    assert.match((await upload('table/TodoItem.insert', `${INSERT}// second\n`)).stdout, /version 2 now/)
    assert.match((await upload('table/TodoItem.insert', `${INSERT}// second\n`)).stdout, /has this text already/)
    const versions = ['mobile', 'script', 'list', 'PrimaryService', '--versions', 'table/TodoItem.insert']
    assert.match(await cloud.ok(versions), /2 .*operator.*\n.*1 .*operator/)
    const first = join(folder, 'first.js')
    const download = ['mobile', 'script', 'download', 'PrimaryService', 'table/TodoItem.insert', '--file', first]
    await cloud.ok([...download, '--script-version', '1'])
    assert.equal(await readFile(first, 'utf8'), INSERT)
    assert.equal((await cloud.cli(download)).code, 2, 'another text was overwritten')
    await cloud.ok([...download, '--override'])
    assert.match(await readFile(first, 'utf8'), /second/)
  })

  test('what is no script is refused, and what ran before runs on', async () => {
    const refuses = async (name: string, text: string, code: number, message: RegExp) => {
      const result = await upload(name, text)
      assert.equal(result.code, code, result.stdout)
      assert.match(result.stderr, message)
      assert.doesNotMatch(result.stderr, /\n {4}at /, 'a stack was shown')
    }
    await refuses('table/TodoItem.insert', 'function insert(item {', 2, /is no JavaScript in line 1/)
    await refuses('table/Nothing.insert', INSERT, 2, /no table 'Nothing'/)
    await refuses('table/TodoItem.peek', INSERT, 2, /cannot be the name of a script/)
    await refuses('../../etc/passwd', INSERT, 2, /cannot be the name of a script/)
    await refuses('table/TodoItem.read', `//${'x'.repeat(1_048_577)}`, 1, /1048576 are the most/)
    assert.equal((await insert({ id: 'bad' })).status, 400)
    const missing = await cloud.cli(['mobile', 'script', 'upload', 'PrimaryService', 'table/TodoItem.read'])
    assert.equal(missing.code, 2)
    assert.match(missing.stderr, /cannot read .*table\/TodoItem\.read\.js/)
  })

  test('an operator reads rows as they are, whatever a script makes of them for apps', async () => {
    assert.equal((await upload('table/TodoItem.read', READ)).code, 0)
    assert.deepEqual(await rows(), [{ id: 'one', text: 'milk', by: 'anonymous', seen: true }])
    const read = await cloud.json<object[]>(['mobile', 'data', 'read', 'PrimaryService', 'TodoItem'])
    assert.deepEqual(read, [{ id: 'one', text: 'milk', by: 'anonymous' }])
  })

  const registered = async () => {
    const service = await cloud.service('PrimaryService')
    const body = { platform: 'wns', pushChannel: 'https://db3.notify.windows.com/?token=a', tags: ['all'] }
    const init = { method: 'PUT', body: JSON.stringify(body) }
    return { device: async () => await cloud.app(service, '/push/installations/phone', init) }
  }
  const orders = async (path: string, headers: Record<string, string> = {}) => {
    const service = await cloud.service('PrimaryService')
    return await cloud.app(service, `/api/orders${path}`, { headers })
  }

  test('a custom API is created, its modules uploaded, and it answers', async () => {
    const early = await upload('api/orders', ORDERS)
    assert.equal(early.code, 2)
    assert.match(early.stderr, /has no custom API 'orders'\n.*mainstay mobile api create PrimaryService orders/)
    const created = await cloud.ok(['mobile', 'api', 'create', 'PrimaryService', 'orders', '-p', 'get=user,*=admin'])
    assert.match(created, /script upload PrimaryService api\/orders/)
    assert.equal((await upload('shared/mail', MAIL)).code, 0)
    assert.equal((await upload('api/Orders', ORDERS)).code, 0)
    assert.equal((await orders('')).status, 401)
    await cloud.ok(['mobile', 'api', 'update', 'PrimaryService', 'orders', '-p', 'get=application'])
    await cloud.ok(['mobile', 'appsetting', 'add', 'PrimaryService', 'MailTo', 'ann@example.test'])
    const answer = await orders('/total/all')
    const expected = { total: 1, of: 'all', mail: 'ann@example.test', who: 'anonymous' }
    assert.deepEqual([answer.status, await answer.json()], [200, expected])
    const file = join(folder, 'orders.json')
    const byRoute = { '*': { get: { permission: 'application' } }, 'total/:of': { permission: 'admin' } }
    await writeFile(file, JSON.stringify({ routes: byRoute }))
    const update = ['mobile', 'api', 'update', 'PrimaryService', 'orders']
    assert.match(
      await cloud.ok([...update, '--file', file]),
      /get +application\n(.*\n)*.*Permissions of total\/:of\n.*admin/,
    )
    assert.match(await cloud.ok(['mobile', 'api', 'list', 'PrimaryService']), /orders \* +application/)
    assert.deepEqual([(await orders('/total/all')).status, (await orders('')).status], [401, 200])
    await cloud.refuses([...update, '-p', 'get=application'], 1, /routes .* have permissions of their own/)
    await cloud.ok([...update, '-p', 'get=application', '--force'])
    assert.equal((await orders('/total/all')).status, 200)
    const list = await cloud.ok(['mobile', 'api', 'list', 'PrimaryService'])
    assert.match(list, /orders +application +admin +admin +admin +admin +version 1/)
  })

  test('names that are taken, unknown or bad are refused, and settings are changed only by who says so', async () => {
    const refuses = async (words: string[], code: number, message: RegExp) => {
      const result = await cloud.cli(['mobile', ...words])
      assert.equal(result.code, code, result.stdout)
      assert.match(result.stderr, message)
    }
    await refuses(['api', 'create', 'PrimaryService', 'ORDERS'], 1, /already has a custom API 'ORDERS'/)
    await refuses(['api', 'create', 'PrimaryService', 'a/b'], 2, /cannot be the name of a custom API/)
    await refuses(['api', 'create', 'PrimaryService', 'b', '-p', 'read=public'], 2, /'read' is none of get, put/)
    await refuses(['api', 'show', 'PrimaryService', 'nothing'], 2, /no custom API 'nothing'/)
    await refuses(['api', 'delete', 'PrimaryService', 'nothing', '-q'], 2, /no custom API 'nothing'/)
    await refuses(['appsetting', 'add', 'PrimaryService', 'mailto', 'x'], 1, /already has an app setting 'MailTo'/)
    await refuses(['appsetting', 'add', 'PrimaryService', 'a b', 'x'], 2, /cannot be the name of an app setting/)
    await refuses(['appsetting', 'set', 'PrimaryService', 'MS_MasterKey', 'x'], 2, /only Mainstay sets/)
    await refuses(['appsetting', 'delete', 'PrimaryService', 'Other', '-q'], 2, /no app setting 'Other'/)
    await cloud.ok(['mobile', 'appsetting', 'set', 'PrimaryService', 'mailto', 'bob@example.test'])
    assert.match(await cloud.ok(['mobile', 'appsetting', 'show', 'PrimaryService', 'MailTo']), /bob@example.test/)
    assert.equal(((await (await orders('')).json()) as { mail: string }).mail, 'bob@example.test')
  })

  test('push is set up without a secret coming back, devices register, and a message waits for its platform', async () => {
    const push = ['mobile', 'push']
    const { device } = await registered()
    assert.equal((await device()).status, 404)
    await cloud.refuses([...push, 'mpns', 'set', 'PrimaryService', 'x.p12'], 2, /MPNS\) was shut down/)
    await cloud.refuses(
      [...push, 'apns', 'set', 'PrimaryService', 'sandbox', 'x.p12', '-p', 'x'],
      2,
      /certificates of APNs/,
    )
    await cloud.refuses([...push, 'wns', 'set', 'PrimaryService', 'secret', 'S-1'], 2, /'S-1' is no package SID/)
    await cloud.refuses([...push, 'wns', 'delete', 'PrimaryService', '-q'], 2, /has no credentials of wns/)
    await cloud.refuses([...push, 'gcm', 'set', 'PrimaryService', `AIza${'x'.repeat(35)}`], 2, /this is a server key/)
    await cloud.refuses([...push, 'permission', 'PrimaryService', 'everybody'], 2, /is no permission/)
    const set = ['wns', 'set', 'PrimaryService', 'the-client-secret', 'ms-app://s-1']
    const said = await cloud.ok([...push, ...set, '--endpoint', 'http://127.0.0.1:9'])
    assert.match(said, /clientSecret +\(secret, SHA-256 begins [0-9a-f]{12}\)/)
    await cloud.ok([...push, 'webpush', 'set', 'PrimaryService', 'mailto:ann@example.test'])
    const shown = await cloud.ok([...push, 'show', 'PrimaryService'])
    assert.match(shown, /wns +set up +0 +ms-app:\/\/s-1\n.*apns +not set up/)
    assert.match(shown, /Public key of Web Push +B[\w-]{86}/)
    for (const text of [said, shown, await cloud.ok([...push, 'wns', 'get', 'PrimaryService', '--json'])]) {
      assert.doesNotMatch(text, /the-client-secret/)
    }
    assert.equal((await device()).status, 204)
    const sending = "exports.get = async (q, s) => s.json(await q.service.push.wns.send('all', '<toast/>'));"
    assert.equal((await upload('api/orders', sending)).code, 0)
    assert.equal((await orders('')).status, 200)
    // Loopback is nobody's to dial here: that holds for push, too.
    const isSaid = async () =>
      /127\.0\.0\.1 may not be reached/.test(await cloud.ok([...push, 'log', 'PrimaryService']))
    await waitFor('the message to say why it waits', async () => ((await isSaid()) ? true : undefined), {
      withinMs: 20_000,
    })
  })

  test('what scripts say is in the log of the service, and can be followed', async () => {
    const chatty = "exports.get = function (q, s) { console.log('served %s', q.query.n); s.send(200); };"
    const failing = "exports.post = function () { throw new Error('on purpose'); };"
    assert.equal((await upload('api/orders', `${chatty}\n${failing}`)).code, 0)
    const following = cloud.follow(['mobile', 'log', 'PrimaryService', '--follow'])
    try {
      assert.equal((await orders('?n=1')).status, 200)
      const service = await cloud.service('PrimaryService')
      const headers = { 'x-zumo-master': service.masterKey, 'x-request-id': 'the-failed-one' }
      assert.equal((await cloud.app(service, '/api/orders', { method: 'POST', headers, body: '{}' })).status, 500)
      const isThere = () => (following.text().includes('on purpose') ? true : undefined)
      await waitFor('the lines', isThere, { withinMs: 20_000 })
    } finally {
      await following.stop()
    }
    assert.match(following.text(), /information {2}\/api\/orders\.js {2}served 1\n.*\n?.*error .*on purpose/)
    const log = ['mobile', 'log', 'PrimaryService']
    const newest = await cloud.ok(log)
    assert.match(
      newest,
      /error {8}\/api\/orders\.js {2}Error in script '\/api\/orders\.js'. Error: on purpose\n.*orders\.js>:2:/,
    )
    const found = await cloud.json<LogView>([...log, '--search', 'SERVED', '--query', 'type=information&top=1'])
    assert.deepEqual(
      found.results.map(({ message }) => message),
      ['served 1'],
    )
    const ofRequest = await cloud.json<LogView>([...log, '--request-id', 'the-failed-one'])
    assert.equal(ofRequest.results.length, 1)
    for (const words of [
      ['--type', 'loud'],
      ['--top', '0'],
      ['-c', '12'],
      ['--query', 'color=red'],
      ['--follow', '--json'],
    ]) {
      assert.equal((await cloud.cli([...log, ...words])).code, 2, words.join(' '))
    }
    assert.equal((await upload('api/orders', ORDERS)).code, 0)
  })

  const history = async () =>
    await cloud.json<JobRunView[]>(['mobile', 'job', 'history', 'PrimaryService', 'sweep', '--top', '100'])

  test('a job is created, runs when it is due and when it is asked for, and tells how it went', async () => {
    const job = ['mobile', 'job']
    await cloud.refuses([...job, 'create', 'PrimaryService', 'a-b'], 2, /cannot be the name of a job/)
    await cloud.refuses([...job, 'create', 'PrimaryService', 'sweep', '--cron', '99 * * * *'], 2, /is no cron line/)
    await cloud.refuses([...job, 'create', 'PrimaryService', 'sweep', '-u', 'week'], 2, /there is no unit 'week'/)
    const created = await cloud.ok([...job, 'create', 'PrimaryService', 'sweep', '--cron', '* * * * * *'])
    assert.match(created, /Status +disabled\n.*Schedule +cron \* \* \* \* \* \*/)
    await cloud.refuses([...job, 'create', 'PrimaryService', 'Sweep'], 1, /already has a job 'Sweep'/)
    await cloud.refuses([...job, 'run', 'PrimaryService', 'sweep'], 1, /has no script yet/)
    assert.equal((await upload('scheduler/sweep', "function sweep() { console.log('swept'); }")).code, 0)
    await cloud.ok([...job, 'run', 'PrimaryService', 'sweep'])
    const isDone = async () => ((await history())[0]?.state === 'succeeded' ? true : undefined)
    await waitFor('the run that was asked for', isDone, { withinMs: 10_000 })
    await cloud.ok([...job, 'update', 'PrimaryService', 'sweep', '--status', 'enabled'])
    const isDue = async () => ((await history()).filter(({ dueAt }) => dueAt !== null).length >= 2 ? true : undefined)
    await waitFor('two runs that were due', isDue, { withinMs: 15_000 })
    // One that fell due while another still ran was skipped, and the next is not.
    const isListed = async () =>
      /sweep +enabled +cron .* 20.*Z +20.*Z (succeeded|running)/.test(
        await cloud.ok([...job, 'list', 'PrimaryService']),
      ) || undefined
    await waitFor('a run in the list', isListed, { withinMs: 15_000 })
    assert.match(await cloud.ok([...job, 'history', 'PrimaryService', 'sweep']), /succeeded \(due .*\n.* swept/)
    await cloud.refuses([...job, 'show', 'PrimaryService', 'other'], 2, /has no job 'other'/)
  })

  const signIn = async (path: string) => {
    const { pathUrl } = await cloud.service('PrimaryService')
    return await fetch(`${pathUrl}${path}`, { redirect: 'manual' })
  }

  test('providers are set up, changed and deleted; what is wrong about them is told', async () => {
    const auth = ['mobile', 'auth']
    assert.match(await cloud.ok([...auth, 'list', 'PrimaryService']), /Nobody signs in through a provider yet/)
    assert.equal((await signIn('login/facebook')).status, 401)
    const set = await cloud.ok([...auth, 'facebook', 'set', 'PrimaryService', '1234', 'a-secret-of-facebook'])
    assert.match(set, /primaryservice\.localhost:\d+\/login\/facebook\n.*\/\.auth\/login\/facebook\/callback/)
    const begun = await signIn('login/facebook')
    assert.equal(begun.status, 302)
    assert.match(begun.headers.get('location') ?? '', /^https:\/\/www\.facebook\.com\/dialog\/oauth\?client_id=1234&/)
    // Services share that host: no page of one reads what another's says.
    const page = await signIn('.auth/login/done')
    assert.match(page.headers.get('content-security-policy') ?? '', /^sandbox allow-scripts /)
    assert.equal((await signIn('status')).headers.get('content-security-policy'), null)
    await cloud.ok([...auth, 'aad', 'set', 'PrimaryService', 'app', 'secret'])
    await cloud.ok([...auth, 'aad', 'tenant', 'add', 'PrimaryService', 'contoso.onmicrosoft.com'])
    await cloud.refuses(
      [...auth, 'aad', 'tenant', 'add', 'PrimaryService', 'Contoso.onmicrosoft.com'],
      2,
      /is there already/,
    )
    await cloud.refuses([...auth, 'aad', 'tenant', 'add', 'PrimaryService', 'no tenant'], 2, /'no tenant' is no tenant/)
    assert.match(await cloud.ok([...auth, 'aad', 'get', 'PrimaryService']), /tenants +contoso\.onmicrosoft\.com/)
    await cloud.ok([...auth, 'aad', 'tenant', 'delete', 'PrimaryService', 'contoso.onmicrosoft.com'])
    assert.match(await cloud.ok([...auth, 'aad', 'get', 'PrimaryService']), /tenants +none: nobody comes in/)
    await cloud.ok([...auth, 'openid', 'set', 'PrimaryService', 'corp', 'https://id.example.com/', 'app', 'secret'])
    await cloud.refuses(
      [...auth, 'openid', 'set', 'PrimaryService', 'done', 'https://a.example', 'a', 'b'],
      2,
      /cannot be the name/,
    )
    await cloud.refuses(
      [...auth, 'openid', 'set', 'PrimaryService', 'b', 'http://a.example', 'a', 'b'],
      2,
      /cannot be where a provider is/,
    )
    await cloud.refuses(
      [...auth, 'openid', 'set', 'PrimaryService', 'google', 'https://a.example', 'a', 'b'],
      2,
      /auth google set/,
    )
    await cloud.refuses(
      [...auth, 'google', 'set', 'PrimaryService', 'only-the-id', '-q'],
      2,
      /client secret must be specified/,
    )
    await cloud.refuses([...auth, 'openid', 'delete', 'PrimaryService', 'facebook', '-q'], 2, /auth facebook delete/)
    await cloud.ok([...auth, 'google', 'set', 'PrimaryService', 'app', 'secret', '--audience', 'ios, android'])
    await cloud.ok([...auth, 'google', 'set', 'PrimaryService', '--audience', '', '-q'])
    assert.doesNotMatch(await cloud.ok([...auth, 'google', 'get', 'PrimaryService']), /audiences/)
    await cloud.ok([...auth, 'google', 'delete', 'PrimaryService', '-q'])
    await cloud.refuses([...auth, 'twitter', 'get', 'PrimaryService'], 2, /has no provider 'twitter'/)
    assert.match(await cloud.ok([...auth, 'list', 'PrimaryService']), /aad .*\n.*corp .*\n.*facebook +1234/)
    await cloud.ok([...auth, 'openid', 'delete', 'PrimaryService', 'corp', '-q'])
    const config = ['mobile', 'config', 'set', 'PrimaryService', 'loginRedirectUrls']
    await cloud.ok([...config, 'myapp://signed-in,https://app.example.com/done'])
    await cloud.refuses([...config, 'http://app.example.com/'], 2, /can not be handed over to/)
    assert.match(await cloud.ok(['mobile', 'verify', 'PrimaryService']), /well|no problem|succeeded/i)
  })

  const uploadPackage = async (text: string) => {
    const file = join(folder, 'package.json')
    await writeFile(file, text)
    return await cloud.cli(['mobile', 'script', 'upload', 'PrimaryService', 'package.json', '-f', file])
  }
  const modules = ['mobile', 'script', 'modules', 'PrimaryService']
  const PACKAGE = '{ "dependencies": { "left": "^1.0.0" } }\n'

  test('npm modules are installed from a package.json, and scripts require them', async () => {
    assert.match(await cloud.ok(modules), /No npm modules.*script upload PrimaryService package\.json/)
    const result = await uploadPackage(PACKAGE)
    assert.equal(result.code, 0, result.stderr)
    assert.match(result.stdout, /package\.json is version 1 now\n.*1 package\(s\) are installed/)
    assert.match(result.stdout + result.stderr, /do not run here: left/)
    assert.match(await cloud.ok(modules), /left +1\.1\.0 +its install script did not run/)
    assert.match(await cloud.ok(['mobile', 'script', 'list', 'PrimaryService']), /package\.json +1 /)
    assert.equal((await upload('shared/mail', MODULAR_MAIL)).code, 0)
    assert.equal(((await (await orders('')).json()) as { mail: string }).mail, 'bob@example.test')
    const asked = registry.asked.length
    assert.match((await uploadPackage(PACKAGE)).stdout, /has this text already/)
    assert.equal(registry.asked.length, asked, 'what is installed was asked for again')
  })

  test('what cannot be installed is refused with the reason, and what ran before runs on', async () => {
    const refuses = async (text: string, code: number, message: RegExp) => {
      const result = await uploadPackage(text)
      assert.equal(result.code, code, result.stdout)
      assert.match(result.stderr, message)
    }
    await refuses('{ "dependencies": ', 2, /package\.json is no JSON/)
    await refuses('{ "dependencies": { "left": "^9.0.0" } }', 2, /No matching version found for left@\^9/)
    await refuses('{ "dependencies": { "no-such-thing": "1" } }', 2, /404 Not Found/)
    await refuses('{ "dependencies": { "left": "file:.." } }', 2, /'left' is to come from 'file:\.\.'/)
    const lock = [
      'mobile',
      'script',
      'upload',
      'PrimaryService',
      'package-lock.json',
      '-f',
      join(folder, 'package.json'),
    ]
    await cloud.refuses(lock, 2, /goes with package\.json/)
    registry.status = 502
    await refuses('{ "dependencies": { "left": "1" } }', 1, /registry of npm modules did not answer/)
    registry.status = null
    assert.equal(((await (await orders('')).json()) as { mail: string }).mail, 'bob@example.test')
    await writeFile(join(folder, 'package.json'), PACKAGE)
  })

  test('all scripts are downloaded into a folder, which then is what runs', async () => {
    await cloud.ok(['mobile', 'script', 'download', 'PrimaryService', '--all', '-o', folder])
    assert.equal(await readFile(join(folder, 'table', 'TodoItem.read.js'), 'utf8'), READ)
    const verify = ['mobile', 'verify', 'PrimaryService', '--against', folder]
    assert.match(await cloud.ok(verify), /All 6 script\(s\) that run on west-us-1 are the same/)
    await writeFile(join(folder, 'table', 'TodoItem.read.js'), '// changed\n')
    await writeFile(join(folder, 'table', 'TodoItem.update.js'), '// not uploaded\n')
    const result = await cloud.cli(verify)
    assert.equal(result.code, 1)
    assert.match(result.stdout, /TodoItem\.read +another text than in the folder/)
    assert.match(result.stdout, /TodoItem\.update +is in the folder, and does not run/)
  })

  test('after a disaster the same scripts run in the new home, and the recovery has checked it', async () => {
    await cloud.untilProtected('sql-west-us')
    // Nobody needs it any more.
    registry.status = 404
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    await cloud.untilState('PrimaryService', 'Unhealthy', 15_000)
    await cloud.ok(['mobile', 'recover', 'PrimaryService', 'SecondaryService', '-q'])
    assert.deepEqual(await rows(), [{ id: 'one', text: 'milk', by: 'anonymous', seen: true }])
    assert.equal((await insert({ id: 'bad' })).status, 400)
    const expected = { total: 1, mail: 'bob@example.test', who: 'anonymous' }
    assert.deepEqual(await (await orders('')).json(), expected)
    // Who was at a provider when the region died comes back to the new home.
    assert.equal((await signIn('login/facebook')).status, 302)
    // Devices, credentials and what waits to be sent came along.
    const pushed = await cloud.json<PushView>(['mobile', 'push', 'show', 'PrimaryService'])
    assert.deepEqual(pushed.platforms.find(({ platform }) => platform === 'wns')?.registrations, 1)
    const [waiting] = await cloud.json<PushSendView[]>(['mobile', 'push', 'log', 'PrimaryService'])
    assert.deepEqual([waiting?.state, waiting?.total, waiting?.sent], ['sending', 1, 0])
    const recoveredAt = new Date().toISOString()
    const isSince = async () =>
      (await history()).some((run) => run.state === 'succeeded' && run.startedAt > recoveredAt)
    await waitFor('the job to run in the new home', async () => ((await isSince()) ? true : undefined), {
      withinMs: 15_000,
    })
    await cloud.ok(['mobile', 'job', 'update', 'PrimaryService', 'sweep', '--status', 'disabled'])
    const due = (await history()).flatMap(({ dueAt }) => dueAt ?? [])
    assert.equal(new Set(due).size, due.length, 'what was due was noted twice')
    await cloud.ok(['mobile', 'script', 'download', 'PrimaryService', '--all', '-o', folder, '--override'])
    await rm(join(folder, 'table', 'TodoItem.update.js'))
    assert.match(await cloud.ok(['mobile', 'verify', 'PrimaryService', '--against', folder]), /6 script.*east-us-1/)
    const operations = await cloud.api<OperationView[]>('/operations')
    const operation = operations.find(({ kind }) => kind === 'recover')
    assert.match(operation?.steps.find((step) => step.name === 'verify')?.detail ?? '', /6 script\(s\)/)
  })

  test('SQL of a script that shuts its own service out is undone by a restart', async () => {
    const shut = "set role none; alter role session_user password 'another'"
    const script = `exports.get = async (q, s) => { await q.service.mssql.query(${JSON.stringify(shut)}); s.send(200); };`
    assert.equal((await upload('api/orders', script)).code, 0)
    assert.equal((await orders('')).status, 200)
    await cloud.ok(['mobile', 'restart', 'PrimaryService'])
    const isServed = async () => ((await insert({ id: 'again', text: 'after' })).status === 201 ? true : undefined)
    await waitFor('the service to be served again', isServed, { withinMs: 10_000 })
    const service = await cloud.service('PrimaryService')
    assert.equal((await cloud.app(service, '/tables/TodoItem/again', { method: 'DELETE' })).status, 204)
  })

  test('a deleted script is out of force at once, and its versions are kept', async () => {
    await cloud.ok(['mobile', 'script', 'delete', 'PrimaryService', 'table/TodoItem.read'])
    assert.deepEqual(await rows(), [{ id: 'one', text: 'milk', by: 'anonymous' }])
    const left = await cloud.json<ScriptView[]>(['mobile', 'script', 'list', 'PrimaryService'])
    assert.deepEqual(
      left.map(({ name, version }) => [name, version]),
      [
        ['api/orders', 5],
        ['package.json', 1],
        ['scheduler/sweep', 1],
        ['shared/mail', 2],
        ['table/TodoItem.insert', 2],
      ],
    )
    const again = await cloud.cli(['mobile', 'script', 'delete', 'PrimaryService', 'table/TodoItem.read'])
    assert.equal(again.code, 2)
    const old = join(folder, 'old.js')
    const download = ['mobile', 'script', 'download', 'PrimaryService', 'table/TodoItem.read', '--file', old]
    await cloud.ok([...download, '--script-version', '1'])
    assert.equal(await readFile(old, 'utf8'), READ)
  })

  test('a deleted API is unknown at once, and its script goes out of force with it', async () => {
    await cloud.ok(['mobile', 'api', 'delete', 'PrimaryService', 'Orders', '-q'])
    await cloud.ok(['mobile', 'job', 'delete', 'PrimaryService', 'Sweep', '-q'])
    assert.equal((await orders('')).status, 404)
    const left = await cloud.json<ScriptView[]>(['mobile', 'script', 'list', 'PrimaryService'])
    assert.deepEqual(
      left.map(({ name }) => name),
      ['package.json', 'shared/mail', 'table/TodoItem.insert'],
    )
    await cloud.ok(['mobile', 'script', 'delete', 'PrimaryService', 'package.json'])
    assert.match(await cloud.ok(modules), /No npm modules/)
  })
})
