// Somebody else's PostgreSQL for tests: started from binaries, ours or installed ones, and listening on loopback alone.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdtemp, open, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { initdbRunsAs, prepareBinaries, type RunAs, runAsFor } from '../../src/databases/binaries.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { chownTree, removeTree } from '../../src/kit/files.ts'
import { randomKey } from '../../src/kit/identifiers.ts'
import { signalProcess, waitUntilGone } from '../../src/kit/processes.ts'
import { pickPort } from '../../src/local/ports.ts'

const INSTALLED = ['/usr/lib/postgresql/15/bin']

/** The owner's login, who may do everything; and the one that a cloud is given, who may not. */
export const OWNER = 'postgres'
export const APP_USER = 'shop_admin'
export const DATABASE = 'shop'

/** A server certificate and its key, as PEM. */
export type Certificate = { certificate: string; key: string }

/** A folder of binaries that is installed on this machine, or null. */
export function findInstalled(): string | null {
  return INSTALLED.find((folder) => existsSync(join(folder, 'initdb'))) ?? null
}

/** One server of it: a data folder and a port of its own. */
export class ExternalHost {
  readonly port: number
  readonly folder: string
  readonly #bin: string
  readonly #password: string
  readonly #runAs: RunAs
  #pid: number | null = null

  constructor(options: { bin: string; folder: string; port: number; password: string }) {
    this.#bin = options.bin
    this.folder = options.folder
    this.port = options.port
    this.#password = options.password
    this.#runAs = runAsFor(options.folder)
  }

