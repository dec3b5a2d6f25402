// Cuts a stream into parts of one size and hands each on while the next one fills; holds two at most.
import type { WriteChunk } from '../databases/base-backup-stream.ts'

export type PartWriter = {
  write: WriteChunk
  /** Hands on what is left and waits for it. */
  end: () => Promise<void>
}

/** `put` takes a part and its number, from 1, one after the other. */
export function openPartWriter(bytesMax: number, put: (part: Buffer, number: number) => Promise<void>): PartWriter {
  let chunks: Buffer[] = []
  let bytes = 0
  let number = 0
  let underWay: Promise<void> | null = null
  let last: Promise<void> = Promise.resolve()
  const cut = () => {
    const part = Buffer.concat(chunks, bytes)
    chunks = []
    bytes = 0
    number += 1
    const mine = number
    const next = last.then(async () => await put(part, mine))
    last = next
    underWay = next
    // Whoever waits for the next part, or for the end, sees the error.
    next.catch(() => {})
    next.then(
      () => {
        if (underWay === next) underWay = null
      },
      () => {},
    )
  }
  return {
    write(chunk) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes < bytesMax) return null
      const before = underWay
      cut()
      return before
    },
    async end() {
      if (bytes > 0) cut()
      await last
    },
  }
}
