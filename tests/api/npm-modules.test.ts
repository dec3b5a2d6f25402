// npm modules of scripts: installed from a registry in a jail, and required by scripts of every kind behind their
// border.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { DEFAULT_API_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { egressPolicy } from '../../src/kit/egress-agent.ts'
import { NPM_INSTALLS_MAX } from '../../src/kit/limits.ts'
import { openLog } from '../../src/kit/log.ts'
import { unpackModules } from '../../src/kit/module-files.ts'
import { NpmInstaller } from '../../src/sandbox/npm-installer.ts'
import { Registry } from '../../src/sandbox/registry.ts'
import { NpmRegistry, type TestPackage } from '../support/npm-registry.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { TestRuntime } from '../support/runtime-process.ts'
import { APP, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

// What it tries to get out by, and what came of each.
const HOSTILE = `
const tries = {
  write: () => require('fs').writeFileSync(__dirname + '/evil', ''),
  above: () => require('fs').readdirSync('/').filter((name) => !/^(code|lib|lib64|node|service|usr|opt)$/.test(name)),
  passwd: () => require('fs').readFileSync('/etc/passwd', 'utf8'),
  fork: () => String(require('child_process').spawnSync('/node', ['-v']).stdout),
  worker: () => new (require('worker_threads').Worker)('1', { eval: true }) && 'runs',
  addon: () => process.dlopen({ exports: {} }, __dirname + '/addon.node'),
  kill: () => process.kill(1, 0),
  interfaces: () => Object.keys(require('os').networkInterfaces()),
}
exports.sync = () => Object.fromEntries(Object.entries(tries).map(([name, attempt]) => {
  try { return [name, attempt() ?? 'done'] } catch (error) { return [name, 'refused: ' + (error.code || error.message)] }
}))
exports.connect = (port) => new Promise((resolve) => {
  const socket = require('net').connect(port, '127.0.0.1', () => resolve('connected'))
  socket.on('error', (error) => resolve('refused: ' + error.code))
})
`

const PACKAGES: [name: string, version: string, TestPackage][] = [
  ['left', '1.0.0', { files: { 'index.js': "exports.pad = (text) => 'old' + text" } }],
  [
    'left',
    '1.1.0',
    {
      fields: { dependencies: { '@deep/in': '^2.0.0' }, bin: { left: 'cli.js' } },
      files: {
        'index.js': "exports.pad = (text) => require('@deep/in').sign + text",
        'cli.js': '',
        'lib/more.js': "exports.more = 'more'",
      },
    },
  ],
  ['@deep/in', '2.3.4', { files: { 'index.js': "exports.sign = '>'" } }],
  [
    'modern',
    '1.0.0',
    {
      fields: { type: 'module', exports: './main.js' },
      files: {
        'main.js':
          "import { sign } from './sign.js'; export const signed = (text) => sign + text; export default signed",
        'sign.js': "export const sign = '#'",
      },
    },
  ],
  [
    'asks',
    '1.0.0',
    {
      files: {
        'index.js': `const http = require('http')
exports.get = (url) => new Promise((resolve) => {
  http.get(url, (answer) => resolve(answer.statusCode)).on('error', (error) => resolve(error.message))
})
exports.fetch = (url) => fetch(url).then((answer) => answer.status, (error) => error.cause.message)
exports.say = () => console.log('said by a module')`,
      },
    },
  ],
  [
    'installs',
    '1.0.0',
    {
      fields: { scripts: { postinstall: 'node evil.js', install: 'node-gyp rebuild' } },
      files: { 'evil.js': "require('fs').writeFileSync('evil', '')", 'index.js': "exports.is = 'silent'" },
    },
  ],
  ['hostile', '1.0.0', { files: { 'index.js': HOSTILE, 'addon.node': Buffer.from('\x7fELF') } }],
  ['leans', '1.0.0', { fields: { dependencies: { abbrev: 'file:/npm/node_modules/abbrev' } }, files: {} }],
  ['picky', '1.0.0', { fields: { peerDependencies: { left: '1.0.0' } }, files: { 'index.js': '' } }],
  // Does not get smaller when it is packed.
  ['large', '1.0.0', { files: Object.fromEntries(['a', 'b', 'c'].map((name) => [name, randomBytes(15_000_000)])) }],
]

const ALL = ['left', 'modern', 'asks', 'installs', 'hostile']

describe('npm modules of scripts', () => {
  let registry: NpmRegistry
  let installer: NpmInstaller
  let postgres: TestCluster
  let runtime: TestRuntime

  before(async () => {
    registry = await NpmRegistry.start()
    for (const [name, version, wanted] of PACKAGES) await registry.publish(name, version, wanted)
    postgres = await startTestCluster()
    installer = new NpmInstaller({
      ...{ folder: join(postgres.folder, 'npm'), log: openLog('test', 'silent') },
      ...{ registry: new URL(registry.url), token: 'the-token', policy: egressPolicy([]) },
    })
    runtime = await TestRuntime.start(postgres.folder, 'modules')
    runtime.setLeases()
  })
  after(async () => {
    installer?.close()
    await runtime?.stop()
    await postgres?.stop()
    await registry?.stop()
  })

  const install = async (dependencies: Record<string, string>, lockText: string | null = null) =>
    await installer.install({ packageText: JSON.stringify({ dependencies }), lockText })
  const folderOf = (hash: string) => join(postgres.folder, 'modules', hash, 'node_modules')
  const put = async (dependencies: Record<string, string>) => {
    const { packed, hash } = await install(dependencies)
    await unpackModules(packed, hash, folderOf(hash)).catch((error) => {
      // Another test has put the same there.
      if (error.code !== 'EEXIST') throw error
    })
    return { npmModules: hash, modulesFolder: folderOf(hash) }
  }

  test('are installed with what they need, the same each time, and the registry is shown its token', async () => {
    const first = await install({ left: '^1.0.0', modern: '1' })
    assert.deepEqual(first.packages, [
      { name: '@deep/in', version: '2.3.4' },
      { name: 'left', version: '1.1.0' },
      { name: 'modern', version: '1.0.0' },
    ])
    assert.deepEqual([...registry.tokens], ['Bearer the-token'])
    const again = await install({ modern: '1', left: '^1.0.0' })
    assert.equal(again.hash, first.hash)
    assert.ok(again.packed.equals(first.packed))
  })

  test('are those that a lock file names', async () => {
    const { lockText } = await install({ left: '1.0.0' })
    const locked = await install({ left: '^1.0.0' }, lockText.replace('"left": "1.0.0"', '"left": "^1.0.0"'))
    assert.deepEqual(locked.packages, [{ name: 'left', version: '1.0.0' }])
    await assert.rejects(
      install(
        { left: '^1.0.0' },
        lockText.replace(/"integrity": "sha512-.{20}/, '"integrity": "sha512-AAAAAAAAAAAAAAAAAAAA'),
      ),
      { code: 'npm.failed', status: 400 },
    )
  })

  const refused: [is: string, dependencies: Record<string, string>, code: string, status: number, message: RegExp][] = [
    [
      'a package that there is none of',
      { 'no-such-package': '1' },
      'npm.failed',
      400,
      /404 Not Found.*no-such-package/,
    ],
    [
      'a version that there is none of',
      { left: '^7.0.0' },
      'npm.failed',
      400,
      /No matching version found for left@\^7/,
    ],
    ['packages that do not go together', { left: '1.1.0', picky: '1' }, 'npm.failed', 400, /resolve/i],
    [
      'a private address',
      { left: 'http://127.0.0.1:9/left.tgz' },
      'npm.failed',
      400,
      /may not be reached from here: loopback/,
    ],
    ['a file of this machine', { left: 'file:///etc/passwd' }, 'npm.failed', 400, /npm could not install that/],
    [
      'a repository',
      { left: 'git+https://git.example.test/left.git' },
      'npm.failed',
      400,
      /npm could not install that/,
    ],
    ['more bytes than are stored', { large: '1' }, 'npm.too_large', 413, /bytes/],
  ]
  for (const [is, dependencies, code, status, message] of refused) {
    test(`${is} is refused, with what npm says of it`, async () => {
      await assert.rejects(install(dependencies), (error: Error & { code: string; status: number }) => {
        assert.deepEqual([error.code, error.status], [code, status], error.message)
        assert.match(error.message, message)
        return true
      })
    })
  }

  const HERE = 'file:/npm/node_modules/abbrev'
  const named: [where: string, fields: Record<string, unknown>, lock: Record<string, unknown> | null][] = [
    ['its lock file', { dependencies: { left: '1.0.0' } }, { version: '1.0.0', resolved: HERE }],
    ['its overrides', { dependencies: { left: '1.1.0' }, overrides: { '@deep/in': HERE } }, null],
    ['another package', { dependencies: { leans: '1' } }, null],
  ]
  for (const [where, fields, lock] of named) {
    test(`a folder of this machine is refused also where ${where} names it`, async () => {
      const packages = { '': fields, 'node_modules/left': lock }
      const lockText = lock && JSON.stringify({ name: 'app', lockfileVersion: 3, requires: true, packages })
      await assert.rejects(installer.install({ packageText: JSON.stringify(fields), lockText }), {
        ...{ code: 'npm.failed', status: 400 },
        message: /packages of type "directory" have been disabled/,
      })
    })
  }

  test('a registry that was away for a moment is not what keeps a version from being found', async () => {
    registry.drops = 1
    await assert.rejects(install({ left: '^7.0.0' }), { code: 'npm.failed', message: /No matching version found/ })
    assert.equal(registry.drops, 0)
  })

  test('the token, and the way to a private address, are for what lies below the URL of the registry', async () => {
    const base = { token: 'of-a-part', policy: egressPolicy([]) }
    const own = new Registry({ registry: new URL(`${registry.url}npm`), ...base })
    const { signal } = new AbortController()
    try {
      assert.equal((await own.read(`${registry.url}npm/left`, {}, signal)).status, 404)
      assert.ok(registry.tokens.has('Bearer of-a-part'))
      for (const path of ['left', 'npm-of-others/left', 'npm/../left']) {
        await assert.rejects(own.read(`${registry.url}${path}`, {}, signal), { code: 'egress.refused' }, path)
      }
    } finally {
      own.close()
    }
  })

  test('what was left of before and cannot be removed is no end of installing', async () => {
    const blocked = join(postgres.folder, 'blocked')
    await writeFile(blocked, '')
    const blockedInstaller = new NpmInstaller({
      ...{ folder: join(blocked, 'npm'), log: openLog('test', 'silent') },
      ...{ registry: new URL(registry.url), token: null, policy: egressPolicy([]) },
    })
    const texts = { packageText: '{ "dependencies": { "left": "1.0.0" } }', lockText: null }
    try {
      for (let at = 0; at < NPM_INSTALLS_MAX; at += 1) await assert.rejects(blockedInstaller.install(texts))
      await unlink(blocked)
      assert.equal((await blockedInstaller.install(texts)).packages.length, 1)
    } finally {
      blockedInstaller.close()
    }
  })

  test('a registry that fails or is away is said to be, and is no fault of the package.json', async () => {
    registry.status = 503
    try {
      await assert.rejects(install({ left: '1' }), { code: 'npm.unreachable', status: 503 })
    } finally {
      registry.status = null
    }
  })

  test('what a package wants to run while it is installed does not run', async () => {
    const { packages, hash, packed } = await install({ installs: '1' })
    assert.deepEqual(packages, [{ name: 'installs', version: '1.0.0', hasInstallScript: true }])
    await unpackModules(packed, hash, folderOf(hash))
    assert.deepEqual((await readdir(join(folderOf(hash), 'installs'))).sort(), ['evil.js', 'index.js', 'package.json'])
  })

  const serviceWith = async (name: string, texts: Record<string, string>, options: Partial<RuntimeService> = {}) => {
    const apis = Object.keys(texts).flatMap((key) =>
      key.startsWith('api/') ? [{ name: key.slice(4), permissions: { ...DEFAULT_API_PERMISSIONS } }] : [],
    )
    return await addScripted(postgres, name, texts, { apis, ...options })
  }
  const get = async (service: RuntimeService, path: string) =>
    await runtime.call({ path, headers: routed(service, APP) })
  const insert = async (service: RuntimeService) =>
    await runtime.call({ method: 'POST', path: '/tables/TodoItem', headers: routed(service, APP), body: { id: 'a' } })

  test('table scripts, custom APIs and shared modules require them, by require and by import', async () => {
    const modules = await put(Object.fromEntries(ALL.map((name) => [name, '*'])))
    const service = await serviceWith(
      'modules-all',
      {
        'TodoItem.insert': `function insert(item, user, request) {
          request.respond(200, [require('left').pad('x'), require('left/lib/more').more, require('modern').signed('y')]);
        }`,
        'TodoItem.read': `import { pad } from 'left'
          import signed from 'modern'
          export async function read({ request }) { request.respond(200, [pad('x'), signed('y')]) }`,
        'shared/padding': "var left = require('left'); exports.pad = left.pad;",
        'api/pads': "var shared = require('../shared/padding'); exports.get = (q, s) => s.send(200, shared.pad('z'));",
        'api/same': "import { pad } from 'left'\nexport const get = (q, s) => s.json(pad === require('left').pad);",
        'api/asks': `exports.get = async function (q, s) {
          var asks = require('asks'); asks.say();
          s.json([await asks.get('http://127.0.0.1:9/'), await asks.fetch('http://127.0.0.1:9/')]);
        }`,
        'api/lacks': "exports.get = (q, s) => require('nothing-of-that-name');",
        'api/node': `exports.get = (q, s) => s.json(['fs', 'net', 'vm', 'module', 'node:fs', 'path'].filter((name) => {
          try { return require(name); } catch { return false; }
        }));`,
      },
      modules,
    )
    await runtime.assign([service])
    const inserted = await insert(service)
    assert.deepEqual([inserted.status, inserted.body], [200, '[">x","more","#y"]'], runtime.log)
    assert.equal((await get(service, '/tables/TodoItem')).body, '[">x","#y"]')
    assert.equal((await get(service, '/api/pads')).body, '>z')
    assert.equal((await get(service, '/api/same')).body, 'true')
    assert.equal((await get(service, '/api/node')).body, '["path"]')
    // What modules ask the world for is asked as a script's own request is.
    const asked = await get(service, '/api/asks')
    const why = '127.0.0.1 may not be reached from here: loopback'
    assert.deepEqual(JSON.parse(asked.body), [why, why], runtime.log)
    await runtime.untilLogged('said by a module')
    assert.equal((await get(service, '/api/lacks')).status, 500)
    await runtime.untilLogged(
      /Cannot find module 'nothing-of-that-name'.*npm modules that the service's package\.json names/,
    )
  })

  test('one that wants out gets no further than a script does', async () => {
    const service = await serviceWith(
      'modules-hostile',
      {
        'api/out': `exports.get = async function (q, s) {
          var hostile = require('hostile');
          s.json(Object.assign(hostile.sync(), { connect: await hostile.connect(${new URL(registry.url).port}) }));
        }`,
      },
      await put({ hostile: '1' }),
    )
    await runtime.assign([service])
    const answer = await get(service, '/api/out')
    assert.equal(answer.status, 200, `${answer.body} ${runtime.log}`)
    const { kill, interfaces, above, ...found } = JSON.parse(answer.body) as Record<string, string>
    for (const [what, outcome] of Object.entries(found)) assert.match(outcome, /^refused: /, what)
    assert.deepEqual([above, interfaces], [[], []])
    assert.ok(kill)
    assert.ok(!(await readdir(join(service.modulesFolder ?? '', 'hostile'))).includes('evil'))
  })

  test('they are those of one service: another that lives beside it sees its own, or none', async () => {
    const text = { 'TodoItem.insert': "function insert(i, u, r) { r.respond(200, require('left').pad('x')); }" }
    const older = await serviceWith('modules-older', text, await put({ left: '1.0.0' }))
    const newer = await serviceWith('modules-newer', text, await put({ left: '1.1.0' }))
    const none = await serviceWith('modules-none', text)
    await runtime.assign([older, newer, none])
    assert.equal((await insert(older)).body, '"oldx"')
    assert.equal((await insert(newer)).body, '">x"')
    assert.equal((await insert(none)).status, 500)
    // Other modules take the place of those before, for the next request.
    const changed = { ...older, ...(await put({ left: '1.1.0' })) }
    await runtime.assign([changed, newer, none])
    assert.equal((await insert(changed)).body, '">x"')
  })

  test('until they are here its scripts answer 503, and its tables without scripts work', async () => {
    const hash = createHash('sha256').update('late').digest('hex')
    const text = { 'TodoItem.insert': "function insert(i, u, r) { r.respond(200, require('late')); }" }
    const service = await serviceWith('modules-late', text, { npmModules: hash, modulesFolder: folderOf(hash) })
    await runtime.assign([service])
    const early = await insert(service)
    assert.equal(early.status, 503)
    assert.match(early.body, /npm modules of this service have not arrived here yet/)
    assert.ok(early.headers['retry-after'])
    assert.equal((await get(service, '/tables/TodoItem')).status, 200)
    await mkdir(join(folderOf(hash), 'late'), { recursive: true })
    await writeFile(join(folderOf(hash), 'late', 'index.js'), "module.exports = 'here'")
    assert.equal((await insert(service)).body, '"here"')
  })
})
