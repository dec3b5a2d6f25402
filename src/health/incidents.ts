// Verdicts that last: opened and closed without flapping, kept as incidents so that a restart remembers since when.
import type { Kysely, Selectable } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { randomId } from '../kit/identifiers.ts'
import { decideOpening, type Watched, WELL } from './opening.ts'
import type { Verdict } from './verdict.ts'

export type Incident = Selectable<ControlDatabase['incidents']>
export type SubjectKind = 'service' | 'region'

/** What a person is shown: the verdict in force, and since when. */
export type Standing = { verdict: Verdict; since: Date | null }

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

  /** Takes a fresh verdict; true when the one in force changed. */
  async note(kind: SubjectKind, subject: string, fresh: Verdict): Promise<boolean> {
    const key = `${kind} ${subject}`
    const entry = this.#entries.get(key) ?? { watched: WELL, since: null, incidentId: null }
    this.#entries.set(key, entry)
    const opening = decideOpening(entry.watched, fresh, performance.now())
    // In force only when it is written; else the next one tries again.
    if (opening.isOther) await this.#replace(kind, subject, entry, fresh)
    entry.watched = opening.watched
    return opening.isOther
  }

  /** Forgets a subject that ended. */
  async forget(kind: SubjectKind, subject: string): Promise<void> {
    const entry = this.#entries.get(`${kind} ${subject}`)
    this.#entries.delete(`${kind} ${subject}`)
    if (entry?.incidentId) await this.#close(entry.incidentId)
  }

  async #replace(kind: SubjectKind, subject: string, entry: Entry, fresh: Verdict): Promise<void> {
    if (entry.incidentId) await this.#close(entry.incidentId)
    entry.incidentId = null
    entry.since = null
    if (fresh.state === 'Ready') return
    const { state, cause, message } = fresh
    const row = { id: randomId(), kind, subject, state, cause, message, evidence: JSON.stringify(fresh.evidence) }
    await this.#db.insertInto('incidents').values(row).execute()
    entry.incidentId = row.id
    entry.since = new Date()
  }

  async #close(id: string): Promise<void> {
    await this.#db.updateTable('incidents').set({ closed_at: new Date() }).where('id', '=', id).execute()
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
