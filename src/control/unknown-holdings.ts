// What machines hold that a restored control does not know: made after its archive was taken. Told, never dropped.
import type { HostFacts } from '../contract/facts.ts'
import { listServers } from '../databases/servers.ts'
import type { Db } from './database.ts'

export type UnknownHolding = {
  machine: string
  kind: 'machine' | 'server' | 'schema' | 'service'
  server: string
  name: string
}

export type KnownHoldings = {
  servers: Set<string>
  /** `server schema`, of ended services too: their data may be kept. */
  schemas: Set<string>
  /** Lower-case names of services. */
  services: Set<string>
}

/** What of a host's facts is in no row. */
export function listUnknown(facts: HostFacts, known: KnownHoldings): UnknownHolding[] {
  const { machine } = facts
  const servers = facts.servers.filter(({ name }) => !known.servers.has(name))
  const schemas = facts.servers.flatMap(({ name: server, schemas: found }) =>
    found.filter(({ schema }) => !known.schemas.has(`${server} ${schema}`)).map(({ schema }) => ({ server, schema })),
  )
  const services = facts.runtimes.flatMap((runtime) => runtime.services)
  return [
    ...servers.map(({ name }) => ({ machine, kind: 'server' as const, server: name, name })),
    ...schemas.map(({ server, schema }) => ({ machine, kind: 'schema' as const, server, name: schema })),
    ...services
      .filter(({ name }) => !known.services.has(name.toLowerCase()))
      .map(({ name }) => ({ machine, kind: 'service' as const, server: '', name })),
  ]
}

/** The same against the rows. */
export async function findUnknown(db: Db, facts: HostFacts): Promise<UnknownHolding[]> {
  const services = await db.selectFrom('services').select(['name', 'server', 'schema_name', 'ended_at']).execute()
  const former = await db.selectFrom('former_schemas').select(['server', 'schema_name']).execute()
  return listUnknown(facts, {
    servers: new Set((await listServers(db)).map(({ name }) => name)),
    schemas: new Set([...services, ...former].map((one) => `${one.server} ${one.schema_name}`)),
    services: new Set(services.filter(({ ended_at }) => ended_at === null).map(({ name }) => name.toLowerCase())),
  })
}

/** Writes down what was found; what is there already stays. */
export async function noteUnknown(db: Db, found: UnknownHolding[]): Promise<void> {
  if (found.length === 0) return
  await db
    .insertInto('unknown_holdings')
    .values(found)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** One sentence for each, for `status`. */
export async function listUnknownSentences(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('unknown_holdings').selectAll().orderBy('machine').orderBy('name').execute()
  return rows.map((row) => {
    if (row.kind === 'machine')
      return `${row.machine} joined after the archive that this control was restored from: join it anew`
    if (row.kind === 'server') return `${row.machine} holds a server '${row.name}' that is not known here`
    if (row.kind === 'service') return `${row.machine} served a service '${row.name}' that is not known here`
    return `${row.server} on ${row.machine} holds schema '${row.name}' of a service that is not known here`
  })
}