  /** Makes the data folder of a primary. */
  async initialize(): Promise<void> {
    const secret = `${this.folder}.password`
    await writeFile(secret, this.#password)
    await chmod(secret, 0o644)
    const args = [
      '-D',
      this.folder,
      '-U',
      OWNER,
      '--auth=scram-sha-256',
      `--pwfile=${secret}`,
      '-E',
      'UTF8',
      '--no-sync',
    ]
    const made = spawnSync(join(this.#bin, 'initdb'), [...args, '--locale=C'], { cwd: '/', ...(initdbRunsAs() ?? {}) })
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
    await writeFile(join(this.folder, 'pg_hba.conf'), HBA)
  }

  /** Writes its settings; `primaryPort`: it follows that one. */
  async configure(options: { primaryPort?: number; tls?: Certificate | null } = {}): Promise<void> {
    const { primaryPort, tls = null } = options
    const lines = [
      `port = ${this.port}`,
      "listen_addresses = '127.0.0.1'",
      `unix_socket_directories = ''`,
      'fsync = off',
      'shared_buffers = 16MB',
      'wal_keep_size = 256MB',
      'max_connections = 50',
      `primary_conninfo = 'host=127.0.0.1 port=${primaryPort ?? 1} user=${OWNER} password=${this.#password} application_name=follower'`,
    ]
    if (tls) {
      await writeFile(join(this.folder, 'server.crt'), tls.certificate)
      await writeFile(join(this.folder, 'server.key'), tls.key, { mode: 0o600 })
      lines.push('ssl = on')
      await writeFile(join(this.folder, 'pg_hba.conf'), HBA.replaceAll(/^host /gm, 'hostssl '))
    }
    await writeFile(join(this.folder, 'postgresql.conf'), `${lines.join('\n')}\n`)
    if (primaryPort !== undefined) await writeFile(join(this.folder, 'standby.signal'), '')
    if (this.#runAs) await chownTree(this.folder, this.#runAs)
    await chmod(this.folder, 0o700)
  }

  async start(): Promise<void> {
    const log = await open(`${this.folder}.log`, 'a')
    const child = spawn(join(this.#bin, 'postgres'), ['-D', this.folder], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      cwd: '/',
      // Not ours: a follower looks there for a certificate of its own.
      env: { ...process.env, HOME: this.folder },
      ...(this.#runAs ?? {}),
    })
    child.unref()
    this.#pid = child.pid ?? null
    await log.close()
    await waitFor('PostgreSQL to answer', async () => await this.#isAnswering(), { withinMs: 30_000, everyMs: 50 })
  }

  /** Ends it as a crash would; or in order. */
  async stop(signal: 'SIGQUIT' | 'SIGINT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
    if (this.#pid === null) return
    signalProcess(this.#pid, signal)
    await waitUntilGone(this.#pid, 20_000)
    this.#pid = null
  }

  /** Makes a standby the primary. */
  async promote(): Promise<void> {
    await this.sql('select pg_promote()')
  }

  /** Runs SQL as its owner. */
  async sql(text: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: this.port, user: OWNER, password: this.#password, database },
      ssl: existsSync(join(this.folder, 'server.crt')) ? { rejectUnauthorized: false } : false,
    })
    client.on('error', () => {})
    await client.connect()
    try {
      const result = await client.query(text)
      return Array.isArray(result) ? [] : result.rows
    } finally {
      await client.end()
    }
  }

  async #isAnswering(): Promise<true | undefined> {
    try {
      await this.sql('select 1')
      return true
    } catch {
      return undefined
    }
  }
}

const HBA = 'host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n'

export type ExternalPostgres = {
  primary: ExternalHost
  standby: ExternalHost | null
  /** Of the login that a cloud is given; `query` as in `sslmode=require`. */
  url: (options?: { password?: string; database?: string; ports?: number[]; query?: string }) => string
  /** A copy of one as it is now, on a port of its own: as an owner restores one. The other is away meanwhile. */
  copy: (from: ExternalHost) => Promise<ExternalHost>
  stop: () => Promise<void>
}

/** Starts it; the caller stops it in an `after` hook. `bin`: installed binaries; left out: the bundled ones. */
export async function startExternalPostgres(options: {
  hasStandby?: boolean
  tls?: Certificate | null
  bin?: string
}): Promise<ExternalPostgres> {
  const { hasStandby = false, tls = null } = options
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-external-'))
  // PostgreSQL runs as another user when we are root.
  await chmod(folder, 0o777)
  const bin = options.bin ?? join((await prepareBinaries(join(folder, 'bin'))).folder, 'bin')
  const password = randomKey()
  const appPassword = randomKey()
  const hosts: ExternalHost[] = []
  const make = async (name: string) => {
    const host = new ExternalHost({ bin, folder: join(folder, name), port: await pickPort(), password })
    hosts.push(host)
    return host
  }
  const copy = async (to: string, from: ExternalHost) => {
    const host = await make(to)
    await cp(from.folder, host.folder, { recursive: true })
    return host
  }
  const stop = async () => {
    await Promise.all(hosts.map(async (host) => await host.stop('SIGKILL')))
    await removeTree(folder)
  }
  try {
    const primary = await make('one')
    await primary.initialize()
    await primary.configure({ tls })
    await primary.start()
    // As a managed offering gives it: may make roles and schemas, and is no superuser.
    await primary.sql(`create role ${APP_USER} login createrole password '${appPassword}'`)
    await primary.sql(`create database ${DATABASE} owner ${APP_USER}`)
    let standby: ExternalHost | null = null
    if (hasStandby) {
      await primary.stop()
      standby = await copy('two', primary)
      await standby.configure({ primaryPort: primary.port, tls })
      await primary.start()
      await standby.start()
    }
    const all = [primary, ...(standby ? [standby] : [])].map(({ port }) => port)
    return {
      primary,
      standby,
      url({ password: given = appPassword, database = DATABASE, ports = all, query = '' } = {}) {
        const places = ports.map((port) => `127.0.0.1:${port}`).join(',')
        return `postgres://${APP_USER}:${given}@${places}/${database}${query === '' ? '' : `?${query}`}`
      },
      async copy(from) {
        await from.stop()
        const made = await copy(`copy-${hosts.length}`, from)
        await made.configure({ tls })
        await from.start()
        await made.start()
        return made
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
