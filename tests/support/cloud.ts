// A whole cloud for a test, in a folder and on ports of its own, driven by the CLI and HTTP.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { OperationView, ServerView, ServiceView, StatusView } from '../../src/contract/api.ts'
import type { HostAssignment } from '../../src/contract/assignment.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { removeTree } from '../../src/kit/files.ts'
import { postgresFolderOf, socketFolderOf } from '../../src/kit/home-folder.ts'
import { LAUNCHER } from '../../src/kit/launcher.ts'
import { commandOf, findProcesses, signalProcess } from '../../src/kit/processes.ts'
import { pickPort } from '../../src/local/ports.ts'
import { type CliResult, runInside, runTyped } from './command-line.ts'
import { copyHome, forgetPorts, isPreparing, keepPrepared, type Preparation, preparedHome } from './prepared-clouds.ts'
import { inTurn, takeTurns } from './turns.ts'

/** An operation that was begun, or a refusal. */
export type CallResult = { status: number; body: { id?: string; code?: string } }

type StartOptions = { env?: NodeJS.ProcessEnv; program?: string[]; isNew?: boolean; hasVault?: boolean }

takeTurns()

const UP = [LAUNCHER, 'up']
const READY_MS_MAX = 60_000
const STOP_MS_MAX = 30_000

export class TestCloud {
  readonly home: string
  readonly port: number
  readonly controlPort: number
  #up: ChildProcess | null = null
  output = ''
  isDisposed = false
  /** What is started: `mainstay up`, or a program that takes the same three options. */
  program = UP
  /** Added to the environment of `up`, and so of every role. */
  env: NodeJS.ProcessEnv = {}

  constructor(home: string, port: number, controlPort: number) {
    this.home = home
    this.port = port
    this.controlPort = controlPort
  }

  /** Makes the folder and picks the ports; nothing runs yet. */
  static async prepare(): Promise<TestCloud> {
    const home = await mkdtemp(join(tmpdir(), 'mainstay-e2e-'))
    // PostgreSQL runs as another user when we are root.
    await chmod(home, 0o755)
    return new TestCloud(home, await freePort(), await freePort())
  }

