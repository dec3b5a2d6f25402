// Until when this runtime may speak for a server: no write is acknowledged and no row shown past that moment.
import type { LeaseUntil } from '../contract/runtime-channel.ts'
import { Fault } from '../kit/fault.ts'
import { outcomeUnknown, unavailable } from './app-faults.ts'

// The server's name is for the log, as the cause: an app has no use for it.
const REFUSAL = 'The database is not available: its lease does not hold.'

export class Leases {
  readonly #now: () => number
  #untilByServer = new Map<string, number | null>()

  /** `now` is the clock of the deadlines, kit's `bootMs`. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes the complete list; a server that is not in it is refused. */
  set(leases: LeaseUntil[]): void {
    this.#untilByServer = new Map(leases.map(({ server, untilBootMs }) => [server, untilBootMs]))
  }

  isHeld(server: string): boolean {
    const until = this.#untilByServer.get(server)
    if (until === undefined) return false
    return until === null || this.#now() < until
  }

  /** Refuses with 503 when the server's lease does not hold. */
  require(server: string): void {
    if (!this.isHeld(server)) throw unavailable(REFUSAL, server)
  }

  /**
   * Runs work on a server under its lease, checked before and after: a commit past the lease may be on a primary that
   * was already replaced, and rows read past it may be old.
   */
  async guard<T>(options: { server: string; isWrite: boolean }, work: () => Promise<T>): Promise<T> {
    this.require(options.server)
    let result: T
    try {
      result = await work()
    } catch (error) {
      // What failed by itself with 503 says already what is known; a verdict such as 404 no longer counts.
      if (this.isHeld(options.server) || !(error instanceof Fault) || error.status === 503) throw error
      throw unavailable(REFUSAL, error)
    }
    if (this.isHeld(options.server)) return result
    throw options.isWrite ? outcomeUnknown(REFUSAL, options.server) : unavailable(REFUSAL, options.server)
  }
}
