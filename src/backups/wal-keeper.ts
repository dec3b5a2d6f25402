// Keeps the WAL of one connection: collects what comes, stores it piece by piece, and tells the primary what is kept.

import { once } from 'node:events'
import { formatLsn } from '../databases/replication.ts'
import { pause } from '../kit/clock.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import {
  WAL_ANSWER_MS_MAX,
  WAL_PIECE_MS_MAX,
  WAL_QUEUE_BYTES_MAX,
  WAL_REPORT_EVERY_MS,
  WAL_SEEN_EVERY_MS,
  WAL_STOP_MS_MAX,
  WAL_STORE_RETRY_MS_MAX,
  WAL_STORE_RETRY_MS_MIN,
} from '../kit/limits.ts'
import { seenKey } from './object-names.ts'
import type { ServerVault } from './server-vault.ts'
import type { WalMessage } from './wal-messages.ts'
import { otherHistory, type WalPlace } from './wal-place.ts'
import { WalSegment } from './wal-segment.ts'
import type { WalStream } from './wal-stream.ts'

/** What the keeper finds out; whoever shows it reads it at any time. */
export type KeptFacts = {
  stored: bigint
  serverEnd: bigint
  /** Everything up to this moment is in the vault, and it says so itself; by the primary's clock, in ms since 1970. */
  storedAt: number | null
  problem: string | null
  pieces: number
  bytes: number
}

export class WalKeeper {
  readonly #vault: ServerVault
  readonly #place: WalPlace
  readonly #facts: KeptFacts
  readonly #segment: WalSegment
  #stream: WalStream | null = null
  #queue: { data: Buffer; sentAt: number }[] = []
  #queuedBytes = 0
  #isPaused = false
  #isChecked: boolean
  #wake: () => void = () => {}
  #dueAt = Number.POSITIVE_INFINITY
  #seenPutAt = Number.NEGATIVE_INFINITY
  // Up to then nothing was written after what is stored.
  #quietAt = 0
  // When the last thing that we stored was written.
  #writtenAt = 0
  // What the vault was last told of that.
  #toldLsn = 0n
  #toldAt = 0
  // A keepalive may be older than WAL that waits behind it to be sent; by the next one, that has come.
  #lastQuiet: { position: bigint; at: number } | null = null
  #isHeard = false
  #isHurried = false
  #isFailing = false
  #isEnded = false

  constructor(vault: ServerVault, place: WalPlace, facts: KeptFacts) {
    this.#vault = vault
    this.#place = place
    this.#facts = facts
    this.#segment = new WalSegment(vault.server, place)
    this.#isChecked = place.lastContent === null
    facts.stored = place.stored
    if (place.last) facts.storedAt = Math.max(facts.storedAt ?? 0, place.last.to.getTime())
  }

