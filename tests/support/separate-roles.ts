// A cloud of roles that a test starts by hand, as on machines of their own: with join tokens, own homes and ports.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OperationView, ServerView, ServiceView, StatusView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { removeTree, writeFileDurably } from '../../src/kit/files.ts'
import { postgresFolderOf, socketFolderOf } from '../../src/kit/home-folder.ts'
import { randomKey } from '../../src/kit/identifiers.ts'
import { LAUNCHER } from '../../src/kit/launcher.ts'
import { findProcesses, processesIn, signalProcess } from '../../src/kit/processes.ts'
import { freePort } from './cloud.ts'
import { type CliResult, runInside } from './command-line.ts'

const READY_MS_MAX = 60_000

/** Where one control listens. */
export type ControlPorts = { name: string; port: number; machinePort: number }

type Started = { child: ChildProcess; home: string; output: () => string }

export class SeparateRoles {
  readonly folder: string
  readonly token = randomKey(40)
  readonly gatewayPort: number
  readonly #roles = new Map<string, Started>()
  readonly #homes = new Set<string>()
  readonly #env: Record<string, string>
  controls: ControlPorts[] = []

  private constructor(folder: string, gatewayPort: number, env: Record<string, string>) {
    this.folder = folder
    this.gatewayPort = gatewayPort
    this.#env = env
  }

  static async prepare(env: Record<string, string> = {}): Promise<SeparateRoles> {
    const folder = await mkdtemp(join(tmpdir(), 'mainstay-roles-'))
    await chmod(folder, 0o755)
    const roles = new SeparateRoles(folder, await freePort(), env)
    await writeFileDurably(join(folder, 'operator.token'), `${roles.token}\n`)
    return roles
  }

  homeOf(name: string): string {
    return join(this.folder, name)
  }

  get gatewayUrl(): string {
    return `http://127.0.0.1:${this.gatewayPort}`
  }

  /** Picks the ports of a control that may be started later. */
  async addControl(name: string): Promise<ControlPorts> {
    const ports = { name, port: await freePort(), machinePort: await freePort() }
    this.controls.push(ports)
    return ports
  }

  async startControl(name: string, args: string[] = [], home = this.homeOf(name)): Promise<void> {
    const ports = this.controls.find((control) => control.name === name)
    assert.ok(ports)
    const listen = ['--port', String(ports.port), '--machine-port', String(ports.machinePort), '--domain', name]
    const files = ['--token-file', join(this.folder, 'operator.token'), '--gateway-url', this.gatewayUrl]
    await this.#start(name, home, ['control', '--home', home, ...listen, ...files, ...args])
  }

