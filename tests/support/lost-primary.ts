// A primary and its standby on this machine, cut apart, for tests of what the primary wrote that the standby never got.
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import type { SchemaAssignment } from '../../src/contract/assignment.ts'
import { APPS_DATABASE } from '../../src/contract/table-format.ts'
import { raiseAboveLost } from '../../src/databases/after-loss.ts'
import { ensurePlatform, ensureSchema } from '../../src/databases/app-schema.ts'
import { takeBaseBackup } from '../../src/databases/base-backup.ts'
import { prepareBinaries } from '../../src/databases/binaries.ts'
import { Cluster } from '../../src/databases/cluster.ts'
import { ensureSlots, promote, readPrimaryPosition } from '../../src/databases/replication.ts'
import { findForkLsn } from '../../src/databases/wal-files.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { removeTree } from '../../src/kit/files.ts'
import { randomKey } from '../../src/kit/identifiers.ts'

export const SCHEMA = 'todo'
export const STANDBY_SLOT = 'standby_one'

export class LostPrimary {
  readonly folder: string
  readonly primary: Cluster
  readonly standby: Cluster
  readonly #replicationPassword = randomKey()

  private constructor(folder: string, primary: Cluster, standby: Cluster) {
    this.folder = folder
    this.primary = primary
    this.standby = standby
  }

  /** A primary with the tables, `made` as else it says, and a standby that has all of it. The caller stops it in an `after` hook. */
  static async start(tables: string[], made: Partial<SchemaAssignment> = {}): Promise<LostPrimary> {
    const folder = await mkdtemp(join(tmpdir(), 'mdv-'))
    // PostgreSQL runs as another user when we are root.
    await chmod(folder, 0o755)
    const binaries = await prepareBinaries(join(folder, 'bin'))
    const superuserPassword = randomKey()
    const [primary, standby] = ['one', 'two'].map(
      (name) =>
        new Cluster({
          name,
          folder: join(folder, name),
          socketFolder: join(folder, `s${name}`),
          binaries,
          superuserPassword,
        }),
    )
    if (!primary || !standby) throw new TypeError('two names give two clusters')
    const pair = new LostPrimary(folder, primary, standby)
    try {
      await pair.#startPrimary({ ...made, tables })
      await pair.#follow()
    } catch (error) {
      await pair.stop()
      throw error
    }
    return pair
  }

  /** Ends the standby: what the primary writes from now on is stranded. Not before the standby has all there is. */
  async cut(): Promise<void> {
    await this.awaitStandby()
    await this.standby.stop('immediate')
  }

  /** Waits until the standby has replayed all that the primary wrote so far; gives that position. */
  async awaitStandby(): Promise<string> {
    const { lsn } = await this.primary.withClient(async (client) => await readPrimaryPosition(client, STANDBY_SLOT))
    const hasReplayed = async (client: pg.Client) => {
      const found = await client.query('select 1 where pg_last_wal_replay_lsn() >= $1::pg_lsn', [lsn])
      return found.rowCount === 0 ? undefined : true
    }
    const check = async () => await this.standby.withClient(hasReplayed)
    await waitFor('the standby to have everything', check, { withinMs: 20_000 })
    return lsn
  }

  /** Kills the primary as a crash would, promotes the standby, and gives the position where it left the primary. */
  async fail(): Promise<string> {
    await this.primary.kill()
    // Nobody answers at its primary's socket any more.
    const upstream = { socketFolder: '/nonexistent', password: '', slot: STANDBY_SLOT }
    await this.standby.start({ kind: 'standby', upstream })
    await this.standby.withClient(promote)
    const { timeline } = await this.standby.withClient(async (client) => await readPrimaryPosition(client, null))
    await this.standby.withClient(raiseAboveLost, { database: APPS_DATABASE })
    const forkLsn = await findForkLsn(this.standby.dataFolder, timeline)
    if (forkLsn === null) throw new TypeError('a promoted server has a history')
    return forkLsn
  }

  /** Kills the primary, and promotes the standby, which is running. `asOther`: what makes it another machine. */
  async promote(asOther: (client: pg.Client) => Promise<unknown>): Promise<void> {
    await this.primary.kill()
    await this.standby.withClient(promote)
    await this.standby.withClient(asOther, { database: APPS_DATABASE })
    await this.standby.withClient(raiseAboveLost, { database: APPS_DATABASE })
  }

  /** Starts the lost primary as a reader, and runs `work` with a superuser client in its apps database. */
  async read<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    await this.primary.start({ kind: 'reader' })
    return await this.primary.withClient(work, { database: APPS_DATABASE })
  }

  async stop(): Promise<void> {
    await this.primary.kill()
    await this.standby.kill()
    await removeTree(this.folder)
  }

  async #startPrimary(made: Partial<SchemaAssignment> & { tables: string[] }): Promise<void> {
    await this.primary.initialize()
    await this.primary.start()
    await ensurePlatform(async (database, work) => await this.primary.withClient(work, { database }), {
      replicationPassword: this.#replicationPassword,
    })
    const wanted = { serviceId: 'a1', schema: SCHEMA, epoch: 1, loginPassword: randomKey(), droppedTables: [] }
    await this.primary.withClient(async (client) => await ensureSchema(client, { ...wanted, state: 'open', ...made }), {
      database: APPS_DATABASE,
    })
    await this.primary.withClient(async (client) => await ensureSlots(client, [STANDBY_SLOT]))
  }

  async #follow(): Promise<void> {
    const upstream = {
      socketFolder: this.primary.socketFolder,
      password: this.#replicationPassword,
      slot: STANDBY_SLOT,
    }
    await this.standby.beginFolder()
    await takeBaseBackup(upstream, this.standby.dataFolder, () => {})
    await this.standby.finishFolder()
    await this.standby.start({ kind: 'standby', upstream })
    await this.awaitStandby()
  }
}
