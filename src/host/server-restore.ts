// Making a server's data folder from what a vault holds of another, and telling how far that is.
import { type RestoreProgress, restoreServer } from '../backups/restore.ts'
import { openServerVault } from '../backups/server-vault.ts'
import type { ServerAssignment } from '../contract/assignment.ts'
import type { Cluster } from '../databases/cluster.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import type { Vault } from '../kit/vault.ts'
import { targetOf } from './vault-target.ts'

export class ServerRestore {
  readonly #cluster: Cluster
  readonly #vault: Vault | null
  #progress: RestoreProgress | null = null
  #startedAt = 0

  constructor(options: { cluster: Cluster; vault: Vault | null }) {
    this.#cluster = options.cluster
    this.#vault = options.vault
  }

  /** How far it is, and since when; null while nothing is being restored. */
  get progress(): (RestoreProgress & { elapsedMs: number }) | null {
    const elapsedMs = Math.round(performance.now() - this.#startedAt)
    return this.#progress && { ...this.#progress, elapsedMs }
  }

  /** Killed in the middle it leaves a folder that counts as empty, and begins again. Faults as `restoreServer`. */
  async run(wanted: NonNullable<ServerAssignment['restore']>, signal: AbortSignal): Promise<void> {
    const { server, key, target } = wanted
    if (!this.#vault) throw new Fault('backup.no_vault', 500, `this host was given no vault to restore ${server} from`)
    const from = openServerVault(this.#vault, { server, key: Buffer.from(key, 'base64') })
    this.#startedAt = performance.now()
    const onProgress = (progress: RestoreProgress) => {
      this.#progress = progress
      faultPoint(`host.restore.${progress.step}`)
    }
    try {
      await restoreServer(from, { target: targetOf(target), cluster: this.#cluster, onProgress, signal })
      faultPoint('host.restore.finished')
    } finally {
      this.#progress = null
    }
  }
}
