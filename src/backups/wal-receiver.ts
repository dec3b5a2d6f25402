// Keeps a server's WAL in a vault while the server runs: connects, goes on where the vault ends, and begins again.
import type { Upstream } from '../databases/cluster-config.ts'
import { formatLsn, parseLsn } from '../databases/replication.ts'
import { identifySystem, replicationClient } from '../databases/replication-client.ts'
import { pause, repeat } from '../kit/clock.ts'
import { messageOf } from '../kit/fault.ts'
import { WAL_CONNECT_RETRY_MS_MAX, WAL_CONNECT_RETRY_MS_MIN } from '../kit/limits.ts'
import type { ServerVault } from './server-vault.ts'
import { type KeptFacts, WalKeeper } from './wal-keeper.ts'
import { findWalPlace } from './wal-place.ts'
import { startWalStream } from './wal-stream.ts'

/** The physical slot that holds a primary's WAL until the vault has it. */
export const VAULT_SLOT = 'mainstay_vault'

export type ReceiverFacts = {
  state: 'connecting' | 'streaming' | 'stopped'
  timeline: number | null
  /** Up to here the vault has everything; null before that is known. Positions as PostgreSQL writes them. */
  storedLsn: string | null
  serverLsn: string | null
  behindBytes: number | null
  /** Every moment up to this one can be restored, by the primary's clock. */
  storedAt: Date | null
  /** The last thing that went wrong, until it goes well again. */
  problem: string | null
  /** WAL that the vault will never have; until the next backup nothing after it can be restored. */
  gap: { timeline: number; fromLsn: string; toLsn: string | null } | null
  /** What this receiver put in the vault. */
  pieces: number
  bytes: number
}

export class WalReceiver {
  readonly #vault: ServerVault
  readonly #from: Upstream
  readonly #kept: KeptFacts = { stored: 0n, serverEnd: 0n, storedAt: null, problem: null, pieces: 0, bytes: 0 }
  #state: ReceiverFacts['state'] = 'stopped'
  #timeline: number | null = null
  #gap: ReceiverFacts['gap'] = null
  #isAfterGap = false

  /** `from` leads to the running primary; its slot is the receiver's own and is made when it is missing. */
  constructor(vault: ServerVault, from: Upstream) {
    this.#vault = vault
    this.#from = from
  }

  get facts(): ReceiverFacts {
    const { stored, serverEnd, storedAt, problem, pieces, bytes } = this.#kept
    const isKnown = stored > 0n && serverEnd > 0n
    return {
      state: this.#state,
      timeline: this.#timeline,
      storedLsn: stored > 0n ? formatLsn(stored) : null,
      serverLsn: serverEnd > 0n ? formatLsn(serverEnd) : null,
      behindBytes: isKnown ? Math.max(0, Number(serverEnd - stored)) : null,
      storedAt: storedAt === null ? null : new Date(storedAt),
      problem,
      gap: this.#gap,
      pieces,
      bytes,
    }
  }

  /** Runs until the signal; then stores what has come, if the vault takes it at once. Never fails: see `facts`. */
  async run(signal: AbortSignal): Promise<void> {
    const looking = repeat({ everyMs: WAL_CONNECT_RETRY_MS_MAX, signal, onError: () => {} }, () => this.#look())
    let waitMs = WAL_CONNECT_RETRY_MS_MIN
    while (!signal.aborted) {
      this.#state = 'connecting'
      const piecesBefore = this.#kept.pieces
      try {
        await this.#connect(signal)
      } catch (error) {
        this.#kept.problem = messageOf(error)
      }
      if (signal.aborted) break
      waitMs =
        this.#kept.pieces > piecesBefore ? WAL_CONNECT_RETRY_MS_MIN : Math.min(2 * waitMs, WAL_CONNECT_RETRY_MS_MAX)
      await pause(waitMs * (0.5 + Math.random() / 2), signal)
    }
    this.#state = 'stopped'
    await looking
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const client = replicationClient(this.#from, this.#from.slot)
    await client.connect()
    try {
      const place = await findWalPlace(client, this.#vault, {
        from: this.#from,
        isAfterGap: this.#isAfterGap,
        // Another primary's end may lie before the old one's.
        onServerEnd: (end) => {
          this.#kept.serverEnd = end
        },
      })
      if (this.#isAfterGap && this.#gap) this.#gap = { ...this.#gap, toLsn: formatLsn(place.start) }
      const keeper = new WalKeeper(this.#vault, place, this.#kept)
      const from = { slot: this.#from.slot, timeline: place.timeline, start: place.start }
      const stream = startWalStream(client, from, (message) => keeper.take(message))
      this.#timeline = place.timeline
      this.#state = 'streaming'
      try {
        await keeper.run(stream, signal)
        this.#isAfterGap = false
      } catch (error) {
        this.#isAfterGap = isRemoved(error)
        if (this.#isAfterGap) this.#gap = { timeline: place.timeline, fromLsn: formatLsn(place.stored), toLsn: null }
        throw error
      }
    } finally {
      // A primary that hangs must not keep us.
      client.end().catch(() => {})
    }
  }

  // While the vault takes nothing, the stream stands still; how far behind we are the primary tells all the same.
  async #look(): Promise<void> {
    if (this.#kept.problem === null || this.#state !== 'streaming') return
    const client = replicationClient(this.#from)
    await client.connect()
    try {
      const end = parseLsn((await identifySystem(client)).lsn)
      if (end > this.#kept.serverEnd) this.#kept.serverEnd = end
    } finally {
      await client.end()
    }
  }
}

// "requested WAL segment ... has already been removed": what the slot should have held is gone for good.
function isRemoved(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && error.code === '58P01' && /already been removed/.test(error.message)
  )
}
