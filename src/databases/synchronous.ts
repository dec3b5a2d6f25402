// Making commits of a primary wait for its standby, and finding out that they do.
import type pg from 'pg'
import { waitFor } from '../kit/clock.ts'
import { quoteLiteral } from '../kit/identifiers.ts'
import { SYNCHRONOUS_SET_MS_MAX } from '../kit/limits.ts'

/** The value of `synchronous_standby_names` for a standby by its slot, which is its application name. */
export function synchronousNames(slot: string | null): string {
  return slot === null ? '' : `FIRST 1 ("${slot}")`
}

/** Sessions of ours change nothing that an app was told of: they wait for no standby, and never hang on one. */
export const WAITS_FOR_NOBODY = '-c synchronous_commit=local'

/**
 * Sets for whom commits wait, null for nobody, and returns once the whole server knows: a commit that begins later
 * waits; where nobody is waited for any more, those that waited go on.
 */
export async function setSynchronousStandby(client: pg.Client, slot: string | null): Promise<void> {
  const names = synchronousNames(slot)
  await client.query(`alter system set synchronous_standby_names = ${quoteLiteral(names)}`)
  await client.query('select pg_reload_conf()')
  await waitFor(
    'PostgreSQL to take its settings',
    async () => {
      const { rows } = await client.query<{ synchronous_standby_names: string }>('show synchronous_standby_names')
      return rows[0]?.synchronous_standby_names === names ? true : undefined
    },
    { withinMs: SYNCHRONOUS_SET_MS_MAX, everyMs: 10 },
  )
  if (slot === null) return
  // All processes were told at once, and this one has heard. The checkpointer tells the others whether anybody is to be
  // waited for at all, before it begins a checkpoint: the second of two that were asked for began after that.
  await client.query('checkpoint')
  await client.query('checkpoint')
}

/** True while the standby streams and is the one that commits wait for. */
export async function isSynchronousWith(client: pg.Client, slot: string): Promise<boolean> {
  const { rows } = await client.query<{ sync_state: string }>(
    `select sync_state from pg_stat_replication where application_name = $1 and state = 'streaming'`,
    [slot],
  )
  return rows.some(({ sync_state }) => sync_state === 'sync')
}
