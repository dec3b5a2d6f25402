// Which of several control processes executes: a row in the control database says so, and the database's clock decides.
import { type Selectable, sql } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { CONTROL_FORGET_MS, CONTROL_LOOK_MS_MIN, CONTROL_PRESENT_EVERY_MS, CONTROL_SILENT_MS } from '../kit/limits.ts'
import type { Db } from './database.ts'

/** This process as the others see it. The id is its home's: a home is locked, so an earlier process of it is dead. */
export type Self = { id: string; domain: string; version: string; startedAt: Date; isKeyExported: boolean }

export type ElectionFacts = {
  me: string
  /** The term that this process took; null before it ever did. */
  myTerm: number | null
  holder: string | null
  term: number
  /** Since the holder last renewed its presence; null when it has none. */
  holderSilentMs: number | null
  /** No other process can be on this database. */
  isAlone: boolean
}

/** What to do now: go on executing, go on standing by, or take over. */
export function decideElection(facts: ElectionFacts): 'keep' | 'stand_by' | 'take' {
  if (facts.holder === facts.me) return facts.term === facts.myTerm ? 'keep' : 'take'
  if (facts.holder === null || facts.holderSilentMs === null || facts.isAlone) return 'take'
  return facts.holderSilentMs >= CONTROL_SILENT_MS ? 'take' : 'stand_by'
}

/** When to look again: who stands by, at the moment at which the holder would have been silent for too long. */
export function lookAgainMs({ holderSilentMs }: Pick<ElectionFacts, 'holderSilentMs'>): number {
  const leftMs = CONTROL_SILENT_MS - (holderSilentMs ?? 0)
  return Math.ceil(Math.min(CONTROL_PRESENT_EVERY_MS, Math.max(CONTROL_LOOK_MS_MIN, leftMs)))
}

/** Renews this process's presence, giving it a name at first; forgets those that have long been gone. */
export async function notePresence(db: Db, self: Self): Promise<void> {
  const done = await db
    .updateTable('controls')
    .set({
      domain: self.domain,
      version: self.version,
      is_key_exported: self.isKeyExported,
      started_at: self.startedAt,
      seen_at: sql<Date>`now()`,
    })
    .where('id', '=', self.id)
    .executeTakeFirst()
  if (done.numUpdatedRows > 0n) return
  await db.transaction().execute(async (trx) => {
    const long = sql<Date>`now() - make_interval(secs => ${CONTROL_FORGET_MS / 1000})`
    await trx.deleteFrom('controls').where('seen_at', '<', long).execute()
    const taken = new Set((await trx.selectFrom('controls').select('name').execute()).map(({ name }) => name))
    const { id, domain, version, isKeyExported } = self
    const row = { id, name: freeName(taken), domain, version, is_key_exported: isKeyExported }
    // Two that come at once may pick one name: the later one comes again in half a second.
    await trx.insertInto('controls').values(row).execute()
  })
}

/** `term`: under which this process executes, or null. */
export type Elected = { term: number | null; lookAgainMs: number }

/** Looks who executes and takes over when that is due. */
export async function electionRound(
  db: Db,
  self: { id: string; term: number | null; isAlone: boolean },
): Promise<Elected> {
  const seen = await readFacts(db, self)
  const decision = decideElection(seen)
  if (decision === 'stand_by') return { term: null, lookAgainMs: lookAgainMs(seen) }
  const term = decision === 'keep' ? seen.term : await takeOver(db, self)
  return { term, lookAgainMs: CONTROL_PRESENT_EVERY_MS }
}

// Null: somebody else was faster, or the holder is back.
async function takeOver(db: Db, self: { id: string; term: number | null; isAlone: boolean }): Promise<number | null> {
  return await db.transaction().execute(async (trx) => {
    // Waits for what the former one is just committing; what it begins afterwards is refused.
    await trx.selectFrom('executor').select('term').forUpdate().execute()
    const facts = await readFacts(trx, self)
    if (decideElection(facts) !== 'take') return null
    const term = facts.term + 1
    await trx.updateTable('executor').set({ term, holder: self.id, since: sql<Date>`now()` }).execute()
    // Nobody else can write to them any more, so they need not wait until their claims run out.
    await trx.updateTable('operations').set({ holder: null, held_until: null }).where('state', '=', 'running').execute()
    return term
  })
}

/** An orderly stop: whoever stands by may take over at once. */
export async function resign(db: Db, self: { id: string; term: number | null }): Promise<void> {
  if (self.term !== null) {
    const own = db.updateTable('executor').set({ holder: null }).where('holder', '=', self.id)
    await own.where('term', '=', String(self.term)).execute()
  }
  await db.deleteFrom('controls').where('id', '=', self.id).execute()
}

/** A control process with what it does: `since` when it executes, null when it stands by. */
export type ControlProcess = Selectable<ControlDatabase['controls']> & { since: Date | null; silentMs: number }

/** All control processes. */
export async function listControls(db: Db): Promise<ControlProcess[]> {
  const rows = await db
    .selectFrom('controls')
    .leftJoin('executor', 'executor.holder', 'controls.id')
    .selectAll('controls')
    .select('executor.since')
    .select(sql<string>`extract(epoch from clock_timestamp() - seen_at) * 1000`.as('silent'))
    .orderBy('name')
    .execute()
  return rows.map(({ silent, ...row }) => ({ ...row, silentMs: Math.max(0, Math.round(Number(silent))) }))
}

async function readFacts(db: Db, self: { id: string; term: number | null; isAlone: boolean }): Promise<ElectionFacts> {
  const row = await db
    .selectFrom('executor')
    .leftJoin('controls', 'controls.id', 'executor.holder')
    .select(['executor.term', 'executor.holder'])
    .select(sql<number | null>`extract(epoch from clock_timestamp() - seen_at) * 1000`.as('silent_ms'))
    .executeTakeFirstOrThrow()
  return {
    me: self.id,
    myTerm: self.term,
    holder: row.holder,
    term: Number(row.term),
    holderSilentMs: row.silent_ms === null ? null : Number(row.silent_ms),
    isAlone: self.isAlone,
  }
}

function freeName(taken: Set<string>): string {
  for (let number = 1; ; number += 1) if (!taken.has(`control-${number}`)) return `control-${number}`
}
