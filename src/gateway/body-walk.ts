// Finds where a body ends in bytes that come in pieces, without looking at what it says. Pure.

/** How a body says where it ends. */
export type BodyFrame = { kind: 'none' } | { kind: 'length'; bytes: number } | { kind: 'chunked' }

const CR = 0x0d
const LF = 0x0a
/** 4 GiB: beyond what anybody sends as one chunk. */
const SIZE_DIGITS_MAX = 8

/** What the next byte has to be. */
type Place = 'size' | 'size LF' | 'data' | 'data CR' | 'data LF' | 'end CR' | 'end LF' | 'over'

export class BodyWalk {
  #place: Place
  readonly #isChunked: boolean
  /** Of the data of a chunk, or of the whole body. */
  #left = 0
  #digits = 0

  constructor(frame: BodyFrame) {
    this.#isChunked = frame.kind === 'chunked'
    if (frame.kind === 'length') this.#left = frame.bytes
    this.#place = this.#isChunked ? 'size' : this.#left > 0 ? 'data' : 'over'
  }

  get isOver(): boolean {
    return this.#place === 'over'
  }

  /** How many of these bytes are of the body: all, unless it ends in them. Null: it is broken. */
  take(bytes: Buffer): number | null {
    let at = 0
    while (at < bytes.length && this.#place !== 'over') {
      if (this.#place === 'data') at += this.#takeData(bytes.length - at)
      else if (this.#step(bytes[at] ?? 0)) at += 1
      else return null
    }
    return at
  }

  #takeData(available: number): number {
    const taken = Math.min(available, this.#left)
    this.#left -= taken
    if (this.#left === 0) this.#place = this.#isChunked ? 'data CR' : 'over'
    return taken
  }

  // Between the data of chunks. False: this byte must not be here. Extensions and trailers are nothing that we know.
  #step(byte: number): boolean {
    switch (this.#place) {
      case 'size':
        return byte === CR ? this.#endSize() : this.#addDigit(byte)
      case 'size LF':
        return this.#pass(byte === LF, this.#left > 0 ? 'data' : 'end CR')
      case 'data CR':
        return this.#pass(byte === CR, 'data LF')
      case 'data LF':
        return this.#pass(byte === LF, 'size')
      case 'end CR':
        return this.#pass(byte === CR, 'end LF')
      case 'end LF':
        return this.#pass(byte === LF, 'over')
      default:
        return false
    }
  }

  #pass(isRight: boolean, next: Place): boolean {
    this.#place = next
    return isRight
  }

  #addDigit(byte: number): boolean {
    const digit = Number.parseInt(String.fromCharCode(byte), 16)
    this.#digits += 1
    if (Number.isNaN(digit) || this.#digits > SIZE_DIGITS_MAX) return false
    this.#left = this.#left * 16 + digit
    return true
  }

  #endSize(): boolean {
    const hasDigits = this.#digits > 0
    this.#digits = 0
    return this.#pass(hasDigits, 'size LF')
  }
}
