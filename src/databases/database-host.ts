// One host of a database that is not ours: how to encrypt the way there, and whether it takes writes.
import pg from 'pg'
import type { TlsMode } from '../contract/external-server.ts'
import { messageOf } from '../kit/fault.ts'

/** What was found at one host. `timeline`: of who is promoted after another it is the higher one. */
export type HostFinding =
  | { kind: 'writable'; timeline: number; version: string }
  | { kind: 'read_only'; version: string }
  | { kind: 'too_old'; version: string }
  | { kind: 'failed'; error: unknown }

/** The oldest PostgreSQL that is worked with, as `server_version_num`. */
export const POSTGRES_VERSION_MIN = 150_000

/** The driver's settings for a way of encrypting. `ca`: PEM of the authorities to trust; null: the usual ones. */
export function sslOf(tls: TlsMode, ca: string | null): Pick<pg.ClientConfig, 'ssl'> {
  if (tls === 'disable') return {}
  return { ssl: { rejectUnauthorized: tls === 'verify-full', ...(ca === null ? {} : { ca }) } }
}

/** Asks a host over a connection of its own, which is ended again. */
export async function askOnce(settings: pg.ClientConfig): Promise<HostFinding> {
  const client = new pg.Client(settings)
  // A connection that breaks emits an error besides failing the query that waits.
  client.on('error', () => {})
  try {
    await client.connect()
    return await askHost(client)
  } catch (error) {
    return { kind: 'failed', error }
  } finally {
    // It may never have been connected; then there is nothing to end.
    await client.end().catch(() => {})
  }
}

/** Asks a host over a connection that is there. Faults as the driver does. */
export async function askHost(client: pg.Client): Promise<HostFinding> {
  const { rows } = await client.query<{ read_only: string; timeline: number | null; number: string; version: string }>(
    `select current_setting('transaction_read_only') as read_only,
            case when pg_is_in_recovery() then null
              else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline,
            current_setting('server_version_num') as number, current_setting('server_version') as version`,
  )
  const [row] = rows
  if (!row) return { kind: 'failed', error: new Error('no answer') }
  const { timeline, version } = row
  if (Number(row.number) < POSTGRES_VERSION_MIN) return { kind: 'too_old', version }
  return timeline === null || row.read_only === 'on'
    ? { kind: 'read_only', version }
    : { kind: 'writable', timeline, version }
}

/** What was found, after the name of the host. */
export function sentenceOf(finding: HostFinding): string {
  if (finding.kind === 'writable') return 'is writable'
  if (finding.kind === 'read_only') return 'is a standby or read-only'
  if (finding.kind === 'too_old') return `is PostgreSQL ${finding.version}`
  return `says: ${messageOf(finding.error)}`
}
