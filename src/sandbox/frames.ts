// Messages between a runtime and a sandbox: four bytes of length, then JSON. Bounded on both sides. Imports nothing
// but a type: the sandbox sees this file and few others.
import type { Duplex } from 'node:stream'

const HEADER_BYTES = 4

/** One message as bytes; null when it is longer than the other side takes. */
export function frameOf(message: unknown, bytesMax: number): Buffer | null {
  const body = JSON.stringify(message)
  const length = Buffer.byteLength(body)
  if (length > bytesMax) return null
  // All of it is written over.
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length)
  frame.writeUInt32BE(length)
  frame.write(body, HEADER_BYTES)
  return frame
}

/** Writes messages to a stream, those of one turn at once: each write of its own would cost as much as all of them. */
export class FrameWriter {
  readonly #stream: Duplex
  readonly #later: (work: () => void) => void
  #isHeld = false

  /** `later`: when a turn ends: after what is running now, or after all else that has come in by now, too. */
  constructor(stream: Duplex, later: (work: () => void) => void = process.nextTick) {
    this.#stream = stream
    this.#later = later
  }

  /** Holds back all that is written, until it is flushed or something is urgent. */
  hold(): void {
    if (this.#isHeld) return
    this.#isHeld = true
    this.#stream.cork()
  }

  /** `isUrgent`: it goes now, with all before it. */
  write(frame: Buffer, { isUrgent }: { isUrgent: boolean }): void {
    if (!isUrgent && !this.#isHeld) {
      this.hold()
      this.#later(() => this.flush())
    }
    this.#stream.write(frame)
    if (isUrgent) this.flush()
  }

  /** Writes what is held back. */
  flush(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#stream.uncork()
  }
}

/** Puts messages together from what a stream gives. */
export class FrameReader {
  /** Also for a message that has come in part. */
  bytesMax: number
  #chunks: Buffer[] = []
  #size = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** The messages that are complete now. Throws when the other side sends what is too long or no JSON. */
  take(chunk: Buffer): unknown[] {
    const messages: unknown[] = []
    this.each(chunk, (message) => messages.push(message))
    return messages
  }

  /** Hands them over one by one: after each, the next may be as long as `bytesMax` says then. */
  each(chunk: Buffer, work: (message: unknown) => void): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    for (;;) {
      const length = this.#lengthOfNext()
      if (length === null || this.#size < HEADER_BYTES + length) return
      const all = this.#whole()
      const message: unknown = JSON.parse(all.toString('utf8', HEADER_BYTES, HEADER_BYTES + length))
      const rest = all.subarray(HEADER_BYTES + length)
      this.#chunks = rest.length > 0 ? [rest] : []
      this.#size = rest.length
      work(message)
    }
  }

  #lengthOfNext(): number | null {
    if (this.#size < HEADER_BYTES) return null
    const first = this.#chunks[0]
    const head = first && first.length >= HEADER_BYTES ? first : this.#whole()
    const length = head.readUInt32BE(0)
    if (length > this.bytesMax) throw new RangeError(`a message of ${length} bytes, more than ${this.bytesMax}`)
    return length
  }

  #whole(): Buffer {
    const [first] = this.#chunks
    if (this.#chunks.length > 1 || !first) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }
}
