// Whether these rows are the newest there are. A control database that was restored knows less than the machines: it
// takes no epoch and gives no order below what they have seen, and decides nothing before they were heard. One that was
// replaced by a restored one learns it from them, too, and acts no more.
import { sql } from 'kysely'
import type { GatewayFacts, HostFacts } from '../contract/facts.ts'
import { pause, repeat } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { RESTORE_SETTLE_MS } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import { bumpDesired, lastEpoch, listMachines, raiseDesired, raiseEpochs } from '../regions/regions.ts'
import { adoptWhatMachinesHold, isHistoryExplained } from './adoption.ts'
import type { Db } from './database.ts'
import { findUnknown, noteUnknown } from './unknown-holdings.ts'

/** Versions of each restored control begin at a multiple of this: whoever was there before is never above it. */
export const GENERATION = 1_000_000_000_000
/** Epochs that a restore leaves out: more than can be taken between an archive and the loss of its database. */
export const EPOCHS_SKIPPED = 1_000

const LOOK_EVERY_MS = 200

export type FloorFacts = { own: number; reported: number; isSettling: boolean }

/** What a machine's version says about ours. `above` is what ours must be above. */
export function decideVersion({ own, reported, isSettling }: FloorFacts): {
  kind: 'fine' | 'superseded' | 'raise'
  above: number
} {
  if (reported <= own) return { kind: 'fine', above: own }
  const generation = (version: number) => Math.floor(version / GENERATION)
  if (isSettling) return { kind: 'raise', above: (generation(reported) + 1) * GENERATION }
  // The same generation: the database lost its last moments. A later one: a restored control has told them what to do.
  return { kind: generation(reported) > generation(own) ? 'superseded' : 'raise', above: reported }
}

type Restore = {
  id: string
  archive: string
  takenAt: Date
  isSettled: boolean
  epoch: number
  isExplained: boolean
  heard: Set<string>
}

export class Lineage {
  readonly #db: Db
  readonly #board: FactBoard
  readonly #log: Log
  #restore: Restore | null
  #epochsAbove = 0
  #firstHeardAt: number | null = null
  #supersededBy: string | null = null

  private constructor(db: Db, deps: { board: FactBoard; log: Log }, restore: Restore | null) {
    this.#db = db
    this.#board = deps.board
    this.#log = deps.log
    this.#restore = restore
  }

  static async open(db: Db, deps: { board: FactBoard; log: Log }): Promise<Lineage> {
    return new Lineage(db, deps, await readRestore(db))
  }

