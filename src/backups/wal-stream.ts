// WAL as a primary sends it, over one connection: its messages in, our positions out.
import type pg from 'pg'
import { formatLsn } from '../databases/replication.ts'
import { quoteIdentifier as id } from '../kit/identifiers.ts'
import { WAL_REST_BYTES_MAX, WAL_REST_MS } from '../kit/limits.ts'
import { readWalMessage, type WalMessage, writeStatus } from './wal-messages.ts'

type CopyConnection = pg.Connection & {
  stream: { pause(): void; resume(): void; destroy(): void }
  sendCopyFromChunk(chunk: Buffer): void
}

export type WalStream = {
  /** Settles when the primary has no more of this timeline, or stops in order; rejects when the connection fails. */
  done: Promise<void>
  /** Tells the primary what has arrived and what is kept. */
  report: (status: { received: bigint; flushed: bigint; wantsReply: boolean }) => void
  /** Nothing more is read until `resume`; what was read already still comes. */
  pause: () => void
  resume: () => void
  /** Breaks the connection, so that a primary that wants to stop does not wait for us. */
  cut: (reason: Error) => void
}

/** Starts streaming on a connected replication client. Data in messages is valid only during the call. */
export function startWalStream(
  client: pg.Client,
  from: { slot: string; timeline: number; start: bigint },
  onMessage: (message: WalMessage) => void,
): WalStream {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  done.catch(() => {})
  let connection: CopyConnection | null = null
  let isHeld = false
  let turn: { bytes: number; isResting: boolean } | null = null
  const flow = () => {
    if (isHeld || turn?.isResting) connection?.stream.pause()
    else connection?.stream.resume()
  }
  // A primary sends each commit by itself, and reading each by itself costs more than all else that is done with it:
  // where little comes, we look only now and then.
  const rest = (given: { bytes: number; isResting: boolean }) => {
    given.isResting = given.bytes < WAL_REST_BYTES_MAX
    if (given.isResting) flow()
    setTimeout(
      () => {
        turn = null
        flow()
      },
      given.isResting ? WAL_REST_MS : 0,
    )
  }
  client.query({
    submit(given: pg.Connection) {
      connection = given as CopyConnection
      // The end of an old timeline. The answer after it says which one is next; we ask anew instead.
      given.once('copyDone', () => resolve())
      const place = `${formatLsn(from.start)} TIMELINE ${from.timeline}`
      given.query(`START_REPLICATION SLOT ${id(from.slot)} PHYSICAL ${place}`)
    },
    handleCopyData({ chunk }: { chunk: Buffer }) {
      if (turn === null) {
        turn = { bytes: 0, isResting: false }
        setImmediate(rest, turn)
      }
      turn.bytes += chunk.length
      const message = readWalMessage(chunk)
      if (message) onMessage(message)
    },
    handleError: reject,
    // A primary that stops says so in order; one that had nothing of this timeline to send, too.
    handleCommandComplete: () => resolve(),
    handleReadyForQuery: () => resolve(),
    handleRowDescription() {},
    handleDataRow() {},
    handleCopyInResponse() {},
    handlePortalSuspended() {},
    handleEmptyQuery() {},
  } as pg.Submittable)
  return {
    done,
    report: (status) => connection?.sendCopyFromChunk(writeStatus({ ...status, nowMs: Date.now() })),
    pause: () => {
      isHeld = true
      flow()
    },
    resume: () => {
      isHeld = false
      flow()
    },
    cut: (reason) => {
      reject(reason)
      connection?.stream.destroy()
    },
  }
}
