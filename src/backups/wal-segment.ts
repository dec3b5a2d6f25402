// The WAL segment under way: what has come of it, and how much of that the vault has.
import { SEGMENT_BYTES } from '../databases/wal-files.ts'
import { nameWal, type WalPiece } from './object-names.ts'

/** A piece that is to be stored now, and its content, which is not changed meanwhile. */
export type DuePiece = { piece: WalPiece; from: Date; content: Buffer; isWhole: boolean }

export class WalSegment {
  readonly timeline: number
  #start: bigint
  readonly #server: string
  readonly #buffer = Buffer.allocUnsafe(SEGMENT_BYTES)
  #filled = 0
  #stored = 0
  #firstAt = 0
  #lastAt = 0
  #keys: string[] = []

  /** `start` is the segment's begin; `stored` the position up to which the vault has it, in pieces of these keys. */
  constructor(server: string, at: { timeline: number; start: bigint; stored: bigint; keys: string[] }) {
    this.#server = server
    this.timeline = at.timeline
    this.#start = at.start
    this.#stored = Number(at.stored - at.start)
    this.#keys = at.keys
  }

  /** The position up to which WAL has come. */
  get received(): bigint {
    return this.#start + BigInt(this.#filled)
  }

  /** The position up to which the vault has it. */
  get stored(): bigint {
    return this.#start + BigInt(this.#stored)
  }

  /** The furthest that we know of: what the vault has comes again at first. */
  get reached(): bigint {
    return this.hasNews ? this.received : this.stored
  }

  get isFull(): boolean {
    return this.#filled === SEGMENT_BYTES
  }

  get hasNews(): boolean {
    return this.#filled > this.#stored
  }

  /** Takes what fits and gives how many bytes that was. `sentAt` is in ms since 1970. */
  append(data: Buffer, sentAt: number): number {
    const taken = data.copy(this.#buffer, this.#filled)
    // What the vault has already is only read again; its times are in the vault, too.
    if (!this.hasNews || this.#firstAt === 0) this.#firstAt = sentAt
    this.#filled += taken
    this.#lastAt = sentAt
    return taken
  }

  /** What came between two positions of this segment. */
  read(start: bigint, end: bigint): Buffer {
    return this.#buffer.subarray(Number(start - this.#start), Number(end - this.#start))
  }

  /** All that the vault does not have; of a full segment everything, since one object then replaces its pieces. */
  takeDue(): DuePiece {
    const from = this.isFull ? 0 : this.#stored
    const [start, end] = [this.#start + BigInt(from), this.received]
    return {
      piece: nameWal(this.#server, { timeline: this.timeline, start, end, to: new Date(this.#lastAt) }),
      from: new Date(this.#firstAt),
      content: this.#buffer.subarray(from, this.#filled),
      isWhole: this.isFull,
    }
  }

  /** The vault has this piece. Gives the keys of those that it replaces. */
  noteStored({ piece, isWhole }: DuePiece): string[] {
    this.#stored = Number(piece.end - this.#start)
    this.#firstAt = this.#lastAt
    const replaced = this.#keys.filter((key) => key !== piece.key)
    this.#keys = isWhole ? [] : [...this.#keys, piece.key]
    return isWhole ? replaced : []
  }

  /** Goes on with the next segment. */
  next(): void {
    this.#start += BigInt(SEGMENT_BYTES)
    this.#filled = 0
    this.#stored = 0
    this.#firstAt = 0
  }
}
