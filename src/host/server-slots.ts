// The replication slots of a primary: its standby's, the vault's, and the one that keeps decodable what only it has.
import { VAULT_SLOT } from '../backups/wal-receiver.ts'
import type { ServerAssignment } from '../contract/assignment.ts'
import { APPS_DATABASE } from '../contract/table-format.ts'
import { ensureDivergenceSlot } from '../databases/app-schema.ts'
import { advanceDivergenceSlot, ensureSlots } from '../databases/replication.ts'
import { messageOf } from '../kit/fault.ts'
import type { Log } from '../kit/log.ts'
import type { ServerMonitor } from './server-monitor.ts'

export class ServerSlots {
  readonly #monitor: ServerMonitor
  readonly #log: Log
  #problem: string | null = null

  constructor(monitor: ServerMonitor, log: Log) {
    this.#monitor = monitor
    this.#log = log
  }

  /** Makes what is missing or was given up, drops what nobody wants, and lets go of what the standby has. */
  async tend(wanted: ServerAssignment): Promise<void> {
    const slots = [...wanted.slots, ...(wanted.backup ? [VAULT_SLOT] : [])]
    await this.#monitor.use(async (client) => await ensureSlots(client, slots), 'postgres')
    await this.#tendDivergence(wanted)
  }

  // What the standby lacks is to be decodable, but not at the price of serving: PostgreSQL gives the slot up when too
  // much waits, and a new one wants every transaction of now to end.
  async #tendDivergence({ name, slots: [slot] }: ServerAssignment): Promise<void> {
    const flushLsn = this.#monitor.standbyFlushLsn
    try {
      await this.#monitor.use(async (client) => {
        await ensureDivergenceSlot(client)
        if (flushLsn && slot) await advanceDivergenceSlot(client, { slot, flushLsn })
      }, APPS_DATABASE)
      this.#problem = null
    } catch (error) {
      const problem = messageOf(error)
      if (problem !== this.#problem) this.#log.warn({ server: name, problem }, 'no divergence slot')
      this.#problem = problem
    }
  }
}
