// What a running primary's apps database must hold: our platform, and each service's schema as it is assigned.
import type pg from 'pg'
import type { SchemaAssignment } from '../contract/assignment.ts'
import type { ServerFacts } from '../contract/facts.ts'
import { ensureSchema } from '../databases/app-schema.ts'
import { isElsewhereNow } from '../databases/lost-connection.ts'
import { messageOf } from '../kit/fault.ts'
import type { Log } from '../kit/log.ts'

/** `wanted` is what was carried out, as text; empty after a failure, so that it is tried again. `madeAt`: under its epoch. */
type Entry = { wanted: string; epoch: number; madeAt: number; problem: string | null }

/** How it gets at the apps database; nothing there may hang, since that would hold up fencing, too. */
export type Setup = {
  /** Makes our platform, where it was not looked at since the start. */
  ensurePlatform: () => Promise<void>
  withApps: <T>(work: (client: pg.Client) => Promise<T>) => Promise<T>
}

export class ServerSchemas {
  readonly #log: Log
  readonly #entries = new Map<string, Entry>()
  #hasPlatform = false

  constructor(log: Log) {
    this.#log = log
  }

  /** True when nothing would be done: all is there as it is assigned. */
  isPrepared(wanted: SchemaAssignment[]): boolean {
    return this.#hasPlatform && this.#changed(wanted).length === 0
  }

  /** Makes everything as assigned; only what changed is looked at. */
  async prepare(wanted: SchemaAssignment[], { ensurePlatform, withApps }: Setup): Promise<void> {
    if (!this.#hasPlatform) {
      await ensurePlatform()
      this.#hasPlatform = true
    }
    const changed = this.#changed(wanted)
    if (changed.length > 0) {
      await withApps(async (client) => {
        for (const schema of changed) await this.#prepareOne(client, schema)
      })
    }
    for (const name of this.#entries.keys()) {
      if (!wanted.some(({ schema }) => schema === name)) this.#entries.delete(name)
    }
  }

  #changed(wanted: SchemaAssignment[]): SchemaAssignment[] {
    return wanted.filter((schema) => this.#entries.get(schema.schema)?.wanted !== JSON.stringify(schema))
  }

  facts(): ServerFacts['schemas'] {
    const now = performance.now()
    return [...this.#entries].map(([schema, { epoch, madeAt, problem }]) => {
      return { schema, epoch, ageMs: Math.round(now - madeAt), problem }
    })
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
    const { epoch } = schema
    const entry: Entry = { wanted: JSON.stringify(schema), epoch, madeAt: performance.now(), problem: null }
    try {
      await ensureSchema(client, schema)
      const before = this.#entries.get(schema.schema)
      entry.madeAt = before?.epoch === epoch ? before.madeAt : performance.now()
    } catch (error) {
      // A connection that breaks, as when PostgreSQL stops, says nothing of the schema: all of it is tried again.
      if (isElsewhereNow(error)) throw error
      Object.assign(entry, { wanted: '', problem: messageOf(error) })
      this.#log.error({ schema: schema.schema, err: error }, 'schema')
    }
    this.#entries.set(schema.schema, entry)
  }
}