  async startGateway(): Promise<void> {
    const home = this.homeOf('gateway')
    const args = ['gateway', '--home', home, '--control', this.#machineUrls(), '--domain', 'edge']
    await this.#start('gateway', home, [...args, '--port', String(this.gatewayPort)], {
      MAINSTAY_JOIN_TOKEN: await this.#joinToken('gateway', 'edge'),
    })
  }

  /** Starts a region's host; joins at first. */
  async startHost(name: string, region: string, args: string[] = []): Promise<void> {
    const home = this.homeOf(name)
    const isNew = !this.#homes.has(home)
    const env = isNew ? { MAINSTAY_JOIN_TOKEN: await this.#joinToken('host', region) } : {}
    const place = ['--home', home, '--region', region, '--control', this.#machineUrls()]
    await this.#start(name, home, ['host', ...place, ...args], env)
  }

  pid(name: string): number {
    const pid = this.#roles.get(name)?.child.pid
    assert.ok(pid, `${name} was not started`)
    return pid
  }

  output(name: string): string {
    return this.#roles.get(name)?.output() ?? ''
  }

  /** Kills a role and all that belongs to it, PostgreSQL included. */
  async kill(name: string): Promise<void> {
    const started = this.#roles.get(name)
    if (started) await killAll(started.home)
  }

  async dispose(): Promise<void> {
    for (const home of this.#homes) await killAll(home)
    for (const home of this.#homes) {
      await removeTree(await postgresFolderOf(home))
      await removeTree(socketFolderOf(home))
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  /** Runs the CLI against all controls, or one of them, in this process. */
  async cli(args: string[], only?: string): Promise<CliResult> {
    const controls = this.controls.filter((control) => only === undefined || control.name === only)
    const url = controls.map(({ port }) => `http://127.0.0.1:${port}`).join(',')
    const remote = { MAINSTAY_CONTROL_URL: url, MAINSTAY_TOKEN: this.token }
    return await runInside(args, { env: { ...process.env, ...remote } })
  }

  async ok(args: string[], only?: string): Promise<string> {
    const result = await this.cli(args, only)
    assert.equal(result.code, 0, `mainstay ${args.join(' ')}\n${result.stdout}${result.stderr}`)
    return result.stdout
  }

  /** Control's own answer, from the first that answers or from one of them. */
  async api<T>(path: string, only?: string): Promise<T> {
    let problem: unknown = null
    for (const { name, port } of this.controls) {
      if (only !== undefined && only !== name) continue
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
          headers: { authorization: `Bearer ${this.token}` },
          signal: AbortSignal.timeout(5_000),
        })
        assert.equal(answer.status, 200, `${path}: ${answer.status} ${await answer.clone().text()}`)
        return (await answer.json()) as T
      } catch (error) {
        problem = error
      }
    }
    throw problem
  }

  status = async (only?: string) => await this.api<StatusView>('/status', only)
  service = async (name: string) => await this.api<ServiceView>(`/services/${name}`)
  server = async (name: string) => await this.api<ServerView>(`/servers/${name}`)
  operation = async (id: string) => await this.api<OperationView>(`/operations/${id}`)

  /** Waits until something of the status is so; controls that do not answer are waited for. */
  async until<T>(what: string, check: () => Promise<T | undefined>, withinMs: number): Promise<T> {
    return await waitFor(what, async () => await check().catch(() => undefined), { withinMs, everyMs: 50 })
  }

  /** The name of the control that executes, as one of them tells. */
  async executing(only?: string): Promise<string | undefined> {
    const { controls } = await this.status(only)
    return controls.find((control) => control.isExecuting)?.domain
  }

  async createPair(): Promise<ServiceView> {
    await this.ok(['mobile', 'create', 'Primary', '--location', 'West US'])
    await this.ok(['mobile', 'create', 'Secondary', '--location', 'East US', '--secondary-for', 'Primary'])
    // On a busy machine the answer may come late; what counts is the table.
    const create = await this.cli(['mobile', 'table', 'create', 'Primary', 'TodoItem'])
    const hasTable = async () => (await this.service('Primary')).tables.includes('TodoItem') || undefined
    await this.until(`the table (${create.stderr})`, hasTable, 30_000)
    await this.untilProtected()
    return await this.service('Primary')
  }

  async untilProtected(): Promise<void> {
    const isReady = async () => (await this.server('sql-west-us')).members.some(({ standing }) => standing === 'ready')
    await this.until('sql-west-us to be protected', async () => (await isReady()) || undefined, 60_000)
  }

  async insertRows(service: ServiceView, ids: string[]): Promise<string[]> {
    const acknowledged: string[] = []
    for (const id of ids) {
      const answer = await this.#app(service, '', { method: 'POST', body: JSON.stringify({ id, text: `row ${id}` }) })
      await answer.arrayBuffer()
      if (answer.status === 201) acknowledged.push(id)
    }
    return acknowledged
  }

  async readIds(service: ServiceView): Promise<string[]> {
    const answer = await this.#app(service, '?$orderby=id&$top=1000')
    assert.equal(answer.status, 200, await answer.clone().text())
    return ((await answer.json()) as { id: string }[]).map(({ id }) => id)
  }

  async #app(service: ServiceView, path: string, init: RequestInit = {}): Promise<Response> {
    return await fetch(`${this.gatewayUrl}/services/${service.name.toLowerCase()}/tables/TodoItem${path}`, {
      signal: AbortSignal.timeout(5_000),
      ...init,
      headers: { 'x-zumo-application': service.applicationKey, 'content-type': 'application/json' },
    })
  }

  async #joinToken(role: 'host' | 'gateway', domain: string): Promise<string> {
    for (const { port } of this.controls) {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/join-tokens`, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ role, domain }),
      }).catch(() => null)
      if (answer?.status === 201) return ((await answer.json()) as { token: string }).token
    }
    throw new Error(`no control gave a join token for a ${role}`)
  }

  #machineUrls(): string {
    return this.controls.map(({ machinePort }) => `https://127.0.0.1:${machinePort}`).join(',')
  }

  async #start(name: string, home: string, args: string[], env: Record<string, string> = {}): Promise<void> {
    await mkdir(home, { recursive: true })
    this.#homes.add(home)
    const child = spawn(process.execPath, [LAUNCHER, ...args], {
      env: { ...process.env, ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => {
        output += chunk
      })
    let isReady = false
    child.on('message', () => {
      isReady = true
    })
    this.#roles.set(name, { child, home, output: () => output })
    await waitFor(
      name,
      () => {
        if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}:\n${output}`)
        return isReady ? true : undefined
      },
      { withinMs: READY_MS_MAX },
    )
  }
}

// Whatever names the folder on its command line, and the workers of its PostgreSQL, which do not.
async function killAll(home: string): Promise<void> {
  const folders = [home, await postgresFolderOf(home)]
  for (let round = 0; round < 20; round += 1) {
    const found = folders.flatMap((folder) => findProcesses(`${folder}/`).concat(findProcesses(`${folder} `)))
    const masters = found.filter((pid) => pid !== process.pid)
    const clusters = ['sql-west-us', 'sql-east-us', 'control', 'sql-west-us-2', 'sql-east-us-2']
    const workers = folders.flatMap((folder) => clusters.flatMap((name) => processesIn(join(folder, name, 'data'))))
    if (masters.length + workers.length === 0) return
    for (const pid of [...masters, ...workers]) signalProcess(pid, 'SIGKILL')
    await new Promise((resolve) => setImmediate(resolve))
  }
}
