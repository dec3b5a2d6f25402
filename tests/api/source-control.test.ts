// Source control by the real git against the real management API: pushes that deploy, and those that are refused.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { DeploymentView, ScriptView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { removeTree } from '../../src/kit/files.ts'
import { appRepository, permissionsOf, registryOfApp } from '../support/app-repository.ts'
import { runCli } from '../support/cli-run.ts'
import { FaultPoints } from '../support/fault-points.ts'
import { GitClient } from '../support/git-client.ts'
import { GitInTheWay } from '../support/git-in-the-way.ts'
import { LoneControl } from '../support/lone-control.ts'
import type { NpmRegistry } from '../support/npm-registry.ts'

const SERVICE = 'PrimaryService'
// It has nothing yet, and takes whatever history it is given.
const LARGE = 'SecondaryService'
const NONE = '0'.repeat(40)
const PASSWORD = 'correct horse battery staple'
const INSERT = 'service/table/TodoItem.insert.js'
const GOOD = (word: string) => `function insert(item, user, request) { /* ${word} */ request.execute() }\n`

describe('source control', { timeout: 1_200_000 }, () => {
  let control: LoneControl
  let registry: NpmRegistry
  let points: FaultPoints
  let hindered: GitInTheWay
  const clients: GitClient[] = []

  before(async () => {
    registry = await registryOfApp()
    points = await FaultPoints.make()
    hindered = await GitInTheWay.make()
    const env = { ...points.env, ...hindered.env, MAINSTAY_NPM_REGISTRY: registry.url }
    control = await LoneControl.start(() => env)
    await control.seed()
  })
  after(async () => {
    for (const client of clients) await client.dispose()
    await control?.dispose()
    await points?.dispose()
    await hindered?.dispose()
    await registry?.stop()
  })

  const api = async <T>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }> => {
    const answer = await fetch(`${control.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${control.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: (text === '' ? null : JSON.parse(text)) as T }
  }
  const cli = async (context: Parameters<typeof runCli>[0], args: string[], input?: string) =>
    await runCli(context, args, {
      env: { MAINSTAY_CONTROL_URL: control.url, MAINSTAY_TOKEN: control.token },
      ...(input === undefined ? {} : { input }),
    })
  const urlOf = (user = 'ada', password = PASSWORD) =>
    `http://${user}:${encodeURIComponent(password)}@127.0.0.1:${control.port}/${SERVICE}.git`
  const clone = async () => {
    const client = await GitClient.make({ url: urlOf() })
    clients.push(client)
    return client
  }
  const scripts = async () => (await api<ScriptView[]>('GET', `/services/${SERVICE}/scripts`)).body
  const textOf = async (name: string) =>
    (await api<{ text: string }>('GET', `/services/${SERVICE}/scripts/${encodeURIComponent(name)}`)).body.text
  const deployments = async () => (await api<DeploymentView[]>('GET', `/services/${SERVICE}/deployments`)).body
  /** What runs, and what git has, in a form to compare. */
  const state = async (client: GitClient) => ({
    scripts: (await scripts()).map(({ name, hash }) => `${name} ${hash}`),
    refs: await client.run('ls-remote', 'origin'),
  })
  /** Pushes what must be refused; nothing may be changed by it. */
  const refused = async (client: GitClient, says: RegExp, ...push: string[]) => {
    const before = await state(client)
    const { code, said } = await client.try('push', ...(push.length > 0 ? push : ['origin', 'master']))
    assert.notEqual(code, 0, said)
    assert.match(said, says)
    assert.deepEqual(await state(client), before)
  }

  /** Pushes in bytes of its own what no git would: moves of branches, without a new object. */
  const pushRaw = async (moves: string[]) => {
    const lineOf = (text: string) => `${(Buffer.byteLength(text) + 4).toString(16).padStart(4, '0')}${text}`
    const lines = moves.map((move, at) => lineOf(at === 0 ? `${move}\0report-status side-band-64k` : move))
    const pack = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1')
    const isEmpty = moves.every((move) => move.split(' ')[1] === NONE)
    const body = [Buffer.from(`${lines.join('')}0000`), pack, createHash('sha1').update(pack).digest()]
    const answer = await fetch(`${control.url}/${SERVICE}.git/git-receive-pack`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`any:${control.token}`).toString('base64')}`,
        'content-type': 'application/x-git-receive-pack-request',
      },
      body: Buffer.concat(isEmpty ? body.slice(0, 1) : body),
    })
    return await answer.text()
  }
  const rows = async () =>
    await control.sql(`select name, hash from source_refs where service_id = $1 order by name`, [SERVICE])

  test('is enabled by its name, with what runs as the first commit, and shows where git finds it', async (context) => {
    const off = await GitClient.make()
    clients.push(off)
    const listed = await cli(context, ['mobile', 'preview', 'list', SERVICE])
    assert.match(listed.stdout, /SourceControl +available/)
    const enabled = await cli(context, ['mobile', 'preview', 'enable', SERVICE, 'sourcecontrol'])
    assert.equal(enabled.code, 0, enabled.stderr)
    const { body } = await api<{ sourceRepositoryUrl: string }>('GET', `/services/${SERVICE}`)
    assert.match(body.sourceRepositoryUrl, new RegExp(`:${control.port}/${SERVICE}\\.git$`))
    const set = await cli(context, ['account', 'deployment-user', 'set', 'Ada'], `${PASSWORD}\n`)
    assert.equal(set.code, 0, set.stderr)
    const client = await clone()
    assert.match(await client.run('log', '--format=%an %s'), /^operator What 'PrimaryService' ran/)
    const file = JSON.parse(await readFile(join(client.folder, 'service/table/TodoItem.json'), 'utf8'))
    assert.deepEqual(file.routes['*'].insert, { permission: 'application' })
    const unknown = await cli(context, ['mobile', 'preview', 'enable', SERVICE, 'Users'])
    assert.equal(unknown.code, 2)
    const other = await off.try('ls-remote', urlOf().replace(SERVICE, 'SecondaryService'))
    assert.match(other.said, /'SecondaryService' has no source control/)
  })

  test('a push deploys 50 scripts, 3 custom APIs, tables, a job and npm modules at once', async (context) => {
    const client = await clone()
    const before = (await api<{ version: number }>('GET', '/status')).body
    await client.commit('the whole app', appRepository())
    const said = await client.run('push', 'origin', 'master')
    assert.match(said, /remote: 2 package\(s\)/)
    assert.match(said, /remote: Deployment 2 of 'PrimaryService': \d+ change/)
    const names = (await scripts()).map(({ name }) => name)
    assert.equal(names.filter((name) => !name.startsWith('package')).length, 50)
    const { body: apis } = await api<{ name: string; permissions: object }[]>('GET', `/services/${SERVICE}/apis`)
    assert.deepEqual(
      apis.map((one) => [one.name, one.permissions]),
      ['admin', 'hello', 'orders'].map((name) => [
        name,
        { get: 'public', put: 'admin', post: 'admin', patch: 'admin', delete: 'admin' },
      ]),
    )
    const rows = await control.sql(
      `select t.name, t.permissions->>'read' as read, s.npm_modules is not null as has_modules
       from service_tables t join services s on s.id = t.service_id where t.name = 'Table7'`,
    )
    assert.deepEqual(rows, [{ name: 'Table7', read: 'public', has_modules: true }])
    const jobs = await control.sql('select name, schedule, is_enabled from service_jobs')
    assert.deepEqual(jobs, [{ name: 'cleanup', schedule: { kind: 'cron', line: '0 3 * * *' }, is_enabled: true }])
    assert.ok(before)
    const listed = await cli(context, ['mobile', 'deployment', 'list', SERVICE])
    assert.match(listed.stdout, /2 +deployed +push +master +[0-9a-f]{10} +Ada <ada@example.com> +the whole app/)
  })

  test('a bad push is refused with every reason in the output of git, and what ran runs on', async () => {
    const client = await clone()
    await client.commit('bad', {
      'service/table/Table1.insert.js': 'function insert(item {',
      'service/api/orders.json': '{"routes":{"*":{"get":{"permission":"everybody"}}}}',
      'service/table/Nowhere.read.js': 'function read() {}',
      'service/scheduler/cleanup.json': '{"schedule":{"kind":"cron","line":"nonsense"}}',
      'service/shared/latin.js': Buffer.from([0x2f, 0x2f, 0xe4]),
    })
    await refused(client, /remote: error: service\/table\/Table1\.insert\.js: .*no JavaScript in line 1/)
    const { said } = await client.try('push', 'origin', 'master')
    for (const part of [
      /api\/orders\.json: the permission of 'get of \*' is none of public, application, user, admin/,
      /there is no table 'Nowhere'; service\/table\/Nowhere\.json makes one/,
      /scheduler\/cleanup\.json: 'nonsense' is no cron line/,
      /latin\.js: it is no text in UTF-8/,
      /runs on as before/,
    ]) {
      assert.match(said, part)
    }
    const [newest] = await deployments()
    assert.deepEqual([newest?.state, newest?.message, newest?.changes], ['refused', 'bad', []])
    assert.match(newest?.log ?? '', /no table 'Nowhere'/)
  })

  test('a package that is not to be had refuses the push', async () => {
    const client = await clone()
    await client.commit('more', { 'service/package.json': '{"dependencies":{"nowhere-to-be-found":"1.0.0"}}' })
    await refused(client, /remote: error: service\/package\.json: .*nowhere-to-be-found/)
  })

  test('what cannot be loaded is refused, with its file, and what ran runs on', async () => {
    const [client, startup] = [await clone(), 'service/extensions/startup.js']
    await client.commit('throws', { [startup]: "exports.startup = function () {}\nthrow new Error('on purpose')\n" })
    await refused(client, /error: service\/extensions\/startup\.js cannot be loaded: Error: on purpose/)
    assert.match((await deployments())[0]?.log ?? '', /Error: on purpose\n +at .*<\/extensions\/startup\.js>:2:7/)
    await client.commit('misses', { [startup]: null, 'service/api/lost.js': "require('../shared/nowhere')\n" })
    await refused(
      client,
      /error: service\/api\/lost\.js cannot be loaded: Error: Cannot find module '\.\.\/shared\/nowhere'/,
    )
    await client.commit('is back', { 'service/api/lost.js': null })
    await client.run('reset', '--quiet', '--hard', 'origin/master')
  })

  test('a start-up is loaded with its modules and settings, and not called; what counts on it is not refused', async () => {
    const [client, startup, ready] = [await clone(), 'service/extensions/startup.js', 'service/api/ready.js']
    const before = (await client.run('rev-parse', 'HEAD')).trim()
    await client.commit('starts', {
      [startup]: `if (require('left-pad')('a') !== 'a' || process.env.MS_MobileServiceName !== '${SERVICE}') throw new Error()
        require('mobileservice-config').appSettings.any
        exports.startup = function () { process.exit(1) }\n`,
      [ready]: 'global.pool.open()\nexports.get = function () {}\n',
    })
    const said = await client.run('push', 'origin', 'master')
    assert.match(
      said,
      /note: service\/api\/ready\.js cannot be loaded unless the start-up helps it: (Type|Reference)Error/,
    )
    assert.ok((await scripts()).some(({ name }) => name === 'extensions/startup'))
    await client.run('revert', '--no-edit', `${before}..HEAD`)
    await client.run('push', 'origin', 'master')
    assert.ok((await scripts()).every(({ name }) => name !== 'extensions/startup'))
  })

  test('scripts of tables and jobs are begun as at their home and not called; what each call would miss is refused', async () => {
    const [client, job] = [await clone(), 'service/scheduler/cleanup.js']
    await client.commit('good', {
      'service/table/Table1.read.js': `var own = tables.current, others = tables.getTable('Table2');
        if (require('left-pad')('a') !== 'a' || require('../shared/lib/rules').max !== 10) throw new Error();
        if (own.getTableName() !== 'Table1' || !mssql.query || !push.wns) throw new Error();
        others.read({ success: function () { process.exit(1) } });
        function read() { process.exit(1) }\n`,
      'service/table/Table2.insert.js': 'export default async ({ next }) => { await next(); process.exit(1) }\n',
      'service/table/Table3.delete.js': 'exports.delete = () => process.exit(1)\n',
      [job]: 'export async function cleanup() { process.exit(1) }\n',
    })
    assert.doesNotMatch(await client.run('push', 'origin', 'master'), /note: .*(?:load|tried)/)
    const before = (await client.run('rev-parse', 'HEAD')).trim()
    const cases: [file: string, text: string, says: RegExp][] = [
      [
        INSERT,
        "function insert() {}\nthrow new Error('on purpose')\n",
        /Error: on purpose\n.*<\/table\/TodoItem\.insert\.js>:2:7/,
      ],
      [
        INSERT,
        "\nvar mail = require('../shared/nowhere')\nfunction insert() {}\n",
        /Cannot find module '..\/shared\/nowhere'.*\n.*insert\.js>:2:12/,
      ],
      [INSERT, 'function update() {}\n', /Error: The script defines no function 'insert'\.\n/],
      ['service/table/Table3.delete.js', 'exports.remove = () => {}\n', /no function 'del'\.\n/],
      [job, 'function cleanUp() {}\n', /Error: The script defines no function 'cleanup'\.\n/],
      [job, 'missing.thing()\nfunction cleanup() {}\n', /ReferenceError: missing is not defined\n.*cleanup\.js>:1:1/],
      ['service/extensions/push.js', 'exports.registered = () => {}\n', /extension exports no function 'register'\.\n/],
    ]
    for (const [file, text, says] of cases) {
      await client.commit('cannot be called', { [file]: text })
      const { code, said } = await client.try('push', 'origin', 'master')
      assert.notEqual(code, 0, said)
      const told = said.replace(/^remote: ?| +$/gm, '')
      assert.ok(told.includes(`error: ${file} cannot be loaded: `), said)
      assert.match(told, says)
      await client.run('reset', '--quiet', '--hard', before)
    }
    await client.commit('several', { [INSERT]: 'let a = 1\n', [job]: 'let b = 1\n' })
    await refused(client, /TodoItem\.insert\.js cannot be loaded[\s\S]*cleanup\.js cannot be loaded/)
    await client.run('reset', '--quiet', '--hard', before)
    assert.equal((await client.run('ls-remote', 'origin', 'master')).slice(0, 40), before)
  })

  test('shared JSON is a module like any: pushed, refused where it is none, and changed elsewhere', async (context) => {
    const [client, words] = [await clone(), 'service/shared/lib/words.json']
    await client.commit('words', {
      [words]: '{"hello":"ciao"}\n',
      'service/api/hello.js': `if (require('../shared/lib/words').hello !== 'ciao') throw new Error()
        exports.get = (req, res) => res.send(200)\n`,
      [INSERT]: `const { hello } = require('../shared/lib/words.json')\nfunction insert(item, user, request) { request.execute() }\n`,
    })
    const said = await client.run('push', 'origin', 'master')
    assert.doesNotMatch(said, /note: .*(?:load|tried|not read)/)
    assert.equal(await textOf('shared/lib/words.json'), '{"hello":"ciao"}\n')
    const before = (await client.run('rev-parse', 'HEAD')).trim()
    await client.commit('no JSON', { [words]: '{"hello":}\n' })
    await refused(client, /error: service\/shared\/lib\/words\.json: 'shared\/lib\/words\.json' is no JSON: /)
    await client.run('reset', '--quiet', '--hard', before)
    await client.commit('without', { [words]: null })
    await refused(
      client,
      /TodoItem\.insert\.js cannot be loaded: Error: Cannot find module '\.\.\/shared\/lib\/words\.json'/,
    )
    await client.run('reset', '--quiet', '--hard', before)
    const bad = join(client.folder, 'bad.json')
    await writeFile(bad, '{')
    const upload = ['mobile', 'script', 'upload', SERVICE, 'shared/lib/words.json', '--file']
    const told = await cli(context, [...upload, bad])
    assert.match(told.stderr, /'shared\/lib\/words\.json' is no JSON/)
    await writeFile(bad, '{"hello":"ciao","bye":"addio"}\n')
    const written = await cli(context, [...upload, bad])
    assert.equal(written.code, 0, written.stderr)
    await rm(bad)
    await client.run('pull', '--quiet', 'origin', 'master')
    assert.equal(await readFile(join(client.folder, words), 'utf8'), '{"hello":"ciao","bye":"addio"}\n')
    const folder = join(client.folder, 'out')
    const saved = await cli(context, ['mobile', 'script', 'download', SERVICE, '--all', '-o', folder])
    assert.equal(saved.code, 0, saved.stderr)
    assert.match(await readFile(join(folder, 'shared/lib/words.json'), 'utf8'), /addio/)
    await removeTree(folder)
  })

  test('who may register devices comes from extensions/push.json, and goes there', async (context) => {
    const [client, file] = [await clone(), 'service/extensions/push.json']
    const permission = async () =>
      (await api<{ permission: string }>('GET', `/services/${SERVICE}/push`)).body.permission
    assert.equal(await permission(), 'application')
    await client.commit('for users', { [file]: permissionsOf({ '*': 'user' }) })
    assert.match(await client.run('push', 'origin', 'master'), /Deployment \d+ of '\w+': 1 change/)
    assert.equal(await permission(), 'user')
    const before = (await client.run('rev-parse', 'HEAD')).trim()
    await client.commit('of two minds', { [file]: permissionsOf({ '*': 'user', get: 'public' }) })
    await refused(client, /error: service\/extensions\/push\.json: there is one permission for all routes/)
    await client.run('reset', '--quiet', '--hard', before)
    const set = await cli(context, ['mobile', 'push', 'permission', SERVICE, 'public'])
    assert.equal(set.code, 0, set.stderr)
    await client.run('pull', '--quiet', 'origin', 'master')
    const written = JSON.parse(await readFile(join(client.folder, file), 'utf8'))
    assert.deepEqual(written, { routes: { '*': { permission: 'public' } } })
    // As with tables and APIs: without its file it stays as it is.
    await client.commit('says nothing', { [file]: null })
    await client.run('push', 'origin', 'master')
    assert.equal(await permission(), 'public')
  })

  test('what is changed elsewhere is a commit in the name of who did it, and a push without it is refused', async () => {
    const [client, late] = [await clone(), await clone()]
    const put = `/services/${SERVICE}/scripts/${encodeURIComponent('shared/mail')}`
    assert.equal((await api('PUT', put, { text: 'exports.send = null\n' })).status, 200)
    const created = { name: 'extra', schedule: { kind: 'none' } }
    assert.equal((await api('POST', `/services/${SERVICE}/jobs`, created)).status, 201)
    assert.equal((await api('DELETE', `/services/${SERVICE}/apis/admin`)).status, 200)
    await client.run('pull', '--quiet')
    assert.deepEqual((await client.run('log', '-3', '--format=%an: %s')).trim().split('\n'), [
      `operator: mobile api delete ${SERVICE}/admin`,
      `operator: mobile job create ${SERVICE}/extra`,
      `operator: mobile script upload ${SERVICE}/shared/mail`,
    ])
    const gone = (await client.run('show', '--format=', '--name-status', 'HEAD')).trim().split('\n').sort()
    assert.deepEqual(gone, ['D\tservice/api/admin.js', 'D\tservice/api/admin.json'])
    await late.commit('late', { [INSERT]: GOOD('late') })
    await refused(late, /rejected|fetch first/)
  })

  test('of two pushes at once one is taken, whole, and the other is told to pull', async () => {
    const pair = [await clone(), await clone()]
    for (const [at, client] of pair.entries()) await client.commit(`one of two: ${at}`, { [INSERT]: GOOD(`two ${at}`) })
    const ended = await Promise.all(pair.map(async (client) => await client.try('push', 'origin', 'master')))
    const won = ended.findIndex(({ code }) => code === 0)
    assert.deepEqual(ended.map(({ code }) => code).sort(), [0, 1], JSON.stringify(ended))
    assert.match(ended[1 - won]?.said ?? '', /has moved meanwhile: git pull|fetch first|failed to push/)
    assert.equal(await textOf('table/TodoItem.insert'), GOOD(`two ${won}`))
    const loser = pair[1 - won]
    await loser?.run('pull', '--quiet', '--no-rebase', '-X', 'ours')
    await loser?.run('push', 'origin', 'master')
    assert.equal(await textOf('table/TodoItem.insert'), GOOD(`two ${1 - won}`))
  })

  test('a corrupt pack is refused', async () => {
    const client = await clone()
    const before = await state(client)
    const [head = ''] = (await client.run('rev-parse', 'HEAD')).trim().split('\n')
    const command = `${head} ${'1'.repeat(40)} refs/heads/master\0report-status`
    const line = `${(command.length + 4).toString(16).padStart(4, '0')}${command}0000`
    const pack = Buffer.concat([Buffer.from('PACK\0\0\0\x02\0\0\0\x01', 'latin1'), randomBytes(500)])
    const answer = await fetch(`${control.url}/${SERVICE}.git/git-receive-pack`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`any:${control.token}`).toString('base64')}`,
        'content-type': 'application/x-git-receive-pack-request',
      },
      body: Buffer.concat([Buffer.from(line, 'latin1'), pack]),
    })
    assert.equal(answer.status, 200)
    const said = await answer.text()
    assert.match(said, /unpack (?!ok)/)
    assert.match(said, /ng refs\/heads\/master/)
    assert.deepEqual(await state(client), before)
  })

  test('a wrong password, no password, an unknown service and a reader who pushes are refused', async () => {
    const client = await clone()
    const wrong = await client.try('ls-remote', urlOf('ada', 'wrong'))
    assert.match(wrong.said, /Authentication failed/)
    const none = await fetch(`${control.url}/${SERVICE}.git/info/refs?service=git-upload-pack`)
    assert.deepEqual([none.status, none.headers.get('www-authenticate')?.split(' ')[0]], [401, 'Basic'])
    assert.match(await none.text(), /deployment-user set/)
    assert.match((await client.try('ls-remote', urlOf().replace(SERVICE, 'Nobody'))).said, /no mobile service 'Nobody'/)
    const made = await api<{ token: string }>('POST', '/tokens', { name: 'looker', role: 'reader' })
    const asReader = urlOf('x', made.body.token)
    await client.run('fetch', asReader)
    await client.commit('by a reader', { [INSERT]: GOOD('reader') })
    await refused(client, /takes the role operator, and 'looker' is reader/, asReader, 'master')
    const dumb = await fetch(`${control.url}/${SERVICE}.git/info/refs`)
    assert.equal(dumb.status, 400)
    const management = await fetch(`${control.url}/api/v1/services`, {
      headers: { authorization: `Basic ${Buffer.from(`ada:${PASSWORD}`).toString('base64')}` },
    })
    assert.equal(management.status, 401)
  })

  test('a force push, a deleted branch that runs, and a history of its own are refused', async () => {
    const client = await clone()
    await client.run('reset', '--quiet', '--hard', 'HEAD~1')
    await client.commit('another history', { [INSERT]: GOOD('forced') })
    await refused(client, /history is never rewritten here|non-fast-forward/, '--force', 'origin', 'master')
    await refused(client, /is what runs; it cannot be deleted/, 'origin', ':master')
    await client.run('checkout', '--quiet', '--orphan', 'main')
    await client.commit('from nowhere', { [INSERT]: GOOD('orphan') })
    await refused(client, /does not go on from master, which runs now/, 'origin', 'main')
  })

  test('links, submodules, paths that lead out, and names that differ in case are refused', async () => {
    const client = await clone()
    const head = (await client.run('rev-parse', 'HEAD')).trim()
    const blob = (await client.run('rev-parse', `HEAD:${INSERT}`)).trim()
    const cases: { entries: [mode: string, hash: string, path: string][]; says: RegExp }[] = [
      { entries: [['120000', blob, 'service/shared/link.js']], says: /link\.js is a symbolic link/ },
      { entries: [['160000', head, 'lib']], says: /lib is a submodule/ },
      { entries: [['100644', blob, 'service/SHARED/mail.js']], says: /differ in case only/ },
    ]
    for (const { entries, says } of cases) {
      for (const [mode, hash, path] of entries) {
        await client.run('update-index', '--add', '--cacheinfo', `${mode},${hash},${path}`)
      }
      await client.run('commit', '--quiet', '-m', 'trouble')
      await refused(client, says)
      await client.run('reset', '--quiet', '--hard', head)
    }
    // Git itself makes no such tree: it is written byte by byte.
    const raw = Buffer.concat([Buffer.from('100644 ..\0'), Buffer.from(blob, 'hex')])
    await client.write({ '.git/raw': raw })
    const tree = (await client.run('hash-object', '--literally', '-w', '-t', 'tree', '.git/raw')).trim()
    const escaping = (await client.run('commit-tree', tree, '-p', head, '-m', 'out')).trim()
    await refused(client, /hasDotdot|contains '\.\.'/, 'origin', `${escaping}:refs/heads/master`)
  })

  test('other branches and tags are stored, and nothing of them runs', async () => {
    const client = await clone()
    await client.run('checkout', '--quiet', '-b', 'feature')
    await client.commit('half done', { [INSERT]: 'function insert(' })
    const before = await scripts()
    await client.run('tag', 'v1')
    await client.run('push', 'origin', 'feature', 'v1')
    assert.deepEqual(await scripts(), before)
    await client.run('tag', '--force', 'v1', 'HEAD~1')
    await refused(client, /tag v1 is there already/, '--force', 'origin', 'v1')
    await client.run('push', 'origin', ':feature')
  })

  test('a deployment is redeployed, and an earlier one comes back as a new commit', async (context) => {
    const client = await clone()
    await client.commit('to go back from', { [INSERT]: GOOD('newer'), 'service/shared/added.js': 'exports.a = 1\n' })
    const was = await textOf('table/TodoItem.insert')
    await client.run('push', 'origin', 'master')
    const again = await cli(context, ['mobile', 'deployment', 'redeploy', SERVICE, '--json'])
    assert.equal(again.code, 0, again.stderr)
    assert.equal(JSON.parse(again.stdout).deployment.kind, 'redeploy')
    const back = await cli(context, ['mobile', 'deployment', 'rollback', SERVICE, '--quiet'])
    assert.equal(back.code, 0, back.stderr)
    assert.match(back.stdout, /service\/shared\/added\.js is gone/)
    assert.equal(await textOf('table/TodoItem.insert'), was)
    await client.run('pull', '--quiet')
    assert.match(await client.run('log', '-1', '--format=%s'), /^Back to deployment \d+:/)
    const bad = (await deployments()).find(({ state: how }) => how === 'refused')
    const refusal = await cli(context, ['mobile', 'deployment', 'rollback', SERVICE, String(bad?.number), '--quiet'])
    assert.match(refusal.stderr, /was refused, and its commit is not here/)
  })

  test('main takes over where it goes on from master; an API without a file is for admins', async () => {
    const client = await clone()
    await client.run('checkout', '--quiet', '-b', 'main')
    await client.commit('on main', {
      'service/api/bare.js': 'exports.get = function (req, res) { res.send(200) }\n',
      'service/table/Table1.json': permissionsOf({ '*': 'authenticated' }),
    })
    await client.run('push', 'origin', 'main')
    const { body } = await api<{ permissions: { get: string } }>('GET', `/services/${SERVICE}/apis/bare`)
    assert.equal(body.permissions.get, 'admin')
    const [row] = await control.sql(`select permissions from service_tables where name = 'Table1'`)
    assert.deepEqual(row?.permissions, { insert: 'user', read: 'user', update: 'user', delete: 'user' })
    await client.run('checkout', '--quiet', 'master')
    await client.commit('on master', { [INSERT]: GOOD('old branch') })
    await refused(client, /does not go on from main, which runs now/)
  })

  test('a control that is killed in the middle of a push has done all of it or nothing', async () => {
    const client = await clone()
    await client.run('checkout', '--quiet', 'main')
    for (const [point, isStored] of [
      ['source.push.checked', false],
      ['source.push.storing', false],
      ['source.push.stored', true],
    ] as const) {
      const before = await state(client)
      const text = GOOD(point)
      await client.commit(point, { [INSERT]: text })
      await points.arm(point, 'kill')
      assert.notEqual((await client.try('push', 'origin', 'main')).code, 0)
      await control.again()
      if (isStored) assert.equal(await textOf('table/TodoItem.insert'), text)
      else assert.deepEqual(await state(client), before)
      const said = await client.run('push', 'origin', 'main')
      assert.match(said, isStored ? /Everything up-to-date/ : /Deployment \d+/)
      assert.equal(await textOf('table/TodoItem.insert'), text)
    }
  })

  test('a repository is made again from the rows, and the CLI compares what runs with any repository', async (context) => {
    const before = await clone()
    await removeTree(join(control.home, 'source', 'kept'))
    const after = await clone()
    assert.equal(await after.run('rev-parse', 'HEAD'), await before.run('rev-parse', 'HEAD'))
    // Its home was never heard, so nothing can be said of what runs; git was asked before that.
    const wrong = await cli(context, ['mobile', 'verify', SERVICE, '--against', urlOf('ada', 'wrong password')])
    assert.match(wrong.stderr, /git cannot clone http:\/\/127/)
    assert.ok(!wrong.stderr.includes('wrong'))
  })

  test('a shallow clone pushes what goes on from here, and nothing whose past is nowhere', async () => {
    const elsewhere = await GitClient.make()
    clients.push(elsewhere)
    for (const word of ['one', 'two', 'three']) await elsewhere.commit(word, { 'notes.txt': word })
    const shallow = await GitClient.make({ branch: 'shallow' })
    clients.push(shallow)
    await shallow.run('remote', 'add', 'origin', urlOf())
    await shallow.run('fetch', '--quiet', '--depth', '2', `file://${elsewhere.folder}`, 'master')
    await shallow.run('reset', '--quiet', '--hard', 'FETCH_HEAD')
    await shallow.commit('four', { 'notes.txt': 'four' })
    const packs = async () => (await control.sql('select id from source_packs')).length
    const before = [await packs(), await rows()]
    await refused(
      shallow,
      /neither here nor in the push; where the clone is shallow: git fetch --unshallow/,
      'origin',
      'shallow',
    )
    assert.deepEqual([await packs(), await rows()], before)
    const own = await GitClient.make({ branch: 'from-shallow' })
    clients.push(own)
    await own.run('remote', 'add', 'origin', urlOf())
    await own.run('fetch', '--quiet', '--depth', '1', 'origin', 'main')
    await own.run('reset', '--quiet', '--hard', 'FETCH_HEAD')
    await own.commit('goes on', { 'notes.txt': 'goes on' })
    await own.run('push', 'origin', 'from-shallow')
    await clone()
  })

  test('branches that lie in each other, and names that git takes from nobody, are refused and not stored', async () => {
    const client = await clone()
    const head = (await client.run('rev-parse', 'HEAD')).trim()
    await client.run('push', 'origin', 'HEAD:refs/heads/topic')
    const before = await rows()
    await refused(client, /topic\/x lies in topic/, 'origin', 'HEAD:refs/heads/topic/x')
    for (const name of ['../../x', 'a..b', 'a.lock', '-a', 'a\u0007b']) {
      assert.match(await pushRaw([`${NONE} ${head} refs/heads/${name}`]), /cannot be the name of a branch or tag/)
    }
    assert.deepEqual(await rows(), before)
    await client.run('push', 'origin', ':topic')
    await client.run('push', 'origin', 'HEAD:refs/heads/topic/x')
    await client.run('push', 'origin', ':topic/x')
  })

  test('a push that moves more than there can be is refused, whatever its lines are like', async () => {
    const gone = (name: string) => `${'1'.repeat(40)} ${NONE} refs/heads/${name}`
    const many = Array.from({ length: 2_001 }, (_, at) => gone(`b${at}`))
    assert.match(await pushRaw(many), /moves more than 2000 branches and tags/)
    const long = Array.from({ length: 40 }, (_, at) => gone(`${'x'.repeat(60_000)}${at}`))
    assert.match(await pushRaw(long), /moves more than 2000 branches and tags/)
    assert.equal((await api('GET', '/status')).status, 200)
  })

  test('a repository that is full takes no push, and holds up no change and no rollback', async (context) => {
    const client = await clone()
    await control.sql('update source_packs set bytes = bytes + 1073741824 where service_id = $1', [SERVICE])
    await client.commit('no room', { [INSERT]: GOOD('no room') })
    await refused(client, /1073741824 are the most/, 'origin', 'main')
    const put = `/services/${SERVICE}/scripts/${encodeURIComponent('shared/mail')}`
    assert.equal((await api('PUT', put, { text: 'exports.send = 1\n' })).status, 200)
    const back = await cli(context, ['mobile', 'deployment', 'rollback', SERVICE, '--quiet'])
    assert.equal(back.code, 0, back.stderr)
    await control.sql('update source_packs set bytes = bytes % 1073741824 where service_id = $1', [SERVICE])
  })

  test('many refused pushes hide no deployment to go back to; the oldest go, and what was said of old ones', async (context) => {
    const was = await deployments()
    assert.ok(was.length < 50)
    await control.sql(
      `insert into source_deployments
         (service_id, number, kind, is_deployed, branch, hash, principal, author, message, changes, log)
       select $1, last + g, 'push', false, 'main', repeat('1', 40), 'ada', 'Ada', 'bad', '[]', 'why'
       from generate_series(1, 220) as g,
         (select max(number) as last from source_deployments where service_id = $1) as newest`,
      [SERVICE],
    )
    const back = await cli(context, ['mobile', 'deployment', 'rollback', SERVICE, '--quiet'])
    assert.equal(back.code, 0, back.stderr)
    const client = await clone()
    await client.commit('bad', { [INSERT]: 'function insert(' })
    await refused(client, /runs on as before/, 'origin', 'main')
    const [kept] = await control.sql(
      `select count(*) filter (where not is_deployed)::int as refused, count(*) filter (where log <> '')::int as told,
         count(*) filter (where is_deployed)::int as deployed
       from source_deployments where service_id = $1`,
      [SERVICE],
    )
    assert.deepEqual([kept?.refused, kept?.told], [200, 49])
    assert.equal(kept?.deployed, was.filter(({ state: how }) => how === 'deployed').length + 1)
  })

  test('a git that is slow holds up no change; one that is ended takes nothing away; what is damaged is made again', async () => {
    const client = await clone()
    const kept = join(control.home, 'source', 'kept', SERVICE)
    const push = async (word: string) => {
      await client.run('pull', '--quiet')
      await client.commit(word, { [INSERT]: GOOD(word) })
      await client.run('push', 'origin', 'main')
    }
    // What was just pushed is not in the folder that is kept: whoever needs it next lets git read it.
    await push('before a slow one')
    await hindered.set('slow')
    const put = `/services/${SERVICE}/scripts/${encodeURIComponent('shared/mail')}`
    const { status, body } = await api('PUT', put, { text: 'exports.send = 2\n' })
    assert.equal(status, 200, JSON.stringify(body))
    await hindered.set('usual')
    await push('before one that is ended')
    const before = (await readdir(join(kept, 'objects', 'pack'))).sort()
    await hindered.set('ended')
    assert.notEqual((await client.try('ls-remote', 'origin')).code, 0)
    assert.deepEqual(
      (await readdir(join(kept, 'objects', 'pack'))).filter((name) => before.includes(name)).sort(),
      before,
    )
    await hindered.set('usual')
    await rm(join(kept, 'HEAD'))
    await (await clone()).run('fsck')
    await push('before a note that nobody can read')
    await writeFile(join(kept, 'packs.json'), '[')
    await (await clone()).run('fsck')
  })

  test('a push of 50 MB is taken and comes back by a clone; a script that is too long is not', async () => {
    await api('PUT', `/services/${LARGE}/previews/SourceControl`)
    const client = await GitClient.make()
    clients.push(client)
    const url = urlOf().replace(SERVICE, LARGE)
    await client.run('remote', 'add', 'origin', url)
    const large = randomBytes(50 * 1_048_576)
    await client.commit('too long', { 'service/shared/huge.js': `// ${'x'.repeat(1_100_000)}` })
    const { code, said } = await client.try('push', 'origin', 'master')
    assert.notEqual(code, 0)
    assert.match(said, /huge\.js: .*1048576 are the most/)
    await client.commit('a large asset', { 'service/shared/huge.js': 'exports.a = 1\n', 'assets/large.bin': large })
    await client.run('push', 'origin', 'master')
    const other = await GitClient.make({ url })
    clients.push(other)
    assert.ok((await readFile(join(other.folder, 'assets/large.bin'))).equals(large))
  })

  test('the repository of a service that was deleted with its data goes, and no piece of another', async () => {
    const pieces = async () => Number((await control.sql('select count(*)::int as count from source_chunks'))[0]?.count)
    const before = await pieces()
    await control.sql(`update services set state = 'deleted', ended_at = now(), is_data_dropped = true where id = $1`, [
      LARGE,
    ])
    const isGone = async () => {
      const counted = ['repositories', 'refs', 'packs', 'deployments'].map(
        (table) => `(select count(*)::int from source_${table} where service_id = $1) as ${table}`,
      )
      const [left] = await control.sql(`select ${counted.join(', ')}`, [LARGE])
      return Object.values(left ?? {}).every((count) => count === 0) ? true : undefined
    }
    await waitFor('its rows to go', isGone, { withinMs: 30_000, everyMs: 200 })
    assert.ok((await pieces()) <= before - 50)
    await removeTree(join(control.home, 'source', 'kept', SERVICE))
    await (await clone()).run('fsck')
  })
})
