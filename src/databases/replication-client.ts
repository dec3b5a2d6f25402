// A connection to a primary that speaks the replication protocol, and the questions that it can be asked.
import pg from 'pg'
import { quoteIdentifier as id } from '../kit/identifiers.ts'
import { REPLICATOR, type Upstream } from './cluster-config.ts'

/** Who a primary is, and where its WAL ends. */
export type SystemIdentity = { system: string; timeline: number; lsn: string }

/** A client for the primary behind `from`, under a name that `pg_stat_replication` shows; the caller connects it. */
export function replicationClient(from: Upstream, name = 'mainstay'): pg.Client {
  const config = { host: from.socketFolder, port: 5432, user: REPLICATOR, password: from.password }
  // The types of `pg` leave out `replication`; the protocol has it since 9.
  const options = { ...config, application_name: name, replication: 'true', connectionTimeoutMillis: 10_000 }
  const client = new pg.Client(options as pg.ClientConfig)
  // An idle connection that breaks emits an error; the next query reports it.
  client.on('error', () => {})
  return client
}

/** Asks for the system identifier, the timeline, and the end of what is flushed. */
export async function identifySystem(client: pg.Client): Promise<SystemIdentity> {
  const found = await client.query<{ systemid: string; timeline: string; xlogpos: string }>('IDENTIFY_SYSTEM')
  const row = found.rows[0]
  if (!row) throw new TypeError('IDENTIFY_SYSTEM gives one row')
  return { system: row.systemid, timeline: Number(row.timeline), lsn: row.xlogpos }
}

/** PostgreSQL's version, as `18.4`. */
export async function readServerVersion(client: pg.Client): Promise<string> {
  const found = await client.query<{ server_version: string }>('SHOW server_version')
  return found.rows[0]?.server_version ?? ''
}

/** The history file of a timeline that the server was on or is on. */
export async function readTimelineHistory(client: pg.Client, timeline: number): Promise<string> {
  const found = await client.query<{ content: string }>(`TIMELINE_HISTORY ${timeline}`)
  return found.rows[0]?.content ?? ''
}

/**
 * Makes a physical slot where it is missing or has lost its WAL; gives the position that it holds WAL from. With
 * `isRenewed` it is made anew in any case: one may point to WAL that is gone without being lost itself.
 */
export async function ensurePhysicalSlot(
  client: pg.Client,
  slot: string,
  options: { isRenewed: boolean },
): Promise<string> {
  const before = await readSlot(client, slot)
  if (before.lsn !== null && !options.isRenewed) return before.lsn
  if (before.exists) await client.query(`DROP_REPLICATION_SLOT ${id(slot)}`)
  await client.query(`CREATE_REPLICATION_SLOT ${id(slot)} PHYSICAL RESERVE_WAL`)
  const { lsn } = await readSlot(client, slot)
  if (lsn === null) throw new TypeError('a slot that reserves WAL has a position')
  return lsn
}

async function readSlot(client: pg.Client, slot: string): Promise<{ exists: boolean; lsn: string | null }> {
  const found = await client.query<{ slot_type: string | null; restart_lsn: string | null }>(
    `READ_REPLICATION_SLOT ${id(slot)}`,
  )
  const row = found.rows[0]
  return { exists: row?.slot_type != null, lsn: row?.restart_lsn ?? null }
}
