// The messages of streaming replication: what a primary sends, and what it wants to hear.
// https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-START-REPLICATION

/** `data` is a view of the parser's buffer: whoever keeps it copies it. Times are the primary's, in ms since 1970. */
export type WalMessage =
  | { kind: 'data'; start: bigint; serverEnd: bigint; sentAt: number; data: Buffer }
  | { kind: 'keepalive'; serverEnd: bigint; sentAt: number; wantsReply: boolean }

// PostgreSQL counts microseconds from 2000.
const EPOCH_MS = Date.UTC(2000, 0, 1)
const DATA_HEADER_BYTES = 25
const KEEPALIVE_BYTES = 18
const STATUS_BYTES = 34

/** Reads one message of the copy; null for a kind that we do not know. */
export function readWalMessage(chunk: Buffer): WalMessage | null {
  const kind = String.fromCharCode(chunk[0] ?? 0)
  if (kind === 'w' && chunk.length >= DATA_HEADER_BYTES) {
    const start = chunk.readBigUInt64BE(1)
    const serverEnd = chunk.readBigUInt64BE(9)
    return { kind: 'data', start, serverEnd, sentAt: readTime(chunk, 17), data: chunk.subarray(DATA_HEADER_BYTES) }
  }
  if (kind === 'k' && chunk.length >= KEEPALIVE_BYTES) {
    const serverEnd = chunk.readBigUInt64BE(1)
    return { kind: 'keepalive', serverEnd, sentAt: readTime(chunk, 9), wantsReply: chunk[17] === 1 }
  }
  return null
}

/** Says what has arrived and what is kept for good; the slot lets go of WAL before `flushed`. */
export function writeStatus(status: { received: bigint; flushed: bigint; nowMs: number; wantsReply: boolean }): Buffer {
  const message = Buffer.alloc(STATUS_BYTES)
  message.write('r', 0)
  message.writeBigUInt64BE(status.received, 1)
  message.writeBigUInt64BE(status.flushed, 9)
  // Nothing is applied here; what is flushed counts.
  message.writeBigUInt64BE(status.flushed, 17)
  message.writeBigInt64BE(BigInt(Math.round(status.nowMs - EPOCH_MS)) * 1_000n, 25)
  message.writeUInt8(status.wantsReply ? 1 : 0, 33)
  return message
}

function readTime(chunk: Buffer, at: number): number {
  return Number(chunk.readBigInt64BE(at) / 1_000n) + EPOCH_MS
}