  /** To be called with each message of the stream. */
  take(message: WalMessage): void {
    if (!this.#isHeard) {
      // Primary and vault both answer again.
      this.#isHeard = true
      this.#facts.problem = null
    }
    if (message.serverEnd > this.#facts.serverEnd) this.#facts.serverEnd = message.serverEnd
    if (message.kind === 'keepalive') this.#takeKeepalive(message)
    else this.#takeData(message)
  }

  /** Keeps WAL until the stream ends or the signal comes; then stores what is left, once. */
  async run(stream: WalStream, signal: AbortSignal): Promise<void> {
    this.#stream = stream
    const wake = () => this.#wake()
    const ended = () => {
      this.#isEnded = true
      this.#wake()
    }
    stream.done.then(ended, ended)
    signal.addEventListener('abort', wake)
    const over = new AbortController()
    const reports = setInterval(() => this.#report({ wantsReply: true }), WAL_REPORT_EVERY_MS)
    try {
      // A vault that hangs must not keep whoever stops us; what it still takes does no harm.
      await Promise.race([this.#work(stream, signal), lateAfter(signal, over.signal)])
    } finally {
      over.abort()
      clearInterval(reports)
      signal.removeEventListener('abort', wake)
    }
  }

  async #work(stream: WalStream, signal: AbortSignal): Promise<void> {
    while (!this.#isEnded && !signal.aborted) await this.#step(signal)
    await this.#finish()
    if (!signal.aborted) await stream.done
  }

  async #step(signal: AbortSignal): Promise<void> {
    this.#drain()
    this.#check()
    if (this.#segment.isFull || (this.#segment.hasNews && performance.now() >= this.#dueAt)) {
      await this.#store(signal)
      return
    }
    if (performance.now() - this.#seenPutAt >= WAL_SEEN_EVERY_MS) await this.#putSeen()
    // Between looking and sleeping nothing may be awaited: what woke us meanwhile would be missed.
    else await this.#sleep()
  }

  #takeData({ start, data, sentAt }: WalMessage & { kind: 'data' }): void {
    this.#lastQuiet = null
    const expected = this.#segment.received + BigInt(this.#queuedBytes)
    if (start !== expected) {
      this.#stream?.cut(new TypeError(`WAL came from ${formatLsn(start)}, not from ${formatLsn(expected)}`))
      return
    }
    const hadNews = this.#segment.hasNews
    const taken = this.#queue.length === 0 ? this.#segment.append(data, sentAt) : 0
    if (taken < data.length) {
      // The parser uses its buffer again: what waits must be a copy.
      this.#queue.push({ data: Buffer.from(data.subarray(taken)), sentAt })
      this.#queuedBytes += data.length - taken
    }
    if (this.#queuedBytes > WAL_QUEUE_BYTES_MAX && !this.#isPaused) {
      this.#isPaused = true
      this.#stream?.pause()
    }
    if (!hadNews && this.#segment.hasNews) this.#dueAt = performance.now() + WAL_PIECE_MS_MAX
    // A vault that is failing is not asked again for each message.
    if (!this.#isFailing && (this.#segment.isFull || !hadNews)) this.#wake()
  }

  #takeKeepalive({ sentAt, wantsReply }: WalMessage & { kind: 'keepalive' }): void {
    const position = this.#segment.received
    const isQuiet = this.#queue.length === 0 && position === this.#segment.stored && position >= this.#facts.serverEnd
    if (isQuiet && this.#lastQuiet?.position === position) {
      this.#quietAt = this.#lastQuiet.at
      if (performance.now() - this.#seenPutAt >= WAL_SEEN_EVERY_MS) this.#wake()
    }
    this.#lastQuiet = isQuiet ? { position, at: sentAt } : null
    if (!wantsReply) return
    // It asks before it stops, and again after each answer, until all is kept: then the answer is that.
    if (isQuiet) this.#report({ wantsReply: false })
    else void this.#hurry()
  }

  async #hurry(): Promise<void> {
    if (this.#isHurried) return
    this.#isHurried = true
    const wanted = this.#segment.received
    this.#dueAt = 0
    this.#wake()
    await pause(WAL_ANSWER_MS_MAX)
    this.#isHurried = false
    if (this.#facts.stored >= wanted || this.#isEnded) return
    this.#stream?.cut(
      new Fault('vault.late', 503, `${this.#vault.name} does not take WAL at once, and the primary cannot wait`),
    )
  }

  #drain(): void {
    let taken = 0
    while (taken < this.#queue.length && !this.#segment.isFull) {
      const next = this.#queue[taken]
      if (!next) break
      const bytes = this.#segment.append(next.data, next.sentAt)
      this.#queuedBytes -= bytes
      if (bytes < next.data.length) next.data = next.data.subarray(bytes)
      else taken += 1
    }
    this.#queue.splice(0, taken)
    if (this.#segment.hasNews && this.#dueAt === Number.POSITIVE_INFINITY) {
      this.#dueAt = performance.now() + WAL_PIECE_MS_MAX
    }
    if (this.#isPaused && this.#queue.length === 0) {
      this.#isPaused = false
      this.#stream?.resume()
    }
  }

  // What the vault has of this segment comes again. If it differs, this is not the primary that it came from.
  #check(): void {
    const { last, lastContent } = this.#place
    if (this.#isChecked || last === null || lastContent === null || this.#segment.received < last.end) return
    this.#isChecked = true
    if (this.#segment.read(last.start, last.end).equals(lastContent)) return
    throw otherHistory(this.#vault, `timeline ${last.timeline} at ${formatLsn(last.start)} has other WAL`)
  }

  async #store(signal: AbortSignal): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY
    for (let waitMs = WAL_STORE_RETRY_MS_MIN; ; waitMs = Math.min(2 * waitMs, WAL_STORE_RETRY_MS_MAX)) {
      try {
        await this.#storeOnce()
        this.#isFailing = false
        return
      } catch (error) {
        this.#isFailing = true
        this.#facts.problem = messageOf(error)
        if (signal.aborted || this.#isEnded) throw error
        await this.#sleep(waitMs * (0.5 + Math.random() / 2))
      }
    }
  }

  async #storeOnce(): Promise<void> {
    const due = this.#segment.takeDue()
    const { piece, from, content } = due
    const wal = { timeline: piece.timeline, start: formatLsn(piece.start), end: formatLsn(piece.end) }
    const times = { from: from.toISOString(), to: piece.to.toISOString() }
    const { system } = this.#place
    const { storedBytes } = await this.#vault.put(
      { kind: 'wal', key: piece.key, system, wal: { ...wal, ...times } },
      content,
    )
    const replaced = this.#segment.noteStored(due)
    const facts = this.#facts
    facts.stored = piece.end
    this.#writtenAt = piece.to.getTime()
    facts.storedAt = Math.max(facts.storedAt ?? 0, piece.to.getTime())
    facts.problem = null
    facts.pieces += 1
    facts.bytes += storedBytes
    if (due.isWhole) this.#segment.next()
    this.#report({ wantsReply: false })
    // A piece that stays beside the whole segment does no harm.
    for (const key of replaced) await this.#vault.remove(key).catch(() => {})
  }

  // Tells the vault up to where and when it has everything, so that the last piece would be missed, too, and moments
  // in which nothing was written can be restored. Best effort: next time it is told again.
  async #putSeen(): Promise<void> {
    this.#seenPutAt = performance.now()
    const stored = this.#segment.stored
    const at = Math.max(this.#quietAt, this.#writtenAt)
    if (at === 0 || (at <= this.#toldAt && stored <= this.#toldLsn)) return
    const { timeline, system } = this.#place
    const seen = { timeline, lsn: formatLsn(stored), at: new Date(at).toISOString() }
    const object = { kind: 'seen' as const, key: seenKey(this.#vault.server), system }
    const isPut = await this.#vault.put(object, Buffer.from(JSON.stringify(seen))).then(
      () => true,
      () => false,
    )
    if (!isPut) return
    this.#toldLsn = stored
    this.#toldAt = at
    this.#facts.storedAt = Math.max(this.#facts.storedAt ?? 0, at)
  }

  async #finish(): Promise<void> {
    this.#drain()
    this.#check()
    if (this.#segment.hasNews) await this.#storeOnce()
    await this.#putSeen()
  }

  // Not before it has sent something: a slot goes back to where it is told, also to WAL that is gone.
  #report(options: { wantsReply: boolean }): void {
    if (!this.#isHeard) return
    this.#stream?.report({ received: this.#segment.reached, flushed: this.#segment.stored, ...options })
  }

  async #sleep(ms = Math.min(this.#dueAt - performance.now(), WAL_SEEN_EVERY_MS)): Promise<void> {
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    await pause(Math.max(0, ms), woken.signal)
    this.#wake = () => {}
  }
}

async function lateAfter(signal: AbortSignal, over: AbortSignal): Promise<void> {
  // The other abort only says that nobody waits any more.
  if (!signal.aborted) await once(signal, 'abort', { signal: over }).catch(() => {})
  await pause(WAL_STOP_MS_MAX, over)
}
