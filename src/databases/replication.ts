// Asking a running server where it stands in its WAL, and the few statements that move it.
import type pg from 'pg'
import { DIVERGENCE_SLOT } from './app-schema.ts'

export type PrimaryPosition = {
  lsn: string
  timeline: number
  /** The number that the next transaction gets. */
  nextTransaction: string
  /** Of the one standby that follows it; null when none is connected. */
  standby: { isStreaming: boolean; flushLsn: string | null; lagBytes: number; lagMs: number } | null
}

/** End of a primary's WAL, and its standby's distance from it. */
export async function readPrimaryPosition(client: pg.Client, slot: string | null): Promise<PrimaryPosition> {
  const here = await client.query<{ lsn: string; timeline: number; nextTransaction: string }>(
    `select pg_current_wal_lsn()::text as lsn, pg_snapshot_xmax(pg_current_snapshot())::text as "nextTransaction",
            ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int as timeline`,
  )
  const row = here.rows[0]
  if (!row) throw new TypeError('a select without from gives one row')
  if (slot === null) return { ...row, standby: null }
  const there = await client.query<{ state: string; flush: string | null; bytes: string; ms: string }>(
    `select state, flush_lsn::text as flush, greatest(0, pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn))::text as bytes,
            coalesce(extract(epoch from flush_lag) * 1000, 0)::text as ms
       from pg_stat_replication where application_name = $1`,
    [slot],
  )
  const standby = there.rows[0]
  if (!standby) return { ...row, standby: null }
  const lagBytes = Number(standby.bytes ?? 0)
  return {
    ...row,
    standby: {
      isStreaming: standby.state === 'streaming' && standby.flush !== null,
      flushLsn: standby.flush,
      lagBytes,
      // PostgreSQL keeps the last measured lag while nothing is written; nothing behind is no lag.
      lagMs: lagBytes === 0 ? 0 : Math.round(Number(standby.ms)),
    },
  }
}

export type StandbyPosition = { lsn: string | null; timeline: number | null; contactMs: number | null }

/** What a standby has on disk, and when its primary last spoke to it. */
export async function readStandbyPosition(client: pg.Client): Promise<StandbyPosition> {
  const found = await client.query<{ lsn: string | null; timeline: number | null; ms: string | null }>(
    `select pg_last_wal_receive_lsn()::text as lsn,
            (select received_tli from pg_stat_wal_receiver) as timeline,
            (select (extract(epoch from clock_timestamp() - last_msg_receipt_time) * 1000)::text
               from pg_stat_wal_receiver where status = 'streaming') as ms`,
  )
  const row = found.rows[0]
  return {
    lsn: row?.lsn ?? null,
    timeline: row?.timeline ?? null,
    contactMs: row?.ms ? Math.max(0, Math.round(Number(row.ms))) : null,
  }
}

/** Makes the physical slots that standbys use; those that nobody uses any more are dropped. */
export async function ensureSlots(client: pg.Client, slots: string[]): Promise<void> {
  const found = await client.query<{ slot_name: string; wal_status: string; active: boolean }>(
    `select slot_name, wal_status, active from pg_replication_slots where slot_type = 'physical'`,
  )
  for (const slot of found.rows) {
    const isLost = slot.wal_status === 'lost'
    if ((isLost || !slots.includes(slot.slot_name)) && !slot.active) {
      await client.query('select pg_drop_replication_slot($1)', [slot.slot_name])
      if (isLost) found.rows = found.rows.filter((row) => row !== slot)
    }
  }
  for (const slot of slots) {
    if (found.rows.some((row) => row.slot_name === slot)) continue
    await client.query('select pg_create_physical_replication_slot($1, true)', [slot])
  }
}

/** Drops every slot of a standby that nobody uses. */
export async function dropSlots(client: pg.Client): Promise<void> {
  await client.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active')
}

/**
 * Lets the divergence slot forget what the standby has: only what it lacks can ever be stranded. What a standby flushed
 * may end within a record, and a commit that starts before the slot's position is never decoded; what it replayed ends
 * with a record. So the slot follows the lesser of the two, and stays where it is while no standby is connected.
 */
export async function advanceDivergenceSlot(
  client: pg.Client,
  standby: { slot: string; flushLsn: string },
): Promise<void> {
  await client.query(
    `select pg_replication_slot_advance(slot_name, least($2::pg_lsn, replayed.lsn))
       from pg_replication_slots,
            (select min(replay_lsn) as lsn from pg_stat_replication
              where state = 'streaming' and application_name = $3) as replayed
      where slot_name = $1 and confirmed_flush_lsn < least($2::pg_lsn, replayed.lsn) and replayed.lsn is not null
        and not active`,
    [DIVERGENCE_SLOT, standby.flushLsn, standby.slot],
  )
}

/** Promotes a standby and waits until it takes writes. Already promoted is fine. */
export async function promote(client: pg.Client): Promise<void> {
  const found = await client.query<{ is_standby: boolean }>('select pg_is_in_recovery() as is_standby')
  if (found.rows[0]?.is_standby) await client.query('select pg_promote(true, 30)')
}

/** Bytes between two positions as PostgreSQL writes them (`0/3A21F60`): from − to. */
export function lsnDistance(from: string, to: string): number {
  return Number(parseLsn(from) - parseLsn(to))
}

/** A position as a number. */
export function parseLsn(lsn: string): bigint {
  const [high = '0', low = '0'] = lsn.split('/')
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
}

/** A number as a position. */
export function formatLsn(position: bigint): string {
  return `${(position >> 32n).toString(16).toUpperCase()}/${(position & 0xffffffffn).toString(16).toUpperCase()}`
}
