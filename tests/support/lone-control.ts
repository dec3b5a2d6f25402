// One control role alone, on a scratch home, with rows of two services whose machines were never heard.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { openSeal } from '../../src/accounts/seal.ts'
import { PORT, SUPERUSER } from '../../src/databases/cluster-config.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { removeTree } from '../../src/kit/files.ts'
import { socketFolderOf } from '../../src/kit/home-folder.ts'
import { LAUNCHER } from '../../src/kit/launcher.ts'
import { foldersOfRole } from '../../src/local/cloud-home.ts'
import { killOurs } from '../../src/local/our-processes.ts'
import { freePort } from './cloud.ts'

const START = { withinMs: 60_000, everyMs: 50 }

export class LoneControl {
  readonly folder: string
  readonly port: number
  readonly token: string
  readonly #start: () => Promise<ChildProcess>
  readonly #said: { text: string }
  #child: ChildProcess

  private constructor(
    folder: string,
    found: {
      port: number
      token: string
      child: ChildProcess
      said: { text: string }
      start: () => Promise<ChildProcess>
    },
  ) {
    this.folder = folder
    this.port = found.port
    this.token = found.token
    this.#child = found.child
    this.#said = found.said
    this.#start = found.start
  }

  /** `env` is added to its environment, once its port is known. */
  static async start(env: (port: number) => NodeJS.ProcessEnv = () => ({})): Promise<LoneControl> {
    const folder = await mkdtemp(join(tmpdir(), 'mainstay-lone-'))
    // PostgreSQL runs as another user when we are root.
    await chmod(folder, 0o755)
    const [port, machinePort] = [await freePort(), await freePort()]
    const ports = ['--port', String(port), '--machine-port', String(machinePort)]
    const args = [LAUNCHER, 'control', '--home', join(folder, 'control'), ...ports]
    // A usual port is nothing for tests that run at once.
    const options = { env: { ...process.env, MAINSTAY_MANAGEMENT_PORT: 'none', ...env(port) } }
    const said = { text: '' }
    const isLive = async () =>
      (await fetch(`http://127.0.0.1:${port}/api/v1/live`).catch(() => null))?.ok ? true : undefined
    const start = async () => {
      const begun = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
      for (const stream of [begun.stdout, begun.stderr]) stream.on('data', (chunk) => (said.text += String(chunk)))
      await waitFor('control', isLive, START)
      return begun
    }
    const child = await start()
    const token = (await readFile(join(folder, 'control', 'operator.token'), 'utf8')).trim()
    return new LoneControl(folder, { port, token, child, said, start })
  }

  /** Starts it again, after it was killed. */
  async again(): Promise<void> {
    await waitFor('control to be gone', () => (this.#child.signalCode === null ? undefined : true), START)
    this.#child = await this.#start()
  }

  get home(): string {
    return join(this.folder, 'control')
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** What it logged. */
  get log(): string {
    return this.#said.text
  }

  /** Runs SQL on its database. */
  async sql(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    const password = (await readFile(join(this.home, 'control-database.password'), 'utf8')).trim()
    const host = join(socketFolderOf(this.home), 'control')
    const client = new Client({ host, port: PORT, user: SUPERUSER, password, database: 'postgres' })
    await client.connect()
    try {
      return (await client.query(text, values)).rows
    } finally {
      await client.end()
    }
  }

  /** Two regions with a machine and a server each, PrimaryService with a table, SecondaryService promised to it. */
  async seed(): Promise<void> {
    const seal = await openSeal(join(this.home, 'control.key'), { mayMake: false })
    const key = () => seal.seal('k'.repeat(32))
    for (const [slug, name, service] of [
      ['west-us', 'West US', 'PrimaryService'],
      ['east-us', 'East US', 'SecondaryService'],
    ] as const) {
      const place = [`${slug}-1`, `sql-${slug}`]
      await this.sql('insert into regions (slug, name, reserved_units, shared_slots) values ($1, $2, 4, 20)', [
        slug,
        name,
      ])
      await this.sql(`insert into machines (name, role, domain) values ($1, 'host', $2)`, [place[0], name])
      await this.sql(
        `insert into servers (name, home_region, is_default, epoch, superuser_password, replication_password)
         values ($1, $2, true, nextval('epochs'), $3, $3)`,
        [place[1], slug, key()],
      )
      await this.sql(`insert into server_members (server, machine, role) values ($1, $2, 'primary')`, [
        place[1],
        place[0],
      ])
      await this.sql(
        `insert into services (id, subscription_id, name, schema_name, region, machine, mode, units, epoch, server, state,
           application_key, master_key, login_password, secondary_for)
         values ($1, 'default', $2, lower($2), $3, $4, 'shared', 1, nextval('epochs'), $5, 'ready', $6, $6, $6, $7)`,
        [service, service, slug, ...place, key(), service === 'SecondaryService' ? 'PrimaryService' : null],
      )
    }
    const permissions = { insert: 'application', read: 'application', update: 'application', delete: 'application' }
    await this.sql(
      `insert into service_tables (service_id, name, permissions) values ('PrimaryService', 'TodoItem', $1)`,
      [JSON.stringify(permissions)],
    )
  }

  async dispose(): Promise<void> {
    this.#child.kill('SIGKILL')
    const folders = await foldersOfRole(this.home)
    await killOurs(folders)
    for (const one of folders) await removeTree(one)
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
