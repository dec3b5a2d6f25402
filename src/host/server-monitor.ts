// Reads where a running server stands, over two kept connections, and what a quarantined one holds.
import type pg from 'pg'
import type { ServerAssignment } from '../contract/assignment.ts'
import type { ServerFacts } from '../contract/facts.ts'
import type { Cluster } from '../databases/cluster.ts'
import { type PrimaryPosition, readPrimaryPosition, readStandbyPosition } from '../databases/replication.ts'
import { WAITS_FOR_NOBODY } from '../databases/synchronous.ts'
import { TransactionMarks } from '../databases/transaction-marks.ts'
import { findForkLsn, findWalEnd } from '../databases/wal-files.ts'
import { pause } from '../kit/clock.ts'
import { folderBytes } from '../kit/files.ts'
import { POSITION_MS_MAX, STANDBY_SILENT_MS } from '../kit/limits.ts'

/** Whether it is open, and whether it is in quarantine. */
export type ServerCondition = { isOpen: boolean; isQuarantined: boolean }

export type Position = Pick<
  ServerFacts,
  'lsn' | 'timeline' | 'forkLsn' | 'standby' | 'lastContactMs' | 'dataBytes' | 'quarantine'
>

const NOTHING: Position = {
  lsn: null,
  timeline: null,
  forkLsn: null,
  standby: null,
  lastContactMs: null,
  dataBytes: null,
  quarantine: null,
}
// Walking a data folder costs more than a fact a second is worth.
const SIZE_EVERY_MS = 30_000

export class ServerMonitor {
  readonly #cluster: Cluster
  readonly #clients = new Map<string, Promise<pg.Client>>()
  #standby: PrimaryPosition['standby'] = null
  readonly #marks = new TransactionMarks()
  #size: { bytes: number; at: number } | null = null
  #quarantine: Position['quarantine'] = null
  #silentSince: number | null = null
  #lookedAt = 0
  #last: Position = NOTHING
  #lastKey = ''
  #reading: Promise<void> | null = null

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** What this primary's standby has on disk, as of the last reading. */
  get standbyFlushLsn(): string | null {
    return this.#standby?.flushLsn ?? null
  }

  /** The position as it was read last. */
  get last(): Position {
    return this.#last
  }

  /** The position, or the last one when a reading takes long; only one reading is under way at a time. */
  async readInTime(wanted: ServerAssignment, state: ServerCondition): Promise<Position> {
    const key = JSON.stringify([state, wanted.role])
    // What was read in another condition says nothing of this one.
    if (key !== this.#lastKey) this.#last = NOTHING
    this.#lastKey = key
    this.#reading ??= this.#read(wanted, state)
      .then(
        (position) => {
          if (key === this.#lastKey) this.#last = position
        },
        // A folder that cannot be read, for one; the state beside these facts tells more.
        () => {},
      )
      .finally(() => {
        this.#reading = null
      })
    await Promise.race([this.#reading, pause(POSITION_MS_MAX)])
    return this.#last
  }

  // A server that does not answer has no position.
  async #read(wanted: ServerAssignment, state: ServerCondition): Promise<Position> {
    if (state.isQuarantined) return { ...NOTHING, quarantine: await this.#readQuarantine() }
    if (!state.isOpen) return NOTHING
    const dataBytes = await this.#readSize()
    try {
      if (wanted.role === 'standby') {
        const { lsn, timeline, contactMs } = await this.use(readStandbyPosition, 'postgres')
        this.#noteContact(contactMs)
        return { ...NOTHING, lsn, timeline, lastContactMs: contactMs, dataBytes }
      }
      const position = await this.use(
        async (client) => await readPrimaryPosition(client, wanted.slots[0] ?? null),
        'postgres',
      )
      this.#standby = position.standby
      const { lsn, timeline } = position
      const forkLsn = await findForkLsn(this.#cluster.dataFolder, timeline)
      return { ...NOTHING, lsn, timeline, standby: this.#withTransactions(position), forkLsn, dataBytes }
    } catch {
      // The state that goes with these facts tells what is wrong with the server.
      return { ...NOTHING, dataBytes }
    }
  }

  #withTransactions({ lsn, nextTransaction, standby }: PrimaryPosition): Position['standby'] {
    this.#marks.note(lsn, nextTransaction)
    if (standby === null) return null
    const { lagBytes, flushLsn } = standby
    const lagTransactions = lagBytes === 0 ? 0 : flushLsn === null ? null : this.#marks.after(flushLsn)
    return { ...standby, lagTransactions }
  }

  /**
   * True when a standby can never catch up: its primary no longer has the WAL that it needs. PostgreSQL says so in its
   * log and tries again for ever.
   */
  async isStandbyLost(): Promise<boolean> {
    if (this.#silentSince === null || performance.now() - this.#silentSince < STANDBY_SILENT_MS) return false
    if (performance.now() - this.#lookedAt < STANDBY_SILENT_MS) return false
    this.#lookedAt = performance.now()
    const tail = await this.#cluster.logTail(20)
    return /requested WAL segment \S+ has already been removed|replication slot ".*" (does not exist|has been invalidated)|can no longer (get changes|access replication slot)|highest timeline \d+ of the primary is behind/.test(
      tail,
    )
  }

  /** Runs a statement on a kept connection. A broken one is dropped, and the error thrown. */
  async use<T>(work: (client: pg.Client) => Promise<T>, database: string): Promise<T> {
    const opening = this.#clients.get(database) ?? this.#open(database)
    try {
      return await work(await opening)
    } catch (error) {
      this.#clients.delete(database)
      opening.then(
        (client) => client.end().catch(() => {}),
        () => {},
      )
      throw error
    }
  }

  /** Drops the connections, whatever state they are in: the server was stopped or started again. */
  forget(): void {
    this.#standby = null
    this.#silentSince = null
    this.close().catch(() => {})
  }

  async close(): Promise<void> {
    const clients = [...this.#clients.values()]
    this.#clients.clear()
    for (const opening of clients) {
      // One that never opened, or broke, needs no closing.
      await opening.then((client) => client.end()).catch(() => {})
    }
  }

  #open(database: string): Promise<pg.Client> {
    const client = this.#cluster.client({ database, options: WAITS_FOR_NOBODY, query_timeout: 5_000 })
    client.on('error', () => {})
    const opening = client.connect().then(() => client)
    this.#clients.set(database, opening)
    return opening
  }

  #noteContact(contactMs: number | null): void {
    if (contactMs !== null) this.#silentSince = null
    else this.#silentSince ??= performance.now()
  }

  async #readSize(): Promise<number> {
    const now = performance.now()
    if (!this.#size || now - this.#size.at > SIZE_EVERY_MS) {
      this.#size = { bytes: await folderBytes(this.#cluster.dataFolder), at: now }
    }
    return this.#size.bytes
  }

  // Nothing changes in a quarantined folder, so once is enough.
  async #readQuarantine(): Promise<Position['quarantine']> {
    this.#quarantine ??= {
      endLsn: await findWalEnd(this.#cluster.dataFolder),
      keptBytes: await folderBytes(this.#cluster.dataFolder),
      folder: this.#cluster.dataFolder,
    }
    return this.#quarantine
  }
}