  /** Why nothing may be decided or told now; null when all is well. */
  heldBy(): Fault | null {
    if (this.#supersededBy !== null) {
      const message = `another control, restored from an archive, has taken this cloud over (${this.#supersededBy} follows it)`
      return new Fault('control.superseded', 503, message, {
        hint: 'Stop this one and use the other. Nothing that is done here reaches a machine.',
      })
    }
    if (!this.#restore || this.#restore.isSettled) return null
    return new Fault(
      'control.settling',
      503,
      'this control was just restored and waits to hear what the machines hold',
      {
        hint: 'Try again in a few seconds. Hosts must find it at their --control URL.',
      },
    )
  }

  /** Resolves when the rows may be acted on. */
  async settled(signal: AbortSignal): Promise<void> {
    while (this.heldBy() !== null && !signal.aborted) await pause(LOOK_EVERY_MS, signal)
  }

  /** Takes a machine's facts before anything is answered. Returns the version that control wants now. */
  async note(facts: HostFacts | GatewayFacts): Promise<number> {
    const { version } = await this.#db.selectFrom('desired').select('version').executeTakeFirstOrThrow()
    await this.#raiseEpochs(facts.highestEpoch ?? 0)
    await this.#noteRestored(facts)
    const isSettling = this.#restore?.isSettled === false
    const decision = decideVersion({ own: Number(version), reported: facts.version, isSettling })
    if (decision.kind === 'superseded') {
      if (this.#supersededBy === null) this.#log.error({ machine: facts.machine }, 'superseded by a restored control')
      this.#supersededBy = facts.machine
    }
    if (decision.kind === 'raise') await raiseDesired(this.#db, decision.above)
    return Math.max(Number(version), decision.kind === 'raise' ? decision.above + 1 : 0)
  }

  /** A machine that has a certificate of ours and no row: it joined after the archive was taken. */
  async noteStranger(machine: string): Promise<void> {
    if (!this.#restore) return
    await noteUnknown(this.#db, [{ machine, kind: 'machine', server: '', name: machine }])
  }

  /**
   * Whether a standby on this machine may be recorded as not promotable. After a restore, one whose host was not heard
   * since may have been promoted: unless all that happened after the archive is explained, or its operator says that it
   * is off.
   */
  async mayRelease(machine: string | null): Promise<boolean> {
    if (this.heldBy() !== null) return false
    if (!this.#restore || this.#restore.isExplained || machine === null || this.#restore.heard.has(machine)) return true
    // Another control process may have heard it, or been told.
    this.#restore = await readRestore(this.#db)
    return this.#restore?.heard.has(machine) ?? true
  }

  /** The hosts that were not heard since the restore and may hold something newer; none when there is no doubt. */
  async unheard(): Promise<string[]> {
    const restore = this.#restore
    if (!restore?.isSettled || restore.isExplained) return []
    const hosts = (await listMachines(this.#db)).filter(({ role, address }) => role === 'host' && address !== null)
    return hosts.map(({ name }) => name).filter((name) => !restore.heard.has(name))
  }

  /** The operator's word that a machine is off for good. Faults with `machine.unknown`. */
  async giveUp(machine: string): Promise<void> {
    if (!(await listMachines(this.#db)).some(({ name }) => name === machine)) {
      throw new Fault('machine.unknown', 404, `there is no machine ${machine}`, { hint: 'See: mainstay status' })
    }
    if (this.#restore) await this.#noteHeard(this.#restore, machine)
  }

  /** After a restore: waits for the machines, then takes over what they hold that is newer than the archive. */
  async watch(signal: AbortSignal, onError: (error: unknown) => void): Promise<void> {
    const done = new AbortController()
    const until = AbortSignal.any([signal, done.signal])
    await repeat({ everyMs: LOOK_EVERY_MS, signal: until, onError }, async () => {
      if (this.#restore && !this.#restore.isSettled) await this.#settleIfHeard(this.#restore)
      if (!this.#restore || this.#restore.isSettled) done.abort()
    })
  }

  async #settleIfHeard(restore: Restore): Promise<void> {
    const machines = (await listMachines(this.#db)).filter((machine) => machine.address !== null)
    const hosts = machines.filter((machine) => machine.role === 'host')
    if (hosts.some(({ name }) => this.#board.hasHeardHost(name))) this.#firstHeardAt ??= performance.now()
    const isLong = this.#firstHeardAt !== null && performance.now() - this.#firstHeardAt >= RESTORE_SETTLE_MS
    // Without any host nothing can be done, and nobody tells which epochs were taken.
    if (!isLong && !machines.every(({ name }) => restore.heard.has(name))) return
    const facts = this.#board.hosts().map((entry) => entry.facts)
    const all = [...facts, ...this.#board.gateways().map((entry) => entry.facts)]
    const highest = Math.max(0, ...all.map(({ highestEpoch }) => highestEpoch ?? 0))
    const isExplained = isHistoryExplained(restore.epoch, highest, facts)
    const adopted = await this.#db.transaction().execute(async (trx) => {
      const open = trx.selectFrom('restores').select('id').where('id', '=', restore.id).where('settled_at', 'is', null)
      // Another control process may have been faster.
      if (!(await open.forUpdate().executeTakeFirst())) return []
      const changes = await adoptWhatMachinesHold(trx, facts)
      const change = { settled_at: sql<Date>`now()`, is_explained: isExplained }
      await trx.updateTable('restores').set(change).where('id', '=', restore.id).execute()
      await bumpDesired(trx)
      return changes
    })
    this.#restore = (await readRestore(this.#db)) ?? restore
    this.#log.info({ archive: restore.archive, adopted }, 'restored: the machines were heard, going on')
  }

  async #raiseEpochs(reported: number): Promise<void> {
    if (reported <= this.#epochsAbove) return
    const last = await lastEpoch(this.#db)
    this.#epochsAbove = last >= reported ? last : await raiseEpochs(this.#db, reported)
  }

  async #noteRestored(facts: HostFacts | GatewayFacts): Promise<void> {
    const restore = this.#restore
    if (!restore || restore.heard.has(facts.machine)) return
    if ('servers' in facts) await noteUnknown(this.#db, await findUnknown(this.#db, facts))
    await this.#noteHeard(restore, facts.machine)
  }

  async #noteHeard(restore: Restore, machine: string): Promise<void> {
    const heard = sql<string>`(select coalesce(jsonb_agg(distinct name), '[]') from jsonb_array_elements_text(
      heard || jsonb_build_array(${machine}::text)) as name)`
    await this.#db.updateTable('restores').set({ heard }).where('id', '=', restore.id).execute()
    restore.heard.add(machine)
  }
}

async function readRestore(db: Db): Promise<Restore | null> {
  const row = await db.selectFrom('restores').selectAll().orderBy('restored_at', 'desc').limit(1).executeTakeFirst()
  if (!row) return null
  const { id, archive, taken_at: takenAt, is_explained: isExplained } = row
  const heard = new Set(row.heard)
  return { id, archive, takenAt, isSettled: row.settled_at !== null, epoch: Number(row.epoch), isExplained, heard }
}
