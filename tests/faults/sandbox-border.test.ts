// The border around scripts, attacked for real: the kernel's part by itself, then all of it through a runtime.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { isAlive, treeOf } from '../../src/kit/processes.ts'
import { commandOf, sandboxUser } from '../../src/sandbox/border.ts'
import { type Jail, makeJail } from '../../src/sandbox/jail.ts'
import { attack, type Findings, type Targets } from '../support/attack.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { TestRuntime } from '../support/runtime-process.ts'
import { APP, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const reason = whyNoNamespaces()
const skip = reason === null ? {} : { skip: reason }
const noRoot = process.getuid?.() === 0 ? {} : { skip: 'only root can give up what namespaces need, and keep the rest' }

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService
let victim: ChildProcess
let targets: Targets
let jail: Jail
let reached = 0
const servers: Server[] = []
const heard = createSocket('udp4')

before(async () => {
  postgres = await startTestCluster()
  const token = join(postgres.folder, 'operator.token')
  await writeFile(token, 'secret', { mode: 0o644 })
  victim = spawn('sleep', ['600'], { stdio: 'ignore', env: { SECRET: 'yes' } })
  const port = await listen({ port: 0, host: '127.0.0.1' })
  const neighbour = join(postgres.folder, 'neighbour.sock')
  await listen({ path: neighbour })
  heard.on('message', () => {
    reached += 1
  })
  heard.bind(port, '127.0.0.1')
  await once(heard, 'listening')
  runtime = await TestRuntime.start(postgres.folder, 'border')
  targets = {
    pids: [1, process.pid, process.ppid, victim.pid ?? 0, runtime.pid],
    files: ['/etc/shadow', '/etc/passwd', '/etc/hostname', token, process.argv[1] ?? ''],
    folders: ['/root', '/home', '/tmp', '/var', '/run', '/run/mainstay', '/etc', '/usr', postgres.folder],
    sockets: [
      neighbour,
      runtime.socket,
      join(postgres.cluster.socketFolder, '.s.PGSQL.5432'),
      '/run/dbus/system_bus_socket',
    ],
    ports: [port],
  }
  const attackText = `function insert(item, user, request) {
    var main = console.log.constructor('return 1') && process;
    (${attack.toString()})(${JSON.stringify(targets)}, function (findings) { request.respond(200, findings); });
  }`
  service = await addScripted(postgres, 'hostile', { 'TodoItem.insert': attackText, 'Other.insert': 'var secret = 1;' })
  targets.files.push(...service.scripts.map(({ hash }) => join(service.scriptFolder, hash)))
  runtime.setLeases()
  await runtime.assign([service])
  jail = await makeJail(join(postgres.folder, 'jail'))
})

after(async () => {
  victim?.kill('SIGKILL')
  heard.close()
  for (const server of servers) server.close()
  await runtime?.stop()
  await postgres?.stop()
})

test('the border is full here', skip, async () => {
  await waitFor('the runtime to tell', () => runtime.sandbox, { withinMs: 20_000 })
  assert.equal(runtime.sandbox, 'full', runtime.log)
})

test(
  "the kernel's border holds without Node's permissions: nothing outside is read, changed, reached or ended",
  skip,
  async () => {
    const code = `(${attack.toString()})(${JSON.stringify(targets)}, (findings) => console.log(JSON.stringify(findings)))`
    const { stdout, stderr } = runInside(code)
    assert.notEqual(stdout, '', stderr)
    nothingGotOut(JSON.parse(stdout) as Findings)
    // Everybody at once, as far as it can see them.
    runInside("process.kill(-1, 'SIGKILL'); process.kill(1, 'SIGKILL')")
    everybodyLives()
  },
)

test('inside there is nothing but Node, its libraries and the code of the sandbox, all read-only', skip, () => {
  const { stdout } = runInside(`
    const { readdirSync } = require('fs')
    console.log(JSON.stringify(readdirSync('/', { recursive: true }).filter((name) => !/^(lib|lib64|usr)\\b/.test(name))))`)
  const names = JSON.parse(stdout) as string[]
  const code = readdirSync(join(jail.root, 'code'), { recursive: true, encoding: 'utf8' })
  assert.deepEqual(names.sort(), ['code', ...code.map((name) => `code/${name}`), 'node'].sort())
  const inLibraries = code.filter((name) => name.startsWith('node_modules/')).map((name) => name.split('/')[1])
  assert.deepEqual([...new Set(inLibraries)].sort(), [
    'acorn',
    'async',
    'sax',
    'sprintf-js',
    'underscore',
    'underscore.string',
    'util-deprecate',
    'xml2js',
    'xmlbuilder',
  ])
})

test('it has no environment, no capabilities, no network, and a user of its own where we are root', skip, () => {
  const { stdout } = runInside(`
    const { uid, gid } = require('os').userInfo
      ? { uid: process.getuid(), gid: process.getgid() } : {}
    const names = Object.keys(process.env)
    console.log(JSON.stringify({ uid, gid, groups: process.getgroups(), names, net: require('os').networkInterfaces() }))`)
  const seen = JSON.parse(stdout) as { uid: number; gid: number; groups: number[]; names: string[]; net: object }
  const isRoot = process.getuid?.() === 0
  assert.equal(seen.uid, isRoot ? sandboxUser(7) : 65_532)
  assert.equal(seen.gid, seen.uid)
  assert.ok(
    seen.groups.every((group) => group !== 0 && group !== process.getgid?.()),
    JSON.stringify(seen.groups),
  )
  assert.deepEqual(seen.net, {})
  assert.deepEqual(
    seen.names.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name)),
    [],
  )
})

