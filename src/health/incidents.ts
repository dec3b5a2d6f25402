// Verdicts that last: opened and closed without flapping, kept as incidents so that a restart remembers since when.
import type { Kysely, Selectable } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { randomId } from '../kit/identifiers.ts'
import { noteChange } from './notices.ts'
import { decideOpening, type Watched, WELL } from './opening.ts'
import type { Verdict } from './verdict.ts'

export type Incident = Selectable<ControlDatabase['incidents']>
/** What incidents are about: a service by its id, a region by its slug, a server's standby or backups, a machine. */
export type SubjectKind = 'service' | 'region' | 'standby' | 'vault' | 'gateway' | 'certificate'

/** What a person is shown: the verdict in force, and since when. */
export type Standing = { verdict: Verdict; since: Date | null }

export type OpenIncident = { kind: SubjectKind; subject: string; standing: Standing }

type Entry = { watched: Watched; since: Date | null; incidentId: string | null }

export class Incidents {
  readonly #db: Kysely<ControlDatabase>
  #entries = new Map<string, Entry>()
  #loads = 0

  constructor(db: Kysely<ControlDatabase>) {
    this.#db = db
  }

  /** Reads what is open: before the last stop, or by another control process that judges. */
  async load(): Promise<void> {
    this.#loads += 1
    const turn = this.#loads
    const rows = await this.#db.selectFrom('incidents').selectAll().where('closed_at', 'is', null).execute()
    // One that was begun later has read what is newer.
    if (turn !== this.#loads) return
    this.#entries = new Map(
      rows.map((row) => {
        const watched = { ...WELL, verdict: verdictOf(row) }
        return [`${row.kind} ${row.subject}`, { watched, since: row.opened_at, incidentId: row.id }]
      }),
    )
  }

  /** The verdict in force. */
  get(kind: SubjectKind, subject: string): Standing {
    const entry = this.#entries.get(`${kind} ${subject}`)
    return { verdict: entry?.watched.verdict ?? WELL.verdict, since: entry?.since ?? null }
  }

  /** All verdicts in force that are not Ready. */
  open(): OpenIncident[] {
    return [...this.#entries].flatMap(([key, { watched, since }]) => {
      const at = key.indexOf(' ')
      if (watched.verdict.state === 'Ready') return []
      const standing = { verdict: watched.verdict, since }
      return [{ kind: key.slice(0, at) as SubjectKind, subject: key.slice(at + 1), standing }]
    })
  }

  /**
   * Takes a fresh verdict; true when the one in force changed. `area`: the region that it is about, by name, or the failure
   * domain of a machine.
   */
  async note(kind: SubjectKind, subject: string, fresh: Verdict, area: string): Promise<boolean> {
    const key = `${kind} ${subject}`
    const entry = this.#entries.get(key) ?? { watched: WELL, since: null, incidentId: null }
    this.#entries.set(key, entry)
    const opening = decideOpening(entry.watched, fresh, performance.now())
    // In force only when it is written; else the next one tries again.
    if (opening.isOther) await this.#replace({ kind, subject, area }, entry, fresh)
    entry.watched = opening.watched
    return opening.isOther
  }

  /** Forgets a subject that ended. */
  async forget(kind: SubjectKind, subject: string): Promise<void> {
    const entry = this.#entries.get(`${kind} ${subject}`)
    this.#entries.delete(`${kind} ${subject}`)
    if (entry?.incidentId) await this.#write({ kind, subject, area: '' }, entry, null)
  }

  async #replace(
    about: { kind: SubjectKind; subject: string; area: string },
    entry: Entry,
    fresh: Verdict,
  ): Promise<void> {
    entry.incidentId = await this.#write(about, entry, fresh.state === 'Ready' ? null : fresh)
    entry.since = entry.incidentId === null ? null : new Date()
  }

  // Closes the one that is open, opens the next, and writes down whom that is told to: all of it or nothing.
  async #write(
    about: { kind: SubjectKind; subject: string; area: string },
    { incidentId, watched }: Entry,
    next: Exclude<Verdict, { state: 'Ready' }> | null,
  ): Promise<string | null> {
    const id = next && randomId()
    await this.#db.transaction().execute(async (trx) => {
      if (incidentId !== null) {
        const closed = trx.updateTable('incidents').set({ closed_at: new Date() }).where('id', '=', incidentId)
        await closed.execute()
      }
      if (next && id) {
        const { state, cause, message, evidence } = next
        const row = { id, ...about, state, cause, message, evidence: JSON.stringify(evidence) }
        await trx.insertInto('incidents').values(row).execute()
      }
      const { verdict } = watched
      const before = incidentId !== null && verdict.state !== 'Ready' ? { id: incidentId, ...verdict } : null
      await noteChange(trx, { ...about, before, after: next && id ? { id, ...next } : null })
    })
    return id
  }
}

/** The verdicts in force on services, by id, as the rows have them: part of what assignments are derived from. */
export async function listServiceVerdicts(db: Kysely<ControlDatabase>): Promise<Map<string, Verdict>> {
  const open = db.selectFrom('incidents').selectAll().where('closed_at', 'is', null).where('kind', '=', 'service')
  return new Map((await open.execute()).map((row) => [row.subject, verdictOf(row)]))
}

function verdictOf(row: Incident): Verdict {
  const state = row.state === 'Unhealthy' ? ('Unhealthy' as const) : ('Degraded' as const)
  return { state, cause: row.cause, message: row.message, evidence: row.evidence }
}
