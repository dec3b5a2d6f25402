// A runtime as its host starts it: a process of its own with an ipc channel, asked over its socket.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import type { FromRuntime, LeaseUntil, RuntimeService, ToRuntime } from '../../src/contract/runtime-channel.ts'
import type { SlowRead } from '../../src/contract/slow-read.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { SERVER } from './runtime-cluster.ts'
import { takeTurns } from './turns.ts'

takeTurns()

export type TestAnswer = { status: number; headers: Record<string, string>; body: string }
export type TestCall = { method?: string; path: string; headers?: Record<string, string>; body?: unknown }

const LAUNCHER = new URL('../../bin/mainstay.mjs', import.meta.url).pathname

export class TestRuntime {
  readonly socket: string
  readonly #child: ChildProcess
  readonly #told: FromRuntime[] = []
  #version = 0
  #log = ''

  private constructor(child: ChildProcess, socket: string) {
    this.#child = child
    this.socket = socket
    child.on('message', (message) => this.#told.push(message as FromRuntime))
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString()
    })
  }

  /**
   * Starts one and waits until it listens. The caller stops it in an `after` hook. `before` are words of a command that
   * starts it in its own place.
   */
  static async start(folder: string, name: string, args: string[] = [], before: string[] = []): Promise<TestRuntime> {
    const socket = join(folder, `${name}.sock`)
    const [program = '', ...words] = [
      ...before,
      process.execPath,
      LAUNCHER,
      'runtime',
      '--home',
      folder,
      '--name',
      name,
      '--socket',
      socket,
      ...args,
    ]
    const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    const runtime = new TestRuntime(child, socket)
    try {
      await waitFor(
        'the runtime to listen',
        () => {
          if (child.exitCode !== null) throw new Error(`the runtime ended: ${runtime.log}`)
          return runtime.#told.find(({ kind }) => kind === 'listening')
        },
        { withinMs: 15_000 },
      )
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
    return runtime
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** How strong the border around scripts is, once it has been told. */
  get sandbox(): string | undefined {
    return this.#told.find((told) => told.kind === 'sandbox')?.sandbox
  }

  get log(): string {
    return this.#log
  }

  /** What would make slow reads of a service faster, once it tells of any that `isWanted`. */
  async untilSlowRead(service: RuntimeService, isWanted: (read: SlowRead) => boolean): Promise<SlowRead> {
    const find = () => {
      const told = this.#told.findLast((one) => one.kind === 'numbers')
      return told?.numbers.slowReads?.find((one) => one.service === service.id)?.reads.find(isWanted)
    }
    return await waitFor('the runtime to tell of a slow read', find, { withinMs: 20_000 })
  }

  /** Waits until it has logged that; an answer may be here before the log of it. `from`: where in the log to begin. */
  async untilLogged(text: RegExp | string, from = 0): Promise<void> {
    const isIn = (log: string) => (typeof text === 'string' ? log.includes(text) : text.test(log))
    await waitFor(`the log to say ${text}`, () => isIn(this.#log.slice(from)) || undefined, { withinMs: 10_000 })
  }

  /** Assigns services and waits until they are served. */
  async assign(services: RuntimeService[]): Promise<Extract<FromRuntime, { kind: 'serving' }>> {
    this.#version += 1
    const version = this.#version
    this.#send({ kind: 'services', version, services })
    return await waitFor(
      `services of version ${version}`,
      () => this.#told.find((told) => told.kind === 'serving' && told.version === version) as never,
      { withinMs: 5_000, everyMs: 5 },
    )
  }

  /** Sets the leases; messages are taken in order, so the next `assign` or a request that sees it proves it. */
  setLeases(leases: LeaseUntil[] = [{ server: SERVER, untilBootMs: null }]): void {
    this.#send({ kind: 'leases', leases })
  }

  /** One request. A body that is not a string is sent as JSON. */
  async call(call: TestCall): Promise<TestAnswer> {
    const text = call.body === undefined || typeof call.body === 'string' ? call.body : JSON.stringify(call.body)
    return await new Promise<TestAnswer>((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.socket,
          method: call.method ?? 'GET',
          path: call.path,
          agent: false,
          headers: {
            host: 'todo.example.test',
            ...(text === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
            ...call.headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const headers = Object.fromEntries(
              Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
            )
            resolve({ status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks).toString('utf8') })
          })
        },
      )
      sent.on('error', reject)
      sent.end(text)
    })
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  /** Ends it as its host's end would, by force when that does not help, and gives the exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode
    const ended = once(this.#child, 'exit')
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(timer)
    return this.#child.exitCode
  }

  #send(message: ToRuntime): void {
    this.#child.send(message)
  }
}
