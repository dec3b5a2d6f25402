// One PostgreSQL cluster on this machine: its data folder, its process, and a way to ask it something as superuser.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { waitFor } from '../kit/clock.ts'
import { readDisk } from '../kit/disk.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { chownTree, removeTree, syncFolder, writeFileDurably } from '../kit/files.ts'
import { POSTGRES_START_MS_MAX, POSTGRES_STOP_MS_MAX } from '../kit/limits.ts'
import { commandOf, isIn, processesIn, signalProcess, waitUntilGone } from '../kit/processes.ts'
import { type Binaries, initdbRunsAs, type RunAs, runAsFor } from './binaries.ts'
import { ACCESS_TEXT, type ClusterRole, configText, PORT, SUPERUSER } from './cluster-config.ts'
import { ServerLog } from './server-log.ts'

/** `fast` ends sessions and writes a checkpoint; `immediate` stops at once, as a crash would. */
export type StopMode = 'fast' | 'immediate'

export class Cluster {
  readonly name: string
  readonly folder: string
  readonly dataFolder: string
  readonly socketFolder: string
  readonly runAs: RunAs
  readonly #binaries: Binaries
  readonly #password: string
  readonly #log: ServerLog

  /** `folder` holds `data` and the log; `socketFolder` must be short (a unix socket's path has 107 bytes). */
  constructor(options: {
    name: string
    folder: string
    socketFolder: string
    binaries: Binaries
    superuserPassword: string
  }) {
    this.name = options.name
    this.folder = options.folder
    this.dataFolder = join(options.folder, 'data')
    this.socketFolder = options.socketFolder
    this.runAs = runAsFor(options.folder)
    this.#binaries = options.binaries
    this.#password = options.superuserPassword
    this.#log = new ServerLog(join(options.folder, 'postgresql.log'))
  }

  /** True when there is a whole data folder: one that was not cut short while being made. */
  get hasData(): boolean {
    return existsSync(join(this.dataFolder, 'PG_VERSION')) && !existsSync(join(this.folder, 'incomplete'))
  }

  /** True when the data folder is a standby's. */
  get isStandby(): boolean {
    return existsSync(join(this.dataFolder, 'standby.signal'))
  }

  get isRunning(): boolean {
    return this.findPostmaster() !== null
  }

  /** Makes an empty cluster: checksums, C.UTF-8, passwords only. A half-made one is made again. */
  async initialize(): Promise<void> {
    if (this.hasData) return
    const as = initdbRunsAs()
    await this.beginFolder(as)
    const passwordFile = join(this.folder, 'password')
    await writeFile(passwordFile, this.#password, { mode: 0o600 })
    if (as) await chown(passwordFile, as.uid, as.gid)
    await this.#run(
      'initdb',
      [
        '-D',
        this.dataFolder,
        '-U',
        SUPERUSER,
        `--pwfile=${passwordFile}`,
        '--data-checksums',
        '--encoding=UTF8',
      ].concat(['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--auth=scram-sha-256']),
      as,
    )
    await rm(passwordFile)
    await this.finishFolder()
  }

