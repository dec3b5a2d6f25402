// A cloud on machines of their own, put together by the commands that docs/two-machines.md prints, from empty folders.
import assert from 'node:assert/strict'
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor } from '../../src/kit/clock.ts'
import { removeTree } from '../../src/kit/files.ts'
import { LAUNCHER } from '../../src/kit/launcher.ts'
import { commandOf, isAlive, processesIn, signalProcess, treeOf } from '../../src/kit/processes.ts'
import { foldersOfRole } from '../../src/local/cloud-home.ts'
import { findOurs } from '../../src/local/our-processes.ts'
import { freePort } from './cloud.ts'
import { TestNetwork } from './netns.ts'

export type Ran = { code: number; stdout: string; stderr: string }

const DOC = new URL('../../docs/two-machines.md', import.meta.url)
const MACHINES = ['control', 'west', 'east', 'edge']
const ROLES = ['control', 'gateway', 'host'] as const
const START_MS_MAX = 60_000
const COMMAND_MS_MAX = 120_000

/** A command line of the page, and the machine at whose prompt it stands. */
export type DocLine = { machine: string; command: string }

export class SeparateCloud {
  readonly network: TestNetwork
  readonly #folder: string
  readonly #running: ChildProcess[] = []
  /** The join command that was printed last, and its token. */
  #joins = { command: '', token: '' }

  readonly #apiPort: number

  constructor(network: TestNetwork, folder: string, apiPort: number) {
    this.network = network
    this.#apiPort = apiPort
    this.#folder = folder
  }

  static async open(): Promise<SeparateCloud> {
    const folder = await mkdtemp(join(tmpdir(), 'mainstay-machines-'))
    await chmod(folder, 0o755)
    await mkdir(join(folder, 'bin'))
    const shim = `#!/bin/sh\nexec '${process.execPath}' '${LAUNCHER}' "$@"\n`
    await writeFile(join(folder, 'bin', 'mainstay'), shim, { mode: 0o755 })
    for (const machine of MACHINES) await mkdir(join(folder, machine))
    const network = await TestNetwork.open(MACHINES)
    return new SeparateCloud(network, folder, network.isNamespaced ? 8081 : await freePort())
  }

  /** The lines of the page at prompts, with this test's addresses. */
  async docLines(): Promise<DocLine[]> {
    const text = (await readFile(DOC, 'utf8')).replaceAll(/10\.0\.0\.(\d)/g, (_all, number: string) => {
      return this.network.machine(MACHINES[Number(number) - 1] ?? '').address
    })
    return [...text.matchAll(/^(\w+)\$ (.+)$/gm)].map(([, machine = '', command = '']) => ({ machine, command }))
  }

