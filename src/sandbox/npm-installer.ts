// Installing npm modules: npm runs in a jail, reads registries through us, and hands over files. What comes from
// there is not to be trusted: it is bounded, looked at, and packed anew.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Duplex, PassThrough } from 'node:stream'
import type { NpmPackage } from '../contract/npm-modules.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { removeTree } from '../kit/files.ts'
import { randomId } from '../kit/identifiers.ts'
import {
  NPM_ASKS_AT_ONCE_MAX,
  NPM_ASKS_MAX,
  NPM_INSTALL_MS_MAX,
  NPM_INSTALLS_MAX,
  NPM_MESSAGE_BYTES_MAX,
  NPM_MODULES_BYTES_MAX,
  NPM_MODULES_FILES_MAX,
  SANDBOX_START_MS_MAX,
  SANDBOX_TAIL_BYTES,
  SCRIPT_BYTES_MAX,
} from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { type ModuleFile, type PackedModules, packModules } from '../kit/module-files.ts'
import { type BorderLevel, commandOf, isConfined, NPM_PROGRAM, sandboxUser, WORK_INSIDE } from './border.ts'
import { FrameReader, frameOf } from './frames.ts'
import type { FromInstaller, ToInstaller } from './install-messages.ts'
import { type Jail, makeJail, NPM_INSIDE, npmPlan } from './jail.ts'
import { Registry, type RegistrySettings } from './registry.ts'

type Texts = { packageText: string; lockText: string | null }
type Result = PackedModules & { packages: NpmPackage[]; lockText: string }
type Done = Extract<FromInstaller, { kind: 'done' }>

export class NpmInstaller {
  readonly #folder: string
  readonly #registry: Registry
  readonly #log: Log
  readonly #npmFolder: string
  #running = 0
  /** What a process before us left. */
  #cleared: Promise<void> | null = null
  /** How strong the border is here, found out once: a later start that is only slow must not weaken it. */
  #level: Promise<BorderLevel> | null = null

  /** `folder`: for its jails; short, and ours alone. */
  constructor(options: { folder: string; log: Log } & RegistrySettings) {
    this.#folder = options.folder
    this.#registry = new Registry(options)
    this.#log = options.log
    this.#npmFolder = dirname(createRequire(import.meta.url).resolve('npm/package.json'))
  }

  /** Installs what a package.json asks for. Faults with `npm.*`. */
  install = async (texts: Texts): Promise<Result> => {
    if (this.#running >= NPM_INSTALLS_MAX) {
      throw new Fault('npm.too_busy', 503, 'npm modules of others are just being installed', {
        hint: 'Try again in a moment.',
      })
    }
    this.#running += 1
    const startedAt = performance.now()
    // Each has a jail of its own: where nothing can be mounted, it is this very folder that is written to.
    const folder = join(this.#folder, randomId(4))
    try {
      // What fails is tried again by the next.
      this.#cleared ??= removeTree(this.#folder).catch((error) => {
        this.#cleared = null
        throw error
      })
      await this.#cleared
      const jail = await makeJail(folder, npmPlan(this.#npmFolder))
      const result = await this.#installIn(await this.#start(jail), texts)
      const { files, unpackedBytes, packages } = result
      const ms = Math.round(performance.now() - startedAt)
      this.#log.info({ files, unpackedBytes, packages: packages.length, ms }, 'npm modules were installed')
      return result
    } finally {
      this.#running -= 1
      await removeTree(folder)
    }
  }

  /** Ends its connections. */
  close(): void {
    this.#registry.close()
  }

  async #start(jail: Jail): Promise<Installer> {
    this.#level ??= this.#findLevel(jail).catch((error) => {
      this.#level = null
      throw error
    })
    const started = await this.#startBehind(await this.#level, jail)
    if (started instanceof Installer) return started
    throw new Fault('npm.no_sandbox', 503, `npm modules can not be installed here: ${started.problem}`, {
      hint: 'Try again. If it stays so, ask the one who runs control to look at: mainstay doctor',
    })
  }

  async #findLevel(jail: Jail): Promise<BorderLevel> {
    const started = await this.#startBehind('full', jail)
    if (started instanceof Installer) {
      started.end()
      return 'full'
    }
    this.#log.warn(started, 'npm modules are installed behind a reduced border')
    return 'reduced'
  }

  // It runs, and sees no more than it should; or it was ended.
  async #startBehind(level: BorderLevel, jail: Jail): Promise<Installer | { problem: string }> {
    const user = sandboxUser(randomInt(2 ** 32))
    const command = commandOf(level, jail, { user, program: NPM_PROGRAM })
    if (!command) return { problem: 'a tool of util-linux is missing' }
    const installer = new Installer(spawn(command.file, command.args, SPAWNED), this.#placesOf(level, jail))
    const problem = await installer.problem(level === 'full' ? jail.entries : null)
    if (problem === null) return installer
    installer.end()
    return { problem }
  }

  #placesOf(level: BorderLevel, jail: Jail) {
    if (level === 'full') return { npmFolder: NPM_INSIDE, workFolder: WORK_INSIDE }
    return { npmFolder: this.#npmFolder, workFolder: `${jail.root}${WORK_INSIDE}` }
  }

  async #installIn(installer: Installer, texts: Texts): Promise<Result> {
    const timer = setTimeout(() => installer.end(timedOut()), NPM_INSTALL_MS_MAX)
    try {
      const registry = this.#registry
      installer.order({ ...texts, registry: registry.url })
      const files = installer.files(async (url, headers, signal) => await registry.read(url, headers, signal))
      const packed = await packModules(files)
      const { packages, lockText } = installer.done
      return { ...packed, packages, lockText }
    } finally {
      clearTimeout(timer)
      installer.end()
    }
  }
}