  /** Faults with `postgres.other_major` unless what that version wrote can be opened by ours. `what` is named. */
  requireMajor(version: string, what: string): void {
    const [theirs, ours] = [version, this.#binaries.version].map((one) => Number.parseInt(one, 10))
    if (theirs === ours) return
    throw new Fault('postgres.other_major', 409, `${what} is of PostgreSQL ${theirs}, and this release runs ${ours}`, {
      hint: 'It is left as it is. How to go on: docs/databases.md, "A new major version of PostgreSQL".',
    })
  }

  /** Empties the folder and marks it as incomplete, for `initialize` or a base backup to fill. */
  async beginFolder(owner: RunAs = this.runAs): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o755 })
    await writeFileDurably(join(this.folder, 'incomplete'), '')
    await removeTree(this.dataFolder)
    await mkdir(this.dataFolder, { mode: 0o700 })
    if (owner) {
      await chown(this.folder, owner.uid, owner.gid)
      await chown(this.dataFolder, owner.uid, owner.gid)
    }
  }

  /** Flushes a filled data folder to disk. */
  async syncData(): Promise<void> {
    await this.#run('initdb', ['--sync-only', '-D', this.dataFolder], this.runAs)
  }

  /** Gives the filled folder to its user; it stays marked as incomplete. */
  async giveFolder(): Promise<void> {
    if (this.runAs) await chownTree(this.folder, this.runAs)
  }

  /** Gives the filled folder to its user and removes the mark. */
  async finishFolder(): Promise<void> {
    await this.giveFolder()
    await rm(join(this.folder, 'incomplete'))
    await syncFolder(this.folder)
  }

  /**
   * Starts PostgreSQL and waits until it answers; a running one is adopted. Started once as a standby or reader, the
   * folder stays one until it is promoted. Faults with `postgres.other_major`, or with `postgres.start_failed` and the
   * last lines of its log.
   */
  async start(role: ClusterRole = { kind: 'primary' }): Promise<void> {
    // What runs here may be a primary that takes writes. Stopped like this it writes nothing more, and nothing is lost.
    if (role.kind === 'reader') await this.stop('immediate')
    let isGone = () => !this.isRunning
    if (isGone()) {
      const version = await readFile(join(this.dataFolder, 'PG_VERSION'), 'utf8')
      this.requireMajor(version, `the data folder ${this.dataFolder}`)
      await this.#removeLeftovers()
      await this.#takeFolder()
      await this.#writeConfig(role)
      await this.#prepareSocketFolder()
      const log = await this.#log.open()
      const child = spawn(join(this.#binaries.folder, 'bin', 'postgres'), ['-D', this.dataFolder], {
        // A group of its own: Ctrl-C on our terminal must not reach it, we stop it in order.
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        cwd: '/',
        ...(this.runAs ?? {}),
      })
      child.unref()
      // Its file of process ids says nothing yet: on a busy machine it takes a while to write it.
      let hasEnded = false
      const end = () => {
        hasEnded = true
      }
      child.on('error', end).on('exit', end)
      isGone = () => hasEnded
      await log.close()
    }
    await this.#waitUntilAnswering(isGone)
  }

  /** Stops PostgreSQL; not running is fine. Past the time limit it is ended by force. */
  async stop(mode: StopMode): Promise<void> {
    const pid = this.findPostmaster()
    if (pid === null) return
    signalProcess(pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    try {
      await waitUntilGone(pid, mode === 'fast' ? POSTGRES_STOP_MS_MAX : 1_000)
    } catch {
      // It did not obey: what a crash does to it, PostgreSQL repairs at its next start.
      await this.kill()
    }
  }

  /** Ends the postmaster and everything that works in its data folder, by SIGKILL. */
  async kill(): Promise<void> {
    const pid = this.findPostmaster()
    if (pid !== null) signalProcess(pid, 'SIGKILL')
    await this.#killWorkers()
  }

  /** Ends it and removes all of it. In order, where it obeys: one that is killed leaves shared memory behind. */
  async discard(): Promise<void> {
    await this.stop('immediate')
    await this.kill()
    await removeTree(this.folder)
  }

  /** Process id of the running postmaster of this folder, or null. */
  findPostmaster(): number | null {
    return findPostmaster(this.dataFolder)
  }

  /** A client as superuser; the caller connects and ends it. `options` may name a database or replication. */
  client(options: pg.ClientConfig & { replication?: string } = {}): pg.Client {
    return new pg.Client({
      host: this.socketFolder,
      port: PORT,
      user: SUPERUSER,
      password: this.#password,
      database: 'postgres',
      connectionTimeoutMillis: 5_000,
      ...options,
    })
  }

  /** Runs `work` with a connected superuser client. */
  async withClient<T>(work: (client: pg.Client) => Promise<T>, options: pg.ClientConfig = {}): Promise<T> {
    const client = this.client(options)
    // An idle connection that breaks emits an error; the next query reports it.
    client.on('error', () => {})
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  /** The last lines of PostgreSQL's log since its last start. */
  async logTail(lines: number): Promise<string> {
    return await this.#log.tail(lines)
  }

  async #waitUntilAnswering(isGone: () => boolean): Promise<void> {
    let problem = 'no answer'
    await waitFor(
      `PostgreSQL ${this.name}`,
      async () => {
        try {
          await this.withClient(async (client) => await client.query('select 1'))
          return true
        } catch (error) {
          problem = messageOf(error)
        }
        if (isGone()) {
          const tail = await this.logTail(5)
          throw new Fault('postgres.start_failed', 500, `PostgreSQL ${this.name} did not start: ${problem}\n${tail}`)
        }
        return undefined
      },
      { withinMs: POSTGRES_START_MS_MAX, everyMs: 20 },
    )
  }

  // Children of a killed postmaster hold its shared memory, and a stale pid may by now be another program's.
  async #removeLeftovers(): Promise<void> {
    await this.#killWorkers()
    await rm(join(this.dataFolder, 'postmaster.pid'), { force: true })
  }

  async #killWorkers(): Promise<void> {
    for (const pid of processesIn(this.dataFolder)) {
      signalProcess(pid, 'SIGKILL')
      await waitUntilGone(pid, 2_000)
    }
  }

  // Another user's when the home was moved or copied, since the user follows from the path.
  async #takeFolder(): Promise<void> {
    if (!this.runAs || (await stat(this.folder)).uid === this.runAs.uid) return
    await chownTree(this.folder, this.runAs)
  }

  async #prepareSocketFolder(): Promise<void> {
    await mkdir(this.socketFolder, { recursive: true, mode: 0o755 })
    if (this.runAs) await chown(this.socketFolder, this.runAs.uid, this.runAs.gid)
    await removeTree(join(this.socketFolder, `.s.PGSQL.${PORT}`))
    await removeTree(join(this.socketFolder, `.s.PGSQL.${PORT}.lock`))
  }

  async #writeConfig(role: ClusterRole): Promise<void> {
    const diskBytes = (await readDisk(this.folder))?.totalBytes ?? null
    const config = configText({ name: this.name, socketFolder: this.socketFolder, role, diskBytes })
    const owned = async (name: string, text: string) => {
      const path = join(this.dataFolder, name)
      await writeFileDurably(path, text)
      await chmod(path, 0o600)
      if (this.runAs) await chown(path, this.runAs.uid, this.runAs.gid)
    }
    await owned('postgresql.conf', config)
    await owned('postgresql.auto.conf', '')
    await owned('pg_hba.conf', ACCESS_TEXT)
    if (role.kind === 'standby' || role.kind === 'reader') await owned('standby.signal', '')
    if (role.kind === 'restored') await owned('recovery.signal', '')
  }

  async #run(program: string, args: string[], as: RunAs): Promise<void> {
    const path = join(this.#binaries.folder, 'bin', program)
    const child = spawn(path, args, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], ...(as ?? {}) })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (exit) => resolve(exit ?? 1))
    })
    if (code !== 0)
      throw new Fault('postgres.start_failed', 500, `${program} for ${this.name} failed: ${output.trim()}`)
  }
}

/** The running postmaster of a data folder: by its pid file, and only if that process really is one. */
export function findPostmaster(dataFolder: string): number | null {
  // Every PostgreSQL process has its data folder as working directory; its workers have other command lines.
  const isPostmaster = (pid: number) => isIn(pid, dataFolder) && commandOf(pid).includes(`-D ${dataFolder}`)
  const named = pidNamedIn(dataFolder)
  if (named !== null && isPostmaster(named)) return named
  // One that is just starting has not written its file yet.
  return processesIn(dataFolder).find(isPostmaster) ?? null
}

function pidNamedIn(dataFolder: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8'), 10)
    return Number.isNaN(pid) ? null : pid
  } catch {
    return null
  }
}