  /** Types one line of the page: what prints a join token is kept, a role is left running until it is up. */
  async type({ machine, command }: DocLine): Promise<void> {
    const line = command.replace('TOKEN=TOKEN', `TOKEN=${this.#joins.token}`)
    if (command.includes('TOKEN=TOKEN')) assert.equal(line, this.#joins.command, 'the page says what is printed')
    if (/^(\S+=\S+ )?mainstay (control|gateway|host) /.test(line)) return await this.startRole(machine, line)
    const ran = await this.run(machine, line)
    assert.equal(ran.code, 0, `${command}\n${ran.stdout}${ran.stderr}`)
    const printed = ran.stdout.match(/^data: +(MAINSTAY_JOIN_TOKEN=(\S+) .*)$/m)
    if (printed) this.#joins = { command: printed[1] ?? '', token: printed[2] ?? '' }
  }

  /** The management API as seen on control's machine. */
  get apiUrl(): string {
    return `http://localhost:${this.#apiPort}`
  }

  /** Where a gateway on that machine answers apps. */
  gatewayUrl(machine: string): string {
    return `http://${this.network.machine(machine).address}:8080`
  }

  /** Starts a role as typed and waits until it says that it is up. */
  async startRole(machine: string, typed: string): Promise<void> {
    const command = this.#onLoopback(machine, typed)
    const log = this.logFile(machine)
    const before = (await readFile(log, 'utf8').catch(() => '')).length
    const file = openSync(log, 'a')
    // `env` takes the assignments before a command as the shell does.
    const child = this.#spawn(machine, `exec env ${command}`, ['ignore', file, file])
    closeSync(file)
    this.#running.push(child)
    await waitFor(
      `${machine}: ${command.slice(-60)}`,
      async () => {
        const said = (await readFile(log, 'utf8')).slice(before)
        assert.equal(child.exitCode, null, said)
        return / is up"/.test(said) ? true : undefined
      },
      { withinMs: START_MS_MAX },
    )
  }

  /** Runs one command line on a machine to its end. */
  async run(machine: string, command: string, input = ''): Promise<Ran> {
    const child = this.#spawn(machine, command, ['pipe', 'pipe', 'pipe'], COMMAND_MS_MAX)
    const ran = { code: -1, stdout: '', stderr: '' }
    child.stdout?.on('data', (chunk) => (ran.stdout += chunk))
    child.stderr?.on('data', (chunk) => (ran.stderr += chunk))
    child.stdin?.end(input)
    ran.code = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)))
    return ran
  }

  /** Runs a command on control's machine that must succeed, and reads its JSON. */
  async json<T>(command: string): Promise<T> {
    const ran = await this.run('control', `${command} --json`)
    assert.equal(ran.code, 0, `${command}\n${ran.stdout}${ran.stderr}`)
    return JSON.parse(ran.stdout) as T
  }

  /** One request of an app, made on that machine. */
  async request(machine: string, url: string, init: { method?: string; key: string; body?: unknown }): Promise<Answer> {
    const { method = 'GET', key, body } = init
    const headers = { 'x-zumo-application': key, 'content-type': 'application/json' }
    const sent = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const script = `fetch(${JSON.stringify(url)}, { ...${JSON.stringify(sent)}, signal: AbortSignal.timeout(5000) })
      .then(async (answer) => console.log(JSON.stringify({ status: answer.status, body: await answer.text() })))
      .catch((error) => console.log(JSON.stringify({ status: 0, body: String(error.cause ?? error) })))`
    const file = join(this.#folder, 'request.mjs')
    await writeFile(file, script)
    const ran = await this.run(machine, `'${process.execPath}' '${file}'`)
    return JSON.parse(ran.stdout) as Answer
  }

  logFile(machine: string): string {
    return join(this.#folder, `${machine}.log`)
  }

  homeOf(machine: string, role: (typeof ROLES)[number]): string {
    return join(this.#folder, machine, `.mainstay-${role}`)
  }

  /** Kills every process of a machine, as if its plug was pulled; with `role` only that one's. */
  async kill(machine: string, role?: (typeof ROLES)[number]): Promise<number> {
    const killed = new Set<number>()
    const alive = async () => await this.#processes(machine, role)
    const look = async () => {
      const found = await alive()
      for (const pid of found) {
        killed.add(pid)
        signalProcess(pid, 'SIGKILL')
      }
      return found.length === 0 ? true : undefined
    }
    await waitFor(`the end of ${machine}`, look, { withinMs: 10_000 })
    return killed.size
  }

  /** Ends everything and leaves nothing behind. */
  async dispose(): Promise<void> {
    for (const machine of MACHINES) {
      await this.kill(machine)
      for (const role of ROLES) {
        for (const folder of await foldersOfRole(this.homeOf(machine, role))) await removeTree(folder)
      }
    }
    for (const child of this.#running) if (child.exitCode === null) child.kill('SIGKILL')
    await this.network.close()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  // Where all machines share one kernel's loopback, each must be told its own part of it.
  #onLoopback(machine: string, command: string): string {
    if (this.network.isNamespaced) return command
    const address = this.network.machine(machine).address
    return / control /.test(` ${command}`) && !command.includes('--control')
      ? `${command} --port ${this.#apiPort}`
      : `${command} --address ${address}`
  }

  async #processes(machine: string, role?: (typeof ROLES)[number]): Promise<number[]> {
    const folder = join(this.#folder, machine)
    // A role works in the folder where it was typed; what it starts is found by its home.
    const typed = processesIn(folder).filter((pid) => role === undefined || roleOf(pid) === role)
    const homes = role === undefined ? ROLES.map((one) => this.homeOf(machine, one)) : [this.homeOf(machine, role)]
    const folders = (await Promise.all(homes.map(foldersOfRole))).flat()
    return [...new Set([...typed.flatMap((pid) => treeOf(pid)), ...findOurs(folders)])].filter(isAlive)
  }

  #spawn(machine: string, command: string, stdio: StdioOptions, timeoutMs = 0): ChildProcess {
    const [program = '', ...args] = this.network.machine(machine).inside(['sh', '-c', command])
    // Nothing of the tester's own environment, and a user with nothing in the home folder.
    const env = {
      PATH: `${join(this.#folder, 'bin')}:${process.env.PATH}`,
      HOME: join(this.#folder, 'users', machine),
    }
    return spawn(program, args, { cwd: join(this.#folder, machine), stdio, env, timeout: timeoutMs })
  }
}

export type Answer = { status: number; body: string }

function roleOf(pid: number): string {
  return commandOf(pid).match(/mainstay\.mjs (\w+)/)?.[1] ?? ''
}
