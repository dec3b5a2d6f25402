// How many different things there were: exact while they are few, within some percent when they are many, in 257 bytes.
// Many are counted by HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007), with its correction for few in use.
import { createHash } from 'node:crypto'

const REGISTERS = 256
const INDEX_BITS = 8
const HASH_BYTES = 4
/** As many hashes as take the room of the registers. */
const EXACT_MAX = REGISTERS / HASH_BYTES
const KIND = { exact: 0, registers: 1 }
// The paper's constant for that many registers.
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)

/** Two of them can be merged, and what was in both counts once. */
export class Distinct {
  #hashes: Set<number> | null = new Set()
  #registers: Uint8Array | null = null

  /** Reads what `encode` wrote. Faults with a RangeError on anything else. */
  static decode(bytes: Uint8Array): Distinct {
    const distinct = new Distinct()
    const body = Buffer.from(bytes.buffer, bytes.byteOffset + 1, Math.max(0, bytes.byteLength - 1))
    if (bytes[0] === KIND.registers && body.length === REGISTERS) {
      distinct.#hashes = null
      // More than what is left of a hash cannot be.
      distinct.#registers = Uint8Array.from(body, (rank) => Math.min(rank, HASH_BYTES * 8 - INDEX_BITS + 1))
    } else if (bytes[0] === KIND.exact && body.length % HASH_BYTES === 0 && body.length / HASH_BYTES <= EXACT_MAX) {
      for (let at = 0; at < body.length; at += HASH_BYTES) distinct.#add(body.readUInt32BE(at))
    } else {
      throw new RangeError('these bytes are no count of different things')
    }
    return distinct
  }

  add(thing: string): void {
    this.#add(createHash('sha1').update(thing).digest().readUInt32BE(0))
  }

  merge(other: Distinct): void {
    if (other.#hashes) for (const hash of other.#hashes) this.#add(hash)
    else this.#mergeRegisters(other.#registers ?? new Uint8Array(REGISTERS))
  }

  /** How many there were, as well as is known. */
  get count(): number {
    if (this.#hashes) return this.#hashes.size
    const registers = this.#registers ?? new Uint8Array(REGISTERS)
    const empty = registers.filter((rank) => rank === 0).length
    const sum = registers.reduce((all, rank) => all + 2 ** -rank, 0)
    const raw = (ALPHA * REGISTERS * REGISTERS) / sum
    return Math.round(raw <= 2.5 * REGISTERS && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : raw)
  }

  encode(): Uint8Array {
    if (this.#registers) return Uint8Array.of(KIND.registers, ...this.#registers)
    const hashes = [...(this.#hashes ?? [])]
    const bytes = Buffer.alloc(1 + hashes.length * HASH_BYTES)
    bytes[0] = KIND.exact
    for (const [at, hash] of hashes.entries()) bytes.writeUInt32BE(hash, 1 + at * HASH_BYTES)
    return bytes
  }

  #add(hash: number): void {
    if (this.#hashes) this.#hashes.add(hash)
    else this.#raise(hash)
    if (this.#hashes && this.#hashes.size > EXACT_MAX) this.#mergeRegisters(new Uint8Array(REGISTERS))
  }

  #mergeRegisters(other: Uint8Array): void {
    const registers = this.#registers ?? new Uint8Array(REGISTERS)
    for (const [at, rank] of other.entries()) registers[at] = Math.max(registers[at] ?? 0, rank)
    this.#registers = registers
    const hashes = this.#hashes ?? new Set()
    this.#hashes = null
    for (const hash of hashes) this.#raise(hash)
  }

  // By its first bits a hash belongs to a register, which keeps the longest run of zeros that followed.
  #raise(hash: number): void {
    const index = hash >>> (HASH_BYTES * 8 - INDEX_BITS)
    const rest = (hash << INDEX_BITS) >>> 0
    const rank = Math.min(Math.clz32(rest), HASH_BYTES * 8 - INDEX_BITS) + 1
    if (this.#registers) this.#registers[index] = Math.max(this.#registers[index] ?? 0, rank)
  }
}
