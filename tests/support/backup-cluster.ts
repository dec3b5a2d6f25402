// A PostgreSQL that is backed up, a vault for it, and others to restore into; all in one folder that goes at the end.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { openServerVault, type ServerVault } from '../../src/backups/server-vault.ts'
import { VAULT_SLOT, WalReceiver } from '../../src/backups/wal-receiver.ts'
import { ensurePlatform } from '../../src/databases/app-schema.ts'
import { takeBaseBackup } from '../../src/databases/base-backup.ts'
import { type Binaries, prepareBinaries } from '../../src/databases/binaries.ts'
import { Cluster } from '../../src/databases/cluster.ts'
import type { Upstream } from '../../src/databases/cluster-config.ts'
import { ensureSlots, parseLsn } from '../../src/databases/replication.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { removeTree } from '../../src/kit/files.ts'
import { randomKey } from '../../src/kit/identifiers.ts'
import { folderVault, type Vault } from '../../src/kit/vault.ts'

export const SERVER = 'sql-test'
export const KEY = Buffer.alloc(32, 9)
const WITHIN = { withinMs: 20_000, everyMs: 20 }

export type RunningReceiver = { receiver: WalReceiver; stop: () => Promise<void> }

/** Everything that one test file needs; `close` in an `after` hook ends all of it. */
export class BackupBench {
  readonly folder: string
  readonly source: Cluster
  readonly #binaries: Binaries
  readonly #password = randomKey()
  readonly #replicationPassword = randomKey()
  readonly #clusters: Cluster[] = []
  readonly #stops: (() => Promise<void>)[] = []

  private constructor(folder: string, binaries: Binaries) {
    this.folder = folder
    this.#binaries = binaries
    this.source = this.makeCluster()
  }

  static async open(): Promise<BackupBench> {
    const folder = await mkdtemp(join(tmpdir(), 'msb-'))
    // PostgreSQL runs as another user when we are root.
    await chmod(folder, 0o755)
    const bench = new BackupBench(folder, await prepareBinaries(join(folder, 'bin')))
    try {
      await bench.source.initialize()
      await bench.source.start()
      await ensurePlatform(async (database, work) => await bench.source.withClient(work, { database }), {
        replicationPassword: bench.#replicationPassword,
      })
      await bench.sql('create table notes (id bigserial primary key, text text not null)')
    } catch (error) {
      await bench.close()
      throw error
    }
    return bench
  }

  /** A cluster with the source's passwords in a folder of its own. */
  makeCluster(): Cluster {
    const number = this.#clusters.length
    const cluster = new Cluster({
      name: SERVER,
      folder: join(this.folder, `pg${number}`),
      socketFolder: join(this.folder, `s${number}`),
      binaries: this.#binaries,
      superuserPassword: this.#password,
    })
    this.#clusters.push(cluster)
    return cluster
  }

  /** A standby of the source that streams from it, through that folder where one is named. */
  async makeStandby(socketFolder?: string): Promise<Cluster> {
    const standby = this.makeCluster()
    await this.source.withClient(async (client) => await ensureSlots(client, ['standby', VAULT_SLOT]))
    const upstream = { ...this.upstream(), slot: 'standby', ...(socketFolder ? { socketFolder } : {}) }
    await standby.beginFolder()
    await takeBaseBackup(upstream, standby.dataFolder, () => {})
    await standby.finishFolder()
    await standby.start({ kind: 'standby', upstream })
    return standby
  }

  upstream(cluster = this.source): Upstream {
    return { socketFolder: cluster.socketFolder, password: this.#replicationPassword, slot: VAULT_SLOT }
  }

  vault(folder = 'vault', key: Uint8Array = KEY): ServerVault {
    return openServerVault(this.folderVault(folder), { server: SERVER, key })
  }

  folderVault(folder = 'vault'): Vault {
    return folderVault(join(this.folder, folder))
  }

  /** Keeps WAL in the vault until stopped. */
  receive(vault: ServerVault, cluster = this.source, slot = VAULT_SLOT): RunningReceiver {
    const receiver = new WalReceiver(vault, { ...this.upstream(cluster), slot })
    const stopping = new AbortController()
    const running = receiver.run(stopping.signal)
    const stop = async () => {
      stopping.abort()
      await running
    }
    this.#stops.push(stop)
    return { receiver, stop }
  }

  /** The same in a process of its own, to be killed. */
  async receiveApart(vaultFolder = 'vault'): Promise<ChildProcess> {
    const options = { from: this.upstream(), folder: join(this.folder, vaultFolder), key: KEY.toString('hex') }
    const child = fork(join(import.meta.dirname, 'receiver-process.ts'), [JSON.stringify(options)])
    this.#stops.push(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    })
    return child
  }

  async sql<Row extends pg.QueryResultRow>(text: string, cluster = this.source): Promise<Row[]> {
    return await cluster.withClient(async (client) => (await client.query<Row>(text)).rows)
  }

  /** Commits a row; gives its text and the moment by the server's clock right after. */
  async note(text: string, cluster = this.source): Promise<Date> {
    await this.sql(`insert into notes (text) values ('${text}')`, cluster)
    const [row] = await this.sql<{ now: Date }>('select clock_timestamp() as now', cluster)
    if (!row) throw new TypeError('a select without from gives one row')
    return row.now
  }

  /** Number of rows and a checksum over all of them. */
  async sumOf(cluster = this.source): Promise<string> {
    const [row] = await this.sql<{ sum: string }>(
      `select count(*) || ' ' || coalesce(md5(string_agg(id || text, ',' order by id)), '') as sum from notes`,
      cluster,
    )
    return row?.sum ?? ''
  }

  /** The texts that begin with `prefix`, in order. */
  async texts(prefix: string, cluster: Cluster): Promise<string[]> {
    const rows = await this.sql<{ text: string }>(
      `select text from notes where text like '${prefix}%' order by id`,
      cluster,
    )
    return rows.map(({ text }) => text)
  }

  /** Waits until the vault has all that is written; a full segment need not wait for its time. */
  async settle(receiver: WalReceiver, cluster = this.source): Promise<void> {
    await this.sql('select pg_switch_wal()', cluster)
    await this.waitStored(receiver, cluster)
  }

  /** Waits until the vault has all that is written. */
  async waitStored(receiver: WalReceiver, cluster = this.source): Promise<void> {
    const [row] = await this.sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn', cluster)
    const wanted = parseLsn(row?.lsn ?? '0/0')
    const isThere = () => parseLsn(receiver.facts.storedLsn ?? '0/0') >= wanted || undefined
    await waitFor('the vault to have it', isThere, WITHIN).catch((error: unknown) => {
      throw new Error(`not stored: ${JSON.stringify(receiver.facts)}`, { cause: error })
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#stops.map(async (stop) => await stop()))
    await Promise.all(this.#clusters.map(async (cluster) => await cluster.stop('immediate')))
    await removeTree(this.folder)
  }
}
