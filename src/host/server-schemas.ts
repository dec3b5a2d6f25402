// What a running primary's apps database must hold: our platform, and each service's schema as it is assigned.
import type pg from 'pg'
import type { SchemaAssignment, ServerAssignment } from '../contract/assignment.ts'
import type { ServerFacts } from '../contract/facts.ts'
import { APPS_DATABASE } from '../contract/table-format.ts'
import { ensurePlatform, ensureSchema, fenceStrangers } from '../databases/app-schema.ts'
import type { Cluster } from '../databases/cluster.ts'
import { WAITS_FOR_NOBODY } from '../databases/synchronous.ts'
import { messageOf } from '../kit/fault.ts'
import { SETUP_LOCK_MS_MAX, SETUP_MS_MAX } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'

/** `wanted` is what was carried out, as text; empty after a failure, so that it is tried again. */
type Entry = { wanted: string; epoch: number; problem: string | null }

export class ServerSchemas {
  readonly #cluster: Cluster
  readonly #log: Log
  readonly #entries = new Map<string, Entry>()
  #hasPlatform = false

  constructor(cluster: Cluster, log: Log) {
    this.#cluster = cluster
    this.#log = log
  }

  /** Makes everything as assigned; only what changed is looked at. */
  async prepare(wanted: ServerAssignment): Promise<void> {
    if (!this.#hasPlatform) {
      const connect = async <T>(database: string, work: (client: pg.Client) => Promise<T>) =>
        await this.#cluster.withClient(work, {
          database,
          options: WAITS_FOR_NOBODY,
          query_timeout: 2 * SETUP_MS_MAX,
        })
      await ensurePlatform(connect, { replicationPassword: wanted.replicationPassword })
      const here = wanted.schemas.map(({ serviceId }) => serviceId)
      await this.withApps(async (client) => await fenceStrangers(client, here))
      this.#hasPlatform = true
    }
    const changed = wanted.schemas.filter(
      (schema) => this.#entries.get(schema.schema)?.wanted !== JSON.stringify(schema),
    )
    if (changed.length > 0) {
      await this.withApps(async (client) => {
        for (const schema of changed) await this.#prepareOne(client, schema)
      })
    }
    for (const name of this.#entries.keys()) {
      if (!wanted.schemas.some(({ schema }) => schema === name)) this.#entries.delete(name)
    }
  }

  /** Runs `work` as superuser in the apps database. */
  async withApps<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    // Nothing here may hang on a lock that somebody else holds: it would hold up fencing, too.
    const options = `${WAITS_FOR_NOBODY} -c lock_timeout=${SETUP_LOCK_MS_MAX} -c statement_timeout=${SETUP_MS_MAX}`
    return await this.#cluster.withClient(work, { database: APPS_DATABASE, options, query_timeout: 2 * SETUP_MS_MAX })
  }

  facts(): ServerFacts['schemas'] {
    return [...this.#entries].map(([schema, { epoch, problem }]) => ({ schema, epoch, problem }))
  }

  /** PostgreSQL is to be started: its platform is looked at again. */
  forgetPlatform(): void {
    this.#hasPlatform = false
  }

  clear(): void {
    this.#entries.clear()
  }

  // One service's trouble must not keep the others from being served.
  async #prepareOne(client: pg.Client, schema: SchemaAssignment): Promise<void> {
    const entry: Entry = { wanted: JSON.stringify(schema), epoch: schema.epoch, problem: null }
    try {
      await ensureSchema(client, schema)
    } catch (error) {
      Object.assign(entry, { wanted: '', problem: messageOf(error) })
      this.#log.error({ schema: schema.schema, err: error }, 'schema')
    }
    this.#entries.set(schema.schema, entry)
  }
}
