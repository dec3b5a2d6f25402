// The backups of one server whose primary is here: its WAL as it is made, a base backup when one is due, what expires.
import { restorableInterval } from '../backups/catalogue.ts'
import { readCatalogue } from '../backups/read-catalogue.ts'
import { removeUnfinished } from '../backups/remove-expired.ts'
import { daysToKeep } from '../backups/retention.ts'
import { openServerVault, type ServerVault } from '../backups/server-vault.ts'
import { VAULT_SLOT, WalReceiver } from '../backups/wal-receiver.ts'
import type { BackupDone } from '../backups/worker-channel.ts'
import type { BackupAssignment } from '../contract/assignment.ts'
import type { BackupFacts, BackupTaken } from '../contract/backup.ts'
import type { Upstream } from '../databases/cluster-config.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { BACKUP_RETRY_MS } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import type { Vault } from '../kit/vault.ts'
import { takeBackupApart } from './backup-process.ts'

/** What control wants, under the epoch of the server. */
export type WantedBackups = BackupAssignment & { epoch: number }

type Run = {
  wanted: WantedBackups
  vault: ServerVault
  from: Upstream
  receiver: WalReceiver
  aborter: AbortController
  /** It reads what the vault holds, or takes a base backup: one at a time. */
  isTending: boolean
}

export class ServerBackups {
  readonly #server: string
  readonly #vault: Vault | null
  readonly #vaultText: string
  readonly #log: Log
  #run: Run | null = null
  #newest: { endedAt: string; timeline: number } | null = null
  #from: string | null = null
  #isLoaded = false
  #taking: Promise<BackupDone> | null = null
  #takenBytes: number | null = null
  #takenId: string | null = null
  #coveredGap: string | null = null
  #problem: string | null = null
  #nextTryAt = 0

  constructor(options: { server: string; vault: Vault | null; vaultText: string; log: Log }) {
    this.#server = options.server
    this.#vault = options.vault
    this.#vaultText = options.vaultText
    this.#log = options.log
  }

