// Keeps archives of the control database in the vaults: soon after each change, and every few minutes in any case.
import { sql } from 'kysely'
import type { KeyedSeal } from '../accounts/seal.ts'
import { repeat } from '../kit/clock.ts'
import { messageOf } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import { ARCHIVE_EVERY_MS_MAX, ARCHIVE_LOOK_EVERY_MS, ARCHIVED_PIECES_SWEEP_EVERY_MS } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { folderVault, type Vault } from '../kit/vault.ts'
import { PASSING_TABLES, readArchive } from './archive-data.ts'
import { keyOfArchive, listArchives, packArchive, unpackArchive } from './archive-file.ts'
import { chooseOutdated } from './archive-keep.ts'
import { PieceKeeper } from './archived-pieces.ts'
import type { ControlStore } from './database.ts'

export type ArchivistDeps = {
  store: ControlStore
  /** The id of this control process. */
  id: string
  folders: string[]
  seal: KeyedSeal
  log: Log
  /** While the rows are not to be trusted, they are not archived either. */
  isHeld: () => boolean
}

export class Archivist {
  readonly #deps: ArchivistDeps
  readonly #vaults: { vault: Vault; pieces: PieceKeeper }[]
  #sweptAt = performance.now()
  #mark = ''
  #writtenAt = Number.NEGATIVE_INFINITY
  #problem: string | null = null

  constructor(deps: ArchivistDeps) {
    this.#deps = deps
    this.#vaults = deps.folders.map(folderVault).map((vault) => ({ vault, pieces: new PieceKeeper(vault) }))
  }

  /** Looks and writes until the signal. Every control process does this: each has vaults of its own, or shares them. */
  async watch(signal: AbortSignal): Promise<void> {
    if (this.#vaults.length === 0) return
    const onError = (error: unknown) => this.#deps.log.warn({ err: error }, 'the control database was not archived')
    await repeat({ everyMs: ARCHIVE_LOOK_EVERY_MS, signal, onError }, async () => await this.writeIfDue())
  }

  /** Writes an archive when something changed since the last one, or when that is too old. */
  async writeIfDue(): Promise<void> {
    if (this.#vaults.length === 0 || this.#deps.isHeld()) return
    const mark = await this.#readMark()
    const isOld = performance.now() - this.#writtenAt >= ARCHIVE_EVERY_MS_MAX
    // A vault that could not be written to is tried again each time.
    if (mark === this.#mark && !isOld && this.#problem === null) return
    await this.#write()
    this.#mark = mark
    this.#writtenAt = performance.now()
  }

  async #write(): Promise<void> {
    const takenAt = new Date()
    const client = await this.#deps.store.pool.dedicated()
    let bytes: Buffer
    try {
      bytes = await packArchive(await readArchive(client, { keyFingerprint: this.#deps.seal.fingerprint, takenAt }))
    } finally {
      await client.end()
    }
    const key = keyOfArchive(takenAt, randomId(4))
    const problems: string[] = []
    for (const { vault, pieces } of this.#vaults) {
      const keep = async () => {
        await pieces.keep(this.#deps.store.db)
        await keepIn(vault, key, bytes)
      }
      // One vault that is away must not keep the others from theirs; status tells of it.
      await keep().catch((error) => {
        pieces.forget()
        problems.push(`${vault.name}: ${messageOf(error)}`)
      })
    }
    await this.#sweepIfDue()
    const isSomewhere = problems.length < this.#vaults.length
    await this.#note(isSomewhere ? takenAt : null, problems.join('; ') || null)
  }

  async #sweepIfDue(): Promise<void> {
    if (performance.now() - this.#sweptAt < ARCHIVED_PIECES_SWEEP_EVERY_MS) return
    this.#sweptAt = performance.now()
    for (const { vault, pieces } of this.#vaults) {
      try {
        const oldest = (await listArchives(vault)).at(-1)
        if (oldest) await pieces.sweep(this.#deps.store.db, oldest.takenAt)
      } catch (error) {
        this.#deps.log.warn({ err: error, vault: vault.name }, 'what no archive needs stays in a vault')
      }
      pieces.forget()
    }
  }

  async #note(takenAt: Date | null, problem: string | null): Promise<void> {
    if (problem !== null && problem !== this.#problem) {
      this.#deps.log.warn({ problem }, 'a vault does not take archives of the control database')
    }
    this.#problem = problem
    await this.#deps.store.db
      .updateTable('controls')
      .set({ vaults: this.#vaults.length, archive_problem: problem, ...(takenAt ? { archived_at: takenAt } : {}) })
      .where('id', '=', this.#deps.id)
      .execute()
  }

  // Every change of intent has a version and every step of an operation a revision; that a standby became promotable
  // has neither. Whatever else is archived and changes is counted by PostgreSQL itself, if up to ten seconds late.
  async #readMark(): Promise<string> {
    const { rows } = await sql<{ mark: string }>`
      select concat_ws(' ', (select version from desired), (select sum(revision) from operations),
        (select string_agg(standing, ' ' order by server, machine) from server_members),
        (select count(*) from machines),
        (select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables
         where schemaname = 'public' and relname != all(${PASSING_TABLES}::text[]))) as mark`.execute(
      this.#deps.store.db,
    )
    return rows[0]?.mark ?? ''
  }
}

async function keepIn(vault: Vault, key: string, bytes: Buffer): Promise<void> {
  await vault.put(key, bytes)
  // What cannot be read back is no archive.
  await unpackArchive((await vault.get(key)) ?? new Uint8Array())
  for (const archive of chooseOutdated(await listArchives(vault))) await vault.remove(archive.key)
}
