// The services that this runtime serves, each under its epoch and with its pool.
import type { ServiceAssignment } from '../contract/assignment.ts'
import type { RuntimeService } from '../contract/runtime-channel.ts'
import type { SlowRead } from '../contract/slow-read.ts'
import { SQL_CONNECTIONS_MAX } from '../kit/limits.ts'
import { AppDatabase } from './app-database.ts'
import { ColumnCache } from './columns.ts'
import { type ConnectionBudget, Pool } from './pools.ts'
import { SlowReads } from './slow-reads.ts'
import { TableStore } from './table-store.ts'

export type ServedService = {
  assignment: RuntimeService
  database: AppDatabase
  /** For the SQL of its scripts. */
  sqlPool: Pool
  columns: ColumnCache
  store: TableStore
  slowReads: SlowReads
  /** What its pool was made for: another value needs another pool. */
  binding: string
}

export class Services {
  readonly #budget: ConnectionBudget
  readonly #requestMs: number
  readonly #slowReadMs: number
  #served = new Map<string, ServedService>()

  constructor(options: { budget: ConnectionBudget; requestMs: number; slowReadMs: number }) {
    this.#budget = options.budget
    this.#requestMs = options.requestMs
    this.#slowReadMs = options.slowReadMs
  }

  /** Takes the complete list. Pools of services that left or changed their database are drained. */
  assign(services: RuntimeService[]): void {
    const before = this.#served
    this.#served = new Map(
      services.map((service) => [keyOf(service.name), this.#serve(service, before.get(keyOf(service.name)))]),
    )
    const kept = new Set([...this.#served.values()].map(({ database }) => database))
    for (const { database, sqlPool } of before.values()) {
      if (kept.has(database)) continue
      database.close()
      sqlPool.close()
    }
  }

  /** The service under exactly that epoch, or null: then the route of the request is an old one, or a newer. */
  find(name: string, epoch: string): ServedService | null {
    const served = this.#served.get(keyOf(name))
    return served && String(served.assignment.epoch) === epoch ? served : null
  }

  isServed(name: string): boolean {
    return this.#served.has(keyOf(name))
  }

  /** The service of that name, under whatever epoch. */
  named(name: string): ServedService | undefined {
    return this.#served.get(keyOf(name))
  }

  list(): RuntimeService[] {
    return [...this.#served.values()].map(({ assignment }) => assignment)
  }

  /** All that are served. */
  all(): ServedService[] {
    return [...this.#served.values()]
  }

  /** What would make slow reads faster, by service. */
  slowReads(): { service: string; reads: SlowRead[] }[] {
    const found = this.all().map(({ assignment, slowReads }) => ({ service: assignment.id, reads: slowReads.list() }))
    return found.filter(({ reads }) => reads.length > 0)
  }

  /** Services whose login PostgreSQL refused the last request for a connection. */
  refused(): Set<string> {
    const found = [...this.#served.values()].filter(({ database }) => database.isLoginRefused)
    return new Set(found.map(({ assignment }) => assignment.name))
  }

  /** Drains every pool. */
  close(): void {
    this.assign([])
  }

  #serve(assignment: RuntimeService, before: ServedService | undefined): ServedService {
    const binding = bindingOf(assignment)
    const isKept = before?.binding === binding
    const { schema } = assignment.database
    const database = isKept ? before.database : new AppDatabase(new Pool(this.#targetOf(assignment), this.#budget))
    const sqlPool = isKept ? before.sqlPool : new Pool(this.#targetOf(assignment), this.#budget, SQL_CONNECTIONS_MAX)
    const columns = isKept ? before.columns : new ColumnCache(database, schema)
    const slowReads = isKept ? before.slowReads : new SlowReads(database, this.#slowReadMs)
    const { isSchemaDynamic } = assignment
    return {
      assignment,
      database,
      sqlPool,
      columns,
      store: new TableStore({ database, columns, schema, isSchemaDynamic, slowReads }),
      slowReads,
      binding,
    }
  }

  #targetOf(service: RuntimeService) {
    const { database, user, password } = service.database
    return { host: service.socketFolder, database, user, password, requestMs: this.#requestMs }
  }
}

// Names are DNS labels: the gateway takes them from host names, where case means nothing.
function keyOf(name: string): string {
  return name.toLowerCase()
}

/** The table that a name in a URL means: names are case-insensitive. */
export function findTable(service: ServiceAssignment, name: string) {
  return service.tables.find((table) => table.name.toLowerCase() === name.toLowerCase())
}

function bindingOf(service: RuntimeService): string {
  const { server, serverEpoch, database, schema, user, password } = service.database
  const { epoch, generation, socketFolder } = service
  return JSON.stringify([epoch, generation, server, serverEpoch, database, schema, user, password, socketFolder])
}
