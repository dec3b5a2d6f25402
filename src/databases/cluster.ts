// One PostgreSQL cluster on this machine: its data folder, its process, and a way to ask it something as superuser.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import {
  chmod,
  chown,
  type FileHandle,
  lchown,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { pause, waitFor } from '../kit/clock.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { removeTree, syncFolder, writeFileDurably } from '../kit/files.ts'
import { quoteLiteral } from '../kit/identifiers.ts'
import {
  POSTGRES_START_MS_MAX,
  POSTGRES_STOP_MS_MAX,
  SERVER_LOG_BYTES_MAX,
  SERVER_LOG_TAIL_BYTES,
  SLOT_WAL_MB_MAX,
} from '../kit/limits.ts'
import { commandOf, processesIn, signalProcess, waitUntilGone } from '../kit/processes.ts'
import { type Binaries, initdbRunsAs, type RunAs, runAsFor } from './binaries.ts'

export const SUPERUSER = 'mainstay'
export const REPLICATOR = 'mainstay_replicator'
const PORT = 5432

/** Where a standby streams from: a local socket folder that leads to its primary, and the slot it uses there. */
export type Upstream = { socketFolder: string; password: string; slot: string }

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
  #logMark = 0

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

  /** Gives the filled folder to its user and removes the mark. */
  async finishFolder(): Promise<void> {
    if (this.runAs) await chownTree(this.folder, this.runAs)
    await rm(join(this.folder, 'incomplete'))
    await syncFolder(this.folder)
  }

  /**
   * Starts PostgreSQL and waits until it answers; a running one is adopted. `upstream` makes it a standby of that.
   * Faults with `postgres.start_failed` and the last lines of its log.
   */
  async start(upstream: Upstream | null = null): Promise<void> {
    if (!this.isRunning) {
      await this.#removeLeftovers()
      await this.#writeConfig(upstream)
      await this.#prepareSocketFolder()
      const log = await this.#openLog()
      const child = spawn(join(this.#binaries.folder, 'bin', 'postgres'), ['-D', this.dataFolder], {
        // A group of its own: Ctrl-C on our terminal must not reach it, we stop it in order.
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        cwd: '/',
        ...(this.runAs ?? {}),
      })
      child.unref()
      child.on('error', () => {})
      await log.close()
    }
    await this.#waitUntilAnswering()
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
    const file = await open(this.#logPath, 'r').catch(() => null)
    if (!file) return ''
    try {
      const { size } = await file.stat()
      const from = Math.max(this.#logMark, size - SERVER_LOG_TAIL_BYTES)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - from)), 0, size - from, from)
      return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-lines).join('\n')
    } finally {
      await file.close()
    }
  }

  get #logPath(): string {
    return join(this.folder, 'postgresql.log')
  }

  // What an earlier run said must not be read as this one's; and a log that only grows would fill the disk.
  async #openLog(): Promise<FileHandle> {
    const size = await stat(this.#logPath).then(
      (found) => found.size,
      () => 0,
    )
    if (size > SERVER_LOG_BYTES_MAX) await rename(this.#logPath, `${this.#logPath}.1`)
    this.#logMark = size > SERVER_LOG_BYTES_MAX ? 0 : size
    return await open(this.#logPath, 'a', 0o640)
  }

  async #waitUntilAnswering(): Promise<void> {
    const startedAt = performance.now()
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
        if (!this.isRunning && performance.now() - startedAt > 300) {
          await pause(50)
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

  async #prepareSocketFolder(): Promise<void> {
    await mkdir(this.socketFolder, { recursive: true, mode: 0o755 })
    if (this.runAs) await chown(this.socketFolder, this.runAs.uid, this.runAs.gid)
    await removeTree(join(this.socketFolder, `.s.PGSQL.${PORT}`))
    await removeTree(join(this.socketFolder, `.s.PGSQL.${PORT}.lock`))
  }

  async #writeConfig(upstream: Upstream | null): Promise<void> {
    const lines = [...SETTINGS, `cluster_name = ${quoteLiteral(this.name)}`]
    lines.push(`unix_socket_directories = ${quoteLiteral(this.socketFolder)}`)
    if (upstream) {
      const conninfo = `host=${upstream.socketFolder} port=${PORT} user=${REPLICATOR} password=${upstream.password} application_name=${upstream.slot}`
      lines.push(`primary_conninfo = ${quoteLiteral(conninfo)}`, `primary_slot_name = ${quoteLiteral(upstream.slot)}`)
    }
    const owned = async (name: string, text: string) => {
      const path = join(this.dataFolder, name)
      await writeFileDurably(path, text)
      await chmod(path, 0o600)
      if (this.runAs) await chown(path, this.runAs.uid, this.runAs.gid)
    }
    await owned('postgresql.conf', `${lines.join('\n')}\n`)
    await owned('postgresql.auto.conf', '')
    await owned('pg_hba.conf', 'local all all scram-sha-256\nlocal replication all scram-sha-256\n')
    if (upstream) await owned('standby.signal', '')
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
  // Every PostgreSQL process has its data folder as working directory.
  for (const pid of processesIn(dataFolder)) {
    if (commandOf(pid).includes(`-D ${dataFolder}`)) return pid
  }
  return null
}

async function chownTree(path: string, owner: { uid: number; gid: number }): Promise<void> {
  await lchown(path, owner.uid, owner.gid)
  const entries = await readdir(path, { withFileTypes: true, recursive: true })
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), owner.uid, owner.gid)
}

// Small by default: a cloud on a laptop runs three of these. Durability is never traded.
const SETTINGS = [
  "listen_addresses = ''",
  'unix_socket_permissions = 0777',
  'password_encryption = scram-sha-256',
  'max_connections = 130',
  'shared_buffers = 32MB',
  'io_method = sync',
  'jit = off',
  'fsync = on',
  'full_page_writes = on',
  'synchronous_commit = on',
  'wal_level = logical',
  'max_wal_senders = 10',
  'max_replication_slots = 20',
  `max_slot_wal_keep_size = ${SLOT_WAL_MB_MAX}MB`,
  'wal_keep_size = 64MB',
  'max_wal_size = 512MB',
  'hot_standby = on',
  'wal_sender_timeout = 10s',
  'wal_receiver_timeout = 10s',
  'wal_receiver_status_interval = 1s',
  'wal_retrieve_retry_interval = 500ms',
  "timezone = 'UTC'",
  "log_timezone = 'UTC'",
  "datestyle = 'iso'",
  "lc_messages = 'C'",
  "log_line_prefix = '%m [%p] %u@%d '",
  'log_checkpoints = off',
]
