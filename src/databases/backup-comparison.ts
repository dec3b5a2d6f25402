// A backup against the living rows: what has the same version must be the same row, what is old must be there.
import type pg from 'pg'
import type { CheckBackupAnswer } from '../contract/service-check.ts'
import { COMPARISON_MARGIN_MS, PROBLEMS_TOLD_MAX } from '../kit/limits.ts'
import { columnNames } from './restored-table.ts'
import { type MomentDigest, streamRowDigests } from './row-digests.ts'

export type ComparedSide = { client: pg.Client; schema: string }

/** Compares table by table. `restoredMs`: the moment of the backup, in milliseconds since 1970. */
export async function compareBackup(
  sides: { backup: ComparedSide; live: ComparedSide },
  wanted: { tables: string[]; restoredMs: number },
): Promise<Omit<CheckBackupAnswer, 'restoredTo'>> {
  const found = { rows: 0, changed: 0, gone: 0, problems: [] as string[] }
  for (const table of wanted.tables) {
    const [then, now] = [await namesOf(sides.backup, table), await namesOf(sides.live, table)]
    // It was made since.
    if (then.length === 0) continue
    if (now.length === 0) {
      found.problems.push(`table ${table}: is in the backup, and not there now`)
      continue
    }
    const columns = then.filter((name) => now.includes(name))
    const where = { table, columns }
    const rows = {
      backup: streamRowDigests(sides.backup.client, { ...sides.backup, ...where }),
      live: streamRowDigests(sides.live.client, { ...sides.live, ...where }),
    }
    await compareRows(rows, { table, restoredMs: wanted.restoredMs }, found)
  }
  return found
}

async function namesOf({ client, schema }: ComparedSide, table: string): Promise<string[]> {
  return await columnNames(client, schema, table)
}

/** Merges two streams of rows in the order of their ids' bytes. */
export async function compareRows(
  sides: { backup: AsyncIterator<MomentDigest>; live: AsyncIterator<MomentDigest> },
  { table, restoredMs }: { table: string; restoredMs: number },
  found: Omit<CheckBackupAnswer, 'restoredTo'>,
): Promise<void> {
  const tell = (problem: string) => {
    if (found.problems.length < PROBLEMS_TOLD_MAX) found.problems.push(`table ${table}: ${problem}`)
  }
  let [then, now] = [await next(sides.backup), await next(sides.live)]
  while (then !== null || now !== null) {
    const order = then === null ? 1 : now === null ? -1 : Buffer.compare(Buffer.from(then.id), Buffer.from(now.id))
    if (then !== null && order < 0) {
      found.rows += 1
      found.gone += 1
      then = await next(sides.backup)
    } else if (now !== null && order > 0) {
      if (now.updatedMs < restoredMs - COMPARISON_MARGIN_MS)
        tell(`row '${now.id}' is old enough, and not in the backup`)
      now = await next(sides.live)
    } else if (then !== null && now !== null) {
      found.rows += 1
      if (then.version === now.version && then.digest !== now.digest)
        tell(`row '${now.id}' is another one in the backup`)
      if (then.version > now.version) tell(`row '${now.id}' is older than in the backup`)
      if (then.version < now.version) found.changed += 1
      then = await next(sides.backup)
      now = await next(sides.live)
    }
  }
}

async function next(rows: AsyncIterator<MomentDigest>): Promise<MomentDigest | null> {
  const { done, value } = await rows.next()
  return done ? null : value
}
