// Messages of PostgreSQL's logical decoding plugin `pgoutput`, protocol 1, read from the buffers that it gives.
// https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
import type { Row } from './stranded.ts'

/** A table as it was when the changes after this message were made. */
export type Relation = { id: number; schema: string; table: string; columns: { name: string; isKey: boolean }[] }

/** Stands for a large value that an update left as it was: the log does not repeat it. */
export const UNCHANGED = Symbol('unchanged')
export type Field = string | null | typeof UNCHANGED

/** The old row as far as the log has it: `key` has only the columns of the replica identity. */
export type OldRow = { kind: 'full' | 'key'; fields: Field[] }

export type PgoutputMessage =
  | { kind: 'begin'; commitLsn: bigint; committedAt: string; xid: number }
  | { kind: 'commit' }
  | { kind: 'relation'; relation: Relation }
  | { kind: 'insert'; relationId: number; after: Field[] }
  | { kind: 'update'; relationId: number; before: OldRow | null; after: Field[] }
  | { kind: 'delete'; relationId: number; before: OldRow }
  | { kind: 'truncate'; relationIds: number[] }
  /** Types, origins and application messages: nothing that changes a row. */
  | { kind: 'other' }

/** Reads one message. What it does not know is an error: a change that was skipped would be lost silently. */
export function parseMessage(message: Buffer): PgoutputMessage {
  const reader = new MessageReader(message)
  const tag = reader.char()
  switch (tag) {
    case 'B':
      return { kind: 'begin', commitLsn: reader.int64(), committedAt: timeText(reader.int64()), xid: reader.int32() }
    case 'C':
      return { kind: 'commit' }
    case 'R':
      return { kind: 'relation', relation: readRelation(reader) }
    case 'I':
      return { kind: 'insert', relationId: reader.int32(), after: readNewRow(reader, reader.char()) }
    case 'U':
      return readUpdate(reader)
    case 'D':
      return { kind: 'delete', relationId: reader.int32(), before: readOldRow(reader, reader.char()) }
    case 'T':
      return { kind: 'truncate', relationIds: readTruncate(reader) }
    case 'Y':
    case 'O':
    case 'M':
      return { kind: 'other' }
    default:
      throw new TypeError(`pgoutput has no message ${tag}`)
  }
}

/** The fields by their columns' names; what an update left unchanged is filled in from the old row, if that has it. */
export function rowOf(relation: Relation, fields: Field[], old: Row | null = null): Row {
  const entries = relation.columns.flatMap(({ name }, index): [string, string | null][] => {
    const field = fields[index]
    if (field !== UNCHANGED && field !== undefined) return [[name, field]]
    const before = old?.[name]
    return before === undefined ? [] : [[name, before]]
  })
  // Not by assignment: a column may be called __proto__.
  return Object.fromEntries(entries)
}

/** The old row; of one that is known by its key only, the other columns say nothing and are left out. */
export function oldRowOf(relation: Relation, old: OldRow): Row {
  if (old.kind === 'full') return rowOf(relation, old.fields)
  const fields = old.fields.map((field, index) => (relation.columns[index]?.isKey ? field : UNCHANGED))
  return rowOf(relation, fields)
}

function readRelation(reader: MessageReader): Relation {
  const id = reader.int32()
  const schema = reader.text()
  const table = reader.text()
  reader.char() // Replica identity: the messages themselves tell what they have of the old row.
  const columns = Array.from({ length: reader.int16() }, () => {
    const isKey = (reader.int8() & 1) === 1
    const name = reader.text()
    reader.skip(8) // Type and its modifier.
    return { name, isKey }
  })
  return { id, schema, table, columns }
}

function readUpdate(reader: MessageReader): PgoutputMessage {
  const relationId = reader.int32()
  const mark = reader.char()
  if (mark === 'N') return { kind: 'update', relationId, before: null, after: readFields(reader) }
  const before = readOldRow(reader, mark)
  return { kind: 'update', relationId, before, after: readNewRow(reader, reader.char()) }
}

function readNewRow(reader: MessageReader, mark: string): Field[] {
  if (mark !== 'N') throw new TypeError(`pgoutput marks a new row with N, not ${mark}`)
  return readFields(reader)
}

function readOldRow(reader: MessageReader, mark: string): OldRow {
  if (mark !== 'O' && mark !== 'K') throw new TypeError(`pgoutput marks an old row with O or K, not ${mark}`)
  return { kind: mark === 'O' ? 'full' : 'key', fields: readFields(reader) }
}

function readFields(reader: MessageReader): Field[] {
  return Array.from({ length: reader.int16() }, () => {
    const mark = reader.char()
    if (mark === 'n') return null
    if (mark === 'u') return UNCHANGED
    if (mark === 't') return reader.textOf(reader.int32())
    throw new TypeError(`pgoutput has no field ${mark} in text mode`)
  })
}

function readTruncate(reader: MessageReader): number[] {
  const length = reader.int32()
  reader.skip(1) // Options: cascade, restart identity.
  return Array.from({ length }, () => reader.int32())
}

// Microseconds since 2000-01-01; a JavaScript date has only milliseconds.
function timeText(micros: bigint): string {
  const sinceEpoch = micros + BigInt(Date.UTC(2000, 0, 1)) * 1_000n
  const rest = ((sinceEpoch % 1_000n) + 1_000n) % 1_000n
  const millis = new Date(Number((sinceEpoch - rest) / 1_000n)).toISOString()
  return `${millis.slice(0, -1)}${rest.toString().padStart(3, '0')}Z`
}

class MessageReader {
  readonly #message: Buffer
  #offset = 0

  constructor(message: Buffer) {
    this.#message = message
  }

  skip(bytes: number): void {
    this.#offset += bytes
  }

  char(): string {
    return String.fromCharCode(this.int8())
  }

  int8(): number {
    return this.#message.readUInt8(this.#offset++)
  }

  int16(): number {
    this.#offset += 2
    return this.#message.readUInt16BE(this.#offset - 2)
  }

  int32(): number {
    this.#offset += 4
    return this.#message.readUInt32BE(this.#offset - 4)
  }

  int64(): bigint {
    this.#offset += 8
    return this.#message.readBigInt64BE(this.#offset - 8)
  }

  text(): string {
    const end = this.#message.indexOf(0, this.#offset)
    if (end < 0) throw new TypeError('pgoutput ends a name with a zero byte')
    const found = this.#message.toString('utf8', this.#offset, end)
    this.#offset = end + 1
    return found
  }

  textOf(bytes: number): string {
    const end = this.#offset + bytes
    if (end > this.#message.length) throw new TypeError('pgoutput message is cut short')
    const found = this.#message.toString('utf8', this.#offset, end)
    this.#offset = end
    return found
  }
}