// Its user has no home that the system would know of.
const HOME = { HOME: WORK_INSIDE }
const SPAWNED: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], cwd: '/', env: HOME, detached: true }

type Read = (
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
) => Promise<{
  status: number
  headers: [string, string][]
  body: string
}>

/** One run of npm, seen from outside. */
class Installer {
  readonly #child: ChildProcess
  readonly #channel: Duplex
  readonly #places: { npmFolder: string; workFolder: string }
  readonly #messages: AsyncGenerator<FromInstaller>
  readonly #aborter = new AbortController()
  readonly #asks = { all: 0, open: 0 }
  #onAnswer: () => void = () => {}
  #tail = ''
  #done: Done | null = null
  /** Why registries could not be read, by what was asked for: no longer once that was read after all. */
  readonly #troubles = new Map<string, Fault>()
  #why: Fault | null = null

  constructor(child: ChildProcess, places: { npmFolder: string; workFolder: string }) {
    this.#child = child
    this.#places = places
    this.#channel = child.stdio[3] as Duplex
    const tail = new PassThrough()
    tail.on('data', (chunk: Buffer) => {
      this.#tail = (this.#tail + chunk.toString('utf8')).slice(-SANDBOX_TAIL_BYTES)
    })
    for (const stream of [child.stdout, child.stderr]) stream?.on('error', () => {}).pipe(tail, { end: false })
    child.on('error', (error) => this.end(failed(messageOf(error))))
    child.once('exit', () => this.#channel.destroy())
    this.#channel.on('error', () => {
      // What is read of it ends, which tells the same.
    })
    this.#messages = messagesOf(this.#channel)
  }

  /** Why it cannot be used; null when it runs, and sees no more than it should. */
  async problem(entries: string[] | null): Promise<string | null> {
    const timer = setTimeout(() => this.end(), SANDBOX_START_MS_MAX)
    const first = await this.#messages.next().catch(() => null)
    clearTimeout(timer)
    if (first?.value?.kind !== 'ready') return this.#tail.trim() || 'the sandbox for npm did not start'
    if (entries === null) return null
    const isTight = isConfined(first.value.sight, { pidOutside: this.#child.pid ?? 0, entries })
    return isTight ? null : 'the sandbox for npm sees more than it should'
  }

  order(about: Texts & { registry: string }): void {
    const limits = { bytesMax: NPM_MODULES_BYTES_MAX, filesMax: NPM_MODULES_FILES_MAX }
    this.#say({ kind: 'install', ...this.#places, ...about, ...limits })
  }

  /** The files, as they come. Faults with what kept them from being installed. */
  async *files(read: Read): AsyncGenerator<ModuleFile> {
    for await (const message of this.#messages) {
      switch (message.kind) {
        case 'ask':
          this.#answer(message, read)
          // It is not read on before some of that is answered.
          while (this.#asks.open >= NPM_ASKS_AT_ONCE_MAX) await this.#nextAnswer()
          break
        case 'file':
          yield { path: String(message.path), content: Buffer.from(String(message.content), 'base64') }
          break
        case 'done':
          this.#done = message
          return
        case 'failed':
          throw this.#faultOf(String(message.code), String(message.message))
      }
    }
    throw this.#why ?? failed(`npm ended: ${this.#tail.trim().slice(-500) || 'without a word'}`)
  }

  /** What it said last. */
  get done(): { packages: NpmPackage[]; lockText: string } {
    const { packages, lockText } = this.#done ?? {}
    const text = String(lockText ?? '')
    if (text.length > SCRIPT_BYTES_MAX) throw tooLarge('that is too many packages')
    const list = Array.isArray(packages) ? packages : []
    return {
      lockText: text,
      packages: list.slice(0, NPM_ASKS_MAX).map((one) => {
        const { name, version, hasInstallScript } = Object(one) as Partial<NpmPackage>
        const known = { name: String(name).slice(0, 250), version: String(version).slice(0, 250) }
        return { ...known, ...(hasInstallScript === true ? { hasInstallScript } : {}) }
      }),
    }
  }

  /** Ends it, and whatever it waits for. */
  end(why: Fault | null = null): void {
    this.#why ??= why
    this.#aborter.abort()
    this.#child.kill('SIGKILL')
    this.#channel.destroy()
  }

  async #nextAnswer(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onAnswer = resolve
    })
  }

  #answer({ ask, url, headers }: Extract<FromInstaller, { kind: 'ask' }>, read: Read): void {
    this.#asks.all += 1
    this.#asks.open += 1
    if (this.#asks.all > NPM_ASKS_MAX) {
      this.end(tooLarge('that is too many packages'))
      return
    }
    read(String(url), headers, this.#aborter.signal)
      .then((answer) => {
        this.#troubles.delete(url)
        return answer
      })
      .catch((error) => {
        const trouble = error instanceof Fault ? error : failed(messageOf(error))
        this.#troubles.set(url, trouble)
        return { status: trouble.status < 500 ? 403 : 502, headers: [] as [string, string][], body: '' }
      })
      .then((answer) => {
        this.#asks.open -= 1
        this.#onAnswer()
        this.#say({ kind: 'told', ask, ...answer })
      })
      .catch(() => {
        // It ended meanwhile.
      })
  }

  #faultOf(code: string, message: string): Fault {
    if (code === 'TOO_LARGE') return tooLarge(`the npm modules have ${message}`)
    if (code === 'ENOSPC') return tooLarge('the npm modules do not fit where npm works')
    const trouble = [...this.#troubles.values()].at(-1)
    if (trouble?.code === 'npm.too_large') return trouble
    if (trouble && trouble.status < 500) return failed(`${message} (${trouble.message})`)
    if (trouble || /^E5\d\d$/.test(code)) {
      const why = trouble?.message ?? message
      return new Fault('npm.unreachable', 503, `the registry of npm modules did not answer: ${why}`, {
        hint: 'Nothing was changed, and what runs needs no registry. Try again when it is there.',
      })
    }
    return failed(message.includes(code) ? message : `${code} ${message}`)
  }

  #say(message: ToInstaller): void {
    const frame = frameOf(message, NPM_MESSAGE_BYTES_MAX)
    if (frame && !this.#channel.destroyed) this.#channel.write(frame)
  }
}

async function* messagesOf(channel: Duplex): AsyncGenerator<FromInstaller> {
  const reader = new FrameReader(NPM_MESSAGE_BYTES_MAX)
  try {
    for await (const chunk of channel) yield* reader.take(chunk as Buffer) as FromInstaller[]
  } catch (error) {
    // Ended by us, or by itself: who reads on is told why.
    if (error instanceof RangeError) throw tooLarge(messageOf(error))
    if (error instanceof SyntaxError) throw failed(messageOf(error))
  }
}

function failed(message: string): Fault {
  return new Fault('npm.failed', 400, `npm could not install that: ${message}`, {
    hint: 'Nothing was changed. Look at the names and versions in package.json.',
  })
}

function timedOut(): Fault {
  return new Fault('npm.timed_out', 503, `npm was not done within ${NPM_INSTALL_MS_MAX / 1_000} s`, {
    hint: 'Nothing was changed. Try again, or ask for fewer packages.',
  })
}

function tooLarge(message: string): Fault {
  return new Fault('npm.too_large', 413, message, { hint: 'Ask for fewer packages, or for smaller ones.' })
}