  get facts(): BackupFacts | null {
    if (!this.#run) return null
    const { state, behindBytes, storedAt, problem } = this.#run.receiver.facts
    return {
      vault: this.#run.vault.name,
      state,
      behindBytes,
      restorableFrom: this.#from,
      restorableTo: this.#from === null ? null : (storedAt?.toISOString() ?? null),
      newestAt: this.#newest?.endedAt ?? null,
      takenBytes: this.#takenBytes,
      problem: this.#problem ?? problem,
    }
  }

  /** The base backup that is being taken now. */
  get underWay(): string | null {
    return this.#takenId
  }

  /** Called again and again while the server is open: begins, goes on, and takes a base backup when one is due. */
  follow(wanted: WantedBackups | null, from: Omit<Upstream, 'slot'>): void {
    if (wanted === null || this.#vault === null) {
      this.stop()
      return
    }
    if (this.#run && !isSameRun(this.#run.wanted, wanted)) this.stop()
    this.#run ??= this.#begin(wanted, this.#vault, { ...from, slot: VAULT_SLOT })
    this.#run.wanted = wanted
    if (performance.now() < this.#nextTryAt || this.#taking || this.#run.isTending) return
    void this.#tendOnce(this.#run)
  }

  /** Ends what goes on, without waiting: nobody's stop may hang on a vault. */
  stop(): void {
    this.#run?.aborter.abort()
    this.#run = null
    this.#isLoaded = false
    this.#nextTryAt = 0
  }

  /** A base backup now, or the one that is being taken. Faults with `backup.no_vault` or what ends it. */
  async takeNow(): Promise<BackupTaken> {
    const run = this.#run
    if (!run) {
      throw new Fault('backup.no_vault', 409, `${this.#server} is not backed up here`, {
        hint:
          this.#vault === null
            ? 'Give the hosts a vault: mainstay host --vault, or MAINSTAY_VAULT.'
            : 'It is once it holds data of a mobile service, and has a protection: mainstay sql server protect',
      })
    }
    const { manifest } = await (this.#taking ?? this.#take(run))
    const { id, plainBytes, storedBytes } = manifest
    return { id, plainBytes, storedBytes }
  }

  #begin(wanted: WantedBackups, vault: Vault, from: Upstream): Run {
    const own = openServerVault(vault, { server: this.#server, key: Buffer.from(wanted.key, 'base64') })
    const aborter = new AbortController()
    const receiver = new WalReceiver(own, from)
    void receiver.run(aborter.signal)
    return { wanted, vault: own, from, receiver, aborter, isTending: false }
  }

  async #tendOnce(run: Run): Promise<void> {
    run.isTending = true
    try {
      await this.#tend(run)
    } catch (error) {
      if (run === this.#run) this.#noteProblem(error)
    } finally {
      run.isTending = false
    }
  }

  async #tend(run: Run): Promise<void> {
    const { state, timeline, gap } = run.receiver.facts
    if (state !== 'streaming') return
    if (!this.#isLoaded) await this.#load(run)
    // Stopped, or begun anew, while the vault was read; or somebody asked for a backup meanwhile.
    if (run !== this.#run || this.#taking) return
    const gapKey = gap && JSON.stringify(gap)
    const isOld = Date.now() - Date.parse(this.#newest?.endedAt ?? '') >= run.wanted.everyMs
    const isOther = this.#newest?.timeline !== timeline
    if (this.#newest && !isOld && !isOther && (gapKey === null || gapKey === this.#coveredGap)) return
    await this.#take(run)
    this.#coveredGap = gapKey
  }

  async #load(run: Run): Promise<void> {
    const catalogue = await readCatalogue(run.vault)
    if (run !== this.#run) return
    const usable = catalogue.backups.find(({ problem }) => problem === null)
    this.#newest = usable ? { endedAt: usable.manifest.endedAt, timeline: usable.manifest.timeline } : null
    this.#from = restorableInterval(catalogue)?.from.toISOString() ?? null
    this.#isLoaded = true
  }

  async #take(run: Run): Promise<BackupDone> {
    this.#takenBytes = 0
    const onProgress = (bytes: number) => {
      this.#takenBytes = bytes
    }
    const onStart = (id: string) => {
      this.#takenId = id
    }
    const { key, epoch } = run.wanted
    const keepDays = daysToKeep(run.wanted, new Date())
    const order = { vault: this.#vaultText, server: this.#server, key, from: run.from, epoch, keepDays }
    const listeners = { onStart, onProgress, signal: run.aborter.signal }
    this.#taking = takeBackupApart(order, listeners)
    try {
      const done = await this.#taking
      const { manifest, restorableFrom, problem } = done
      this.#log.info(
        { server: this.#server, backup: manifest.id, bytes: manifest.plainBytes },
        'a base backup was taken',
      )
      this.#problem = problem && `what has expired could not be removed: ${problem}`
      this.#newest = { endedAt: manifest.endedAt, timeline: manifest.timeline }
      this.#from = restorableFrom ?? this.#from ?? manifest.endedAt
      return done
    } catch (error) {
      // A process that failed has done so itself; one that was killed has not. Nobody waits: in a day they go anyway.
      if (this.#takenId !== null) void removeUnfinished(run.vault, this.#takenId).catch(() => {})
      throw error
    } finally {
      this.#taking = null
      this.#takenBytes = null
      this.#takenId = null
    }
  }

  #noteProblem(error: unknown): void {
    this.#nextTryAt = performance.now() + BACKUP_RETRY_MS
    this.#problem = messageOf(error)
    this.#log.warn({ server: this.#server, err: error }, 'no base backup could be taken')
  }
}

// How long they are kept is looked at when some expire; its WAL need not be broken off for that.
function isSameRun(one: WantedBackups, other: WantedBackups): boolean {
  return one.key === other.key && one.everyMs === other.everyMs && one.epoch === other.epoch
}