test('the kernel bounds its memory, its files and its threads', skip, () => {
  const memory = runInside('const all = []; for (;;) all.push(Buffer.alloc(1048576, 1))')
  assert.notEqual(memory.status, 0)
  const files = runInside(`
    const { openSync } = require('fs')
    let n = 0
    try { for (;;) { openSync('/node'); n++ } } catch (error) { console.log(error.code, n < 64) }`)
  assert.equal(files.stdout, 'EMFILE true\n')
  const threads = runInside(`
    const { Worker } = require('worker_threads')
    let n = 0
    process.on('uncaughtException', (error) => { console.log(error.code, n < 64); process.exit() })
    for (let i = 0; i < 100; i++) new Worker('setInterval(() => {}, 1000)', { eval: true }).on('online', () => { n++ })`)
  assert.doesNotMatch(threads.stdout, /false/)
  assert.notEqual(threads.status, null)
})

test('a script attacks from inside a runtime: nothing gets out, and Node adds its own refusals', skip, async () => {
  const answer = await runtime.call({
    method: 'POST',
    path: '/tables/TodoItem',
    body: {},
    headers: routed(service, APP),
  })
  assert.equal(answer.status, 200, runtime.log)
  const findings = JSON.parse(answer.body) as Findings
  nothingGotOut(findings)
  assert.ok(findings.some(([what, code]) => what.startsWith('run ') && code === 'ERR_ACCESS_DENIED'))
  assert.ok(findings.some(([what, code]) => what.startsWith('start a thread') && code === 'ERR_ACCESS_DENIED'))
  everybodyLives()
})

test(
  'where the kernel allows no namespaces, scripts still run, under what is left, and it is told',
  noRoot,
  async () => {
    // Root without the one capability that namespaces need, as in a container.
    const before = ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin']
    const poor = await TestRuntime.start(postgres.folder, 'reduced', [], before)
    try {
      const text = `function insert(item, user, request) {
      var fs = process.getBuiltinModule('fs'), tried = [];
      [function () { fs.readFileSync('/etc/passwd'); }, function () { fs.writeFileSync('/tmp/x', 'x'); },
       function () { process.getBuiltinModule('child_process').spawnSync('/bin/true'); },
       function () { process.kill(${poor.pid}, 'SIGKILL'); }].forEach(function (one) {
        try { one(); tried.push('GOT IT'); } catch (error) { tried.push(error.code); }
      });
      request.respond(200, [process.getuid()].concat(tried));
    }`
      const poorly = await addScripted(postgres, 'poorly', { 'TodoItem.insert': text })
      poor.setLeases()
      await poor.assign([poorly])
      const answer = await poor.call({
        method: 'POST',
        path: '/tables/TodoItem',
        body: {},
        headers: routed(poorly, APP),
      })
      assert.equal(answer.status, 200, poor.log)
      const [user, ...tried] = JSON.parse(answer.body) as [number, ...string[]]
      assert.ok(user >= sandboxUser(0))
      assert.deepEqual(tried, ['ERR_ACCESS_DENIED', 'ERR_ACCESS_DENIED', 'ERR_ACCESS_DENIED', 'EPERM'])
      assert.equal(poor.sandbox, 'reduced')
      await poor.untilLogged(/scripts run with a reduced border/)
    } finally {
      await poor.stop()
    }
  },
)

function nothingGotOut(findings: Findings): void {
  assert.ok(findings.length > 80, `${findings.length} attempts`)
  // Process 1 of its own is the only one it sees: it may try, and the kernel does not let it be ended from inside.
  const got = findings.filter(([what, code]) => code === 'GOT IT' && what !== 'kill 1')
  assert.deepEqual(got, [])
  assert.equal(reached, 0)
  assert.equal(existsSync(join(postgres.folder, 'x')), false)
}

function everybodyLives(): void {
  for (const pid of [victim.pid ?? 0, runtime.pid, process.ppid]) assert.ok(isAlive(pid), `${pid} was ended`)
  assert.ok(treeOf(process.pid).length > 2)
}

/** Runs code inside the kernel's border, as a service with the number 7. */
function runInside(code: string) {
  const command = commandOf('full', jail, { user: sandboxUser(7), bareEntry: ['-e', code] })
  assert.ok(command)
  const options = { cwd: '/', env: {}, encoding: 'utf8' as const, timeout: 60_000, killSignal: 'SIGKILL' as const }
  return spawnSync(command.file, command.args, options)
}

async function listen(at: { port: number; host: string } | { path: string }): Promise<number> {
  const server = createServer((socket) => {
    reached += 1
    socket.destroy()
  })
  servers.push(server)
  server.listen(at)
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** Null when this kernel lets us make the namespaces; the only reason to skip. */
function whyNoNamespaces(): string | null {
  const own = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
  const words = [...own, '--mount', '--pid', '--net', '--ipc', '--uts', '--fork', 'true']
  const { status, stderr, error } = spawnSync('unshare', words, { encoding: 'utf8' })
  return status === 0 ? null : `this kernel allows no namespaces: ${error?.message ?? stderr.trim()}`
}
