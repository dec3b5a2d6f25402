// What we keep in an external server's database: our functions, and a mark that says whose the database is. The mark also
// puts in turn those who look after it: a host that was replaced while it could not be heard does nothing any more.
import type pg from 'pg'
import type { ExternalMark, ExternalStandbyFacts } from '../contract/external-server.ts'
import { PLATFORM_SCHEMA } from '../contract/table-format.ts'
import { Fault } from '../kit/fault.ts'
import { quoteLiteral as literal, randomId } from '../kit/identifiers.ts'
import { raiseAboveLost } from './after-loss.ts'

const MARK = `${PLATFORM_SCHEMA}.attached`
// Any number that nobody else takes; within one database.
const LOCK = `hashtextextended('mainstay attached', 0)`

const MARK_SQL = `
  create schema if not exists ${PLATFORM_SCHEMA};
  create table if not exists ${MARK} (
    only_row boolean primary key default true check (only_row),
    cloud text not null,
    server text not null,
    -- Of the newest assignment that anybody carried out here.
    version bigint not null default 0,
    token text not null default '',
    -- PostgreSQL's, when stamps were raised last: a failover begins another one.
    timeline integer
  )`

/** As what a host works on it: for which cloud, as which server, by an assignment of which version. */
export type Turn = { cloud: string; server: string; version: number }

/**
 * Runs `work` while nobody else of ours changes the database. Faults with `external.attached_elsewhere` when the mark is
 * somebody else's, with `assignment.stale` when a newer assignment was carried out here before.
 */
export async function inTurn<T>(client: pg.Client, turn: Turn, work: () => Promise<T>): Promise<T> {
  await client.query(`select pg_advisory_lock(${LOCK})`)
  try {
    const taken = await client.query(
      `update ${MARK} set version = $3 where cloud = $1 and server = $2 and version <= $3`,
      [turn.cloud, turn.server, turn.version],
    )
    if (taken.rowCount === 0) throw await notOurTurn(client, turn)
    return await work()
  } finally {
    await client.query(`select pg_advisory_unlock(${LOCK})`).catch(() => {})
  }
}

async function notOurTurn(client: pg.Client, { cloud, server, version }: Turn): Promise<Fault> {
  const mark = await readMark(client)
  if (mark?.cloud === cloud && mark.server === server) {
    return new Fault('assignment.stale', 409, `another host has looked after ${server} since version ${version}`)
  }
  const whose = mark === null ? 'nobody' : mark.cloud === cloud ? mark.server : 'another cloud'
  return new Fault('external.attached_elsewhere', 409, `the database of ${server} is attached as ${whose} now`, {
    hint: `If it is to be ${server}: mainstay sql server attach ${server} --url URL --take-over`,
  })
}

/** Says whose the database is from now on; what is done under an older mark is refused. Returns the mark. */
export async function writeMark(client: pg.Client, { cloud, server }: Omit<Turn, 'version'>): Promise<ExternalMark> {
  const token = randomId()
  await client.query(`select pg_advisory_lock(${LOCK})`)
  try {
    await client.query(MARK_SQL)
    // Versions are told apart within one cloud only.
    await client.query(
      `insert into ${MARK} as old (cloud, server, token) values ($1, $2, $3)
         on conflict (only_row) do update set cloud = $1, server = $2, token = $3,
           version = case when old.cloud = $1 then old.version else 0 end`,
      [cloud, server, token],
    )
  } finally {
    await client.query(`select pg_advisory_unlock(${LOCK})`).catch(() => {})
  }
  return { cloud, server, token }
}

/**
 * After each failover, and in a copy that was restored, new stamps start above every stamp that arrived: the clock of
 * who takes writes now may be behind that of who did before. Only in turn, and where the mark is ours.
 */
export async function raiseStampsOnce(client: pg.Client): Promise<void> {
  const found = await client.query<{ now: number; before: number | null }>(
    `select ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int as now, timeline as before
       from ${MARK}`,
  )
  const [row] = found.rows
  if (!row || row.now === row.before) return
  await raiseAboveLost(client)
  await client.query(`update ${MARK} set timeline = $1`, [row.now])
}

/** The mark, or null where there is none. */
export async function readMark(client: pg.Client): Promise<ExternalMark | null> {
  const there = await client.query<{ there: boolean }>(`select to_regclass(${literal(MARK)}) is not null as there`)
  if (there.rows[0]?.there !== true) return null
  return (await client.query<ExternalMark>(`select cloud, server, token from ${MARK}`)).rows[0] ?? null
}

export type Rights = { version: string; dataBytes: number; problems: string[] }

/** What the database is, and what it or our role lacks to be of use. */
export async function readRights(client: pg.Client): Promise<Rights> {
  const { rows } = await client.query<{
    version: string
    bytes: string
    role: string
    database: string
    encoding: string
    makes_roles: boolean
    makes_schemas: boolean
    has_icu: boolean
  }>(
    `select current_setting('server_version') as version, pg_database_size(current_database())::text as bytes,
            current_user as role, current_database() as database, getdatabaseencoding() as encoding,
            (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) as makes_roles,
            has_database_privilege(current_database(), 'create') as makes_schemas,
            exists (select 1 from pg_collation where collprovider = 'i') as has_icu`,
  )
  const [found] = rows
  if (!found) throw new TypeError('no answer')
  const { role, database } = found
  const lacks: [boolean, string][] = [
    [!found.makes_roles, `'${role}' may not make roles: alter role "${role}" createrole`],
    [!found.makes_schemas, `'${role}' may not make schemas: grant create on database "${database}" to "${role}"`],
    [found.encoding !== 'UTF8', `the database is in ${found.encoding}, not in UTF8`],
    [!found.has_icu, 'it was built without ICU, by which texts are compared'],
  ]
  const problems = lacks.filter(([isLacking]) => isLacking).map(([, text]) => text)
  return { version: found.version, dataBytes: Number(found.bytes), problems }
}

/** Where the server stands, and who follows it; `standbys` null where our role may not see them. */
export type ExternalPosition = {
  lsn: string
  timeline: number
  dataBytes: number
  version: string
  standbys: ExternalStandbyFacts[] | null
}

/** Reads it. */
export async function readPosition(client: pg.Client): Promise<ExternalPosition> {
  const own = await client.query<Record<'lsn' | 'file' | 'bytes' | 'version', string>>(
    `select pg_current_wal_lsn()::text as lsn, pg_walfile_name(pg_current_wal_lsn()) as file,
            pg_database_size(current_database())::text as bytes, current_setting('server_version') as version`,
  )
  const others = await client.query<{ name: string; lag: string | null; ms: string | null }>(
    `select coalesce(nullif(application_name, ''), client_addr::text, 'standby') as name,
            pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn)::text as lag,
            (extract(epoch from flush_lag) * 1000)::text as ms
       from pg_stat_replication`,
  )
  const [row] = own.rows
  if (!row) throw new TypeError('no answer')
  // A role that may not see them sees that they are there, and nothing of them.
  const isSeen = others.rows.every(({ lag }) => lag !== null)
  return {
    lsn: row.lsn,
    timeline: Number.parseInt(row.file.slice(0, 8), 16),
    dataBytes: Number(row.bytes),
    version: row.version,
    standbys: isSeen
      ? others.rows.map(({ name, lag, ms }) => ({
          name,
          lagBytes: Math.max(0, Number(lag)),
          // A standby that has all there is tells no lag.
          lagMs: ms === null ? (Number(lag) <= 0 ? 0 : null) : Math.round(Number(ms)),
        }))
      : null,
  }
}