  /** A running cloud, with nothing in it or with the pair of the story; unless `isNew`, a copy of a prepared one. */
  static async start(
    what: Preparation = 'empty',
    { env = {}, program = UP, isNew = false, hasVault = false }: StartOptions = {},
  ): Promise<TestCloud> {
    const cloud = await TestCloud.prepare()
    cloud.env = hasVault ? { ...env, MAINSTAY_VAULT: join(cloud.home, 'vault') } : env
    cloud.program = program
    try {
      await inTurn(async () => await cloud.#startWith(what, isNew))
      return cloud
    } catch (error) {
      // The test that waits for it has nothing to dispose of yet.
      await cloud.dispose().catch(() => {})
      throw error
    }
  }

  get gatewayUrl(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get pid(): number {
    assert.ok(this.#up?.pid, 'the cloud is not running')
    return this.#up.pid
  }

  async #startWith(what: Preparation, isNew: boolean): Promise<void> {
    const prepared = isNew ? null : preparedHome(what)
    if (prepared !== null) {
      await copyHome(prepared, this.home)
      await forgetPorts(this.home)
    }
    const isFirst = prepared === null && !isNew && isPreparing()
    const { env } = this
    // What is kept for others has no vault.
    if (isFirst) this.env = { ...env, MAINSTAY_VAULT: 'none' }
    await this.up()
    if (prepared === null && what === 'pair') await this.#createPair()
    if (isFirst) {
      await this.down()
      await keepPrepared(what, this.home)
      this.env = env
      await this.up()
    }
    if (what === 'pair') await this.untilProtected('sql-west-us')
  }

  /** Starts `mainstay up` and waits until it says that it is ready. Returns how long that took. */
  async up(): Promise<number> {
    const startedAt = performance.now()
    const args = ['--home', this.home, '--port', String(this.port), '--control-port', String(this.controlPort)]
    // Most tests are about something else, and backups of every cloud would take their time.
    const env = { ...process.env, MAINSTAY_VAULT: 'none', MAINSTAY_MANAGEMENT_PORT: 'none', ...this.env }
    const child = spawn(process.execPath, [...this.program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env })
    this.#up = child
    this.output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (this.output += chunk))
    await waitFor(
      'the cloud',
      () => {
        if (child.exitCode !== null) throw new Error(`up ended with ${child.exitCode}:\n${this.output}`)
        return this.output.includes('mainstay is ready') ? true : undefined
      },
      { withinMs: READY_MS_MAX },
    )
    return performance.now() - startedAt
  }

  /** Stops `up` in order and checks that nothing is left behind. */
  async down(): Promise<void> {
    const child = this.#up
    this.#up = null
    if (!child || child.exitCode !== null) return
    child.kill('SIGTERM')
    await waitFor('up to end', () => (child.exitCode !== null ? true : undefined), { withinMs: STOP_MS_MAX })
    assert.deepEqual(this.processes().map(commandOf), [], 'processes were left behind')
  }

  /** Ends everything, however it stands, and removes the folder. For `after` hooks. */
  async dispose(): Promise<void> {
    this.isDisposed = true
    try {
      await this.down()
    } finally {
      for (const pid of this.processes()) signalProcess(pid, 'SIGKILL')
      for (const folder of ['control', 'gateway', 'hosts/west-us', 'hosts/east-us']) {
        await removeTree(await postgresFolderOf(join(this.home, folder)))
        await removeTree(socketFolderOf(join(this.home, folder)))
      }
      await rm(this.home, { recursive: true, force: true, maxRetries: 5 })
    }
  }

  /** Every process that belongs to this cloud. */
  processes(): number[] {
    return findProcesses(this.home)
  }

  /** Process id of a role: `control`, `gateway`, or a region's slug for its host. */
  rolePid(role: string): number {
    const words = role === 'control' || role === 'gateway' ? [`mjs ${role} `] : ['mjs host ', `/hosts/${role}`]
    const [pid] = findProcesses(this.home, ...words)
    assert.ok(pid, `no process of ${role}`)
    return pid
  }

  /** Runs the CLI, with `input` on its standard input, in this process. */
  async cli(args: string[], input = ''): Promise<CliResult> {
    return await runInside(args, { env: { ...process.env, MAINSTAY_HOME: this.home }, input })
  }

  /** The same as a person would, in a process of its own. */
  async typed(args: string[], input = ''): Promise<CliResult> {
    return await runTyped(args, { env: { ...process.env, MAINSTAY_HOME: this.home }, input })
  }

  /** Begins a command that has no end; `text` is what it has said so far. */
  follow(args: string[]): { text: () => string; stop: () => Promise<void> } {
    const env = { ...process.env, MAINSTAY_HOME: this.home }
    const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)))
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    const stop = async () => {
      child.kill('SIGKILL')
      await ended
    }
    return { text: () => said, stop }
  }

  /** Runs the CLI and expects it to succeed. */
  async ok(args: string[], input = ''): Promise<string> {
    const result = await this.cli(args, input)
    assert.equal(result.code, 0, `mainstay ${args.join(' ')}\n${result.stdout}${result.stderr}`)
    return result.stdout
  }

  /** Runs the CLI and expects it to refuse, with that exit code, and words that match. */
  async refuses(args: string[], code: number, text: RegExp): Promise<void> {
    const result = await this.cli(args)
    assert.equal(result.code, code, `mainstay ${args.join(' ')}\n${result.stdout}${result.stderr}`)
    assert.match(result.stderr, text)
    assert.doesNotMatch(result.stderr, /\n {4}at /, 'a stack was shown')
  }

  /** Runs a command with `--json` and reads its one object. */
  async json<T>(args: string[]): Promise<T> {
    return JSON.parse(await this.ok([...args, '--json'])) as T
  }

  async service(name: string): Promise<ServiceView> {
    return await this.api<ServiceView>(`/services/${name}`)
  }

  async server(name: string): Promise<ServerView> {
    return await this.api<ServerView>(`/servers/${name}`)
  }

  async status(): Promise<StatusView> {
    return await this.api<StatusView>('/status')
  }

  async operation(id: string): Promise<OperationView> {
    return await this.api<OperationView>(`/operations/${id}`)
  }

  /** One GET of the management API with the operator's token. */
  async api<T>(path: string): Promise<T> {
    const token = (await readFile(join(this.home, 'operator.token'), 'utf8')).trim()
    const url = `http://127.0.0.1:${this.controlPort}/api/v1${path}`
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(10_000),
    })
    assert.equal(answer.status, 200, `${path}: ${answer.status}`)
    return (await answer.json()) as T
  }

  /** One call of the management API with the operator's token, whatever is answered. */
  async call(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<CallResult> {
    const token = (await readFile(join(this.home, 'operator.token'), 'utf8')).trim()
    const answer = await fetch(`http://127.0.0.1:${this.controlPort}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body ? JSON.stringify(body) : null,
      signal: AbortSignal.timeout(30_000),
    })
    return { status: answer.status, body: (await answer.json()) as CallResult['body'] }
  }

  // The pair of the story: a primary in West US with a table, and its secondary in East US.
  async #createPair(): Promise<void> {
    const secondary = ['--location', 'East US', '--secondary-for', 'PrimaryService']
    await this.ok(['mobile', 'create', 'PrimaryService', '--location', 'West US'])
    await this.ok(['mobile', 'create', 'SecondaryService', ...secondary])
    await this.ok(['mobile', 'table', 'create', 'PrimaryService', 'TodoItem'])
    await this.untilProtected('sql-west-us')
  }

  /** Waits until a server's standby may be promoted, and follows. */
  async untilProtected(name: string): Promise<void> {
    const isProtected = async () => {
      const { members } = await this.server(name)
      return members.some(({ standing, lagBytes }) => standing === 'ready' && lagBytes !== null) ? true : undefined
    }
    await waitFor(`${name} to be protected`, isProtected, { withinMs: 30_000, everyMs: 200 })
  }

  /** Waits until every moment up to that one (milliseconds since 1970) can be restored of a server. */
  async untilRestorable(server: string, momentMs = Date.now()): Promise<void> {
    const isRestorable = async () => {
      const to = (await this.server(server)).backup?.restorableTo
      return to && Date.parse(to) > momentMs ? true : undefined
    }
    await waitFor(`${server} to be restorable`, isRestorable, { withinMs: 60_000, everyMs: 200 })
  }

  /** Waits until the newest verification of a service has ended, and requires that all was well. */
  async untilVerified(name: string): Promise<void> {
    const ended = async () => {
      const { verification } = await this.service(name)
      return verification && verification.state !== 'running' ? verification : undefined
    }
    const { problem } = await waitFor(`${name} to be verified`, ended, { withinMs: 30_000, everyMs: 200 })
    assert.equal(problem, null)
  }

  /** Waits until every region is Ready: for everybody, not only for its own heartbeat. */
  async untilRegionsReady(): Promise<void> {
    const isReady = async () =>
      (await this.status()).regions.every(({ health }) => health.state === 'Ready') ? true : undefined
    await waitFor('the regions', isReady, { withinMs: 60_000, everyMs: 200 })
  }

  /** Waits for a state of a service; returns how long it took. */
  async untilState(name: string, state: string, withinMs: number): Promise<number> {
    const startedAt = performance.now()
    let seen: ServiceView['health'] | null = null
    const isThere = async () => {
      seen = (await this.service(name)).health
      return seen.state === state ? true : undefined
    }
    await waitFor(`${name} to be ${state}`, isThere, { withinMs, everyMs: 100 }).catch((error: unknown) => {
      throw new Error(`at last it was ${JSON.stringify(seen)}`, { cause: error })
    })
    return performance.now() - startedAt
  }

  /** Waits until a request of an app is answered: gateways are told a moment after the state is shown. */
  async untilServed(service: ServiceView): Promise<void> {
    const ask = async () => (await this.app(service, '/tables/TodoItem').catch(() => null))?.ok
    const isServed = async () => (await ask()) || undefined
    await waitFor(`${service.name} to be served`, isServed, { withinMs: 60_000, everyMs: 100 })
  }

  /** One request of an app, in the path form. */
  async app(service: ServiceView, path: string, init: RequestInit = {}): Promise<Response> {
    return await fetch(`${this.gatewayUrl}/services/${service.name.toLowerCase()}${path}`, {
      signal: AbortSignal.timeout(5_000),
      ...init,
      headers: { 'x-zumo-application': service.applicationKey, 'content-type': 'application/json', ...init.headers },
    })
  }

  /** Inserts rows with ids of our own and returns those that were acknowledged. */
  async insertRows(service: ServiceView, ids: string[]): Promise<string[]> {
    const acknowledged: string[] = []
    for (const id of ids) {
      const answer = await this.app(service, '/tables/TodoItem', {
        method: 'POST',
        body: JSON.stringify({ id, text: `row ${id}` }),
      })
      await answer.arrayBuffer()
      if (answer.status === 201) acknowledged.push(id)
    }
    return acknowledged
  }

  /** The ids of all rows, paged as an app would. */
  async readIds(service: ServiceView): Promise<string[]> {
    const found: string[] = []
    for (;;) {
      const answer = await this.app(service, `/tables/TodoItem?$orderby=id&$top=1000&$skip=${found.length}`)
      assert.equal(answer.status, 200, await answer.clone().text())
      const rows = (await answer.json()) as { id: string }[]
      found.push(...rows.map((row) => row.id))
      if (rows.length < 1000) return found
    }
  }

  /** Where a host keeps the local socket of a server, and the password of its superuser: the inside of a region. */
  async inside(slug: string, server: string): Promise<{ host: string; password: string }> {
    const home = join(this.home, 'hosts', slug)
    const assignment = JSON.parse(await readFile(join(home, 'assignment.json'), 'utf8')) as HostAssignment
    const found = assignment.servers.find((entry) => entry.name === server)
    assert.ok(found, `${slug} has no server ${server}`)
    return { host: join(socketFolderOf(home), server), password: found.superuserPassword }
  }
}

/** A superuser's connection into the apps database of a server, from inside a region; the caller ends it. */
export async function connectInside(cloud: TestCloud, slug: string, server: string): Promise<pg.Client> {
  const { host, password } = await cloud.inside(slug, server)
  const client = new pg.Client({ host, port: 5432, user: 'mainstay', password, database: 'apps' })
  // One whose server dies says so with the next query.
  client.on('error', () => {})
  await client.connect()
  return client
}

/** A port that nothing listens on just now. */
export async function freePort(): Promise<number> {
  return await pickPort()
}
