// Reading a divergence bundle, line by line, never believing a damaged one.
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import { Fault, messageOf } from '../../kit/fault.ts'
import { DIVERGENCE_LINE_BYTES_MAX } from '../../kit/limits.ts'
import { BUNDLE_FORMAT, type BundleCounts, type BundleEnd, type BundleHeader, BundleTally } from './bundle-format.ts'
import type { StrandedTransaction, TransactionSource } from './stranded.ts'

/** A whole bundle: what it says of itself, and its transactions, read from the file anew each time. */
export type Bundle = TransactionSource & { path: string; header: BundleHeader; counts: BundleCounts }

/**
 * Reads the file once from end to end, in bounded memory. Faults with `divergence.damaged` when it is not as it was
 * written, with `divergence.other_format` when another release wrote it.
 */
export async function openBundle(path: string): Promise<Bundle> {
  let header: BundleHeader | null = null
  let counts: BundleCounts | null = null
  for await (const item of readItems(path)) {
    if (item.kind === 'header') header = item.header
    else if (item.kind === 'end') counts = item.counts
  }
  if (!header || !counts) throw new TypeError('a bundle that was read to its end has a header and counts')
  return { path, header, counts, transactions: () => readTransactions(path) }
}

type Item =
  | { kind: 'header'; header: BundleHeader }
  | { kind: 'transaction'; transaction: StrandedTransaction }
  | { kind: 'end'; counts: BundleCounts }

// Verified again to its last line, since a file may have changed after it was opened.
async function* readTransactions(path: string): AsyncGenerator<StrandedTransaction> {
  for await (const item of readItems(path)) if (item.kind === 'transaction') yield item.transaction
}

async function* readItems(path: string): AsyncGenerator<Item> {
  const tally = new BundleTally()
  let last: BundleEnd | null = null
  let isFirst = true
  for await (const line of readLines(path)) {
    if (last) throw damaged(path, 'something comes after its last line')
    const value = parseLine(path, line)
    if (isFirst) yield { kind: 'header', header: requireHeader(path, value) }
    else if (isEnd(value)) last = value
    else {
      const transaction = value as StrandedTransaction
      if (!Array.isArray(transaction.changes)) throw damaged(path, 'a line is not a transaction')
      tally.addTransaction(transaction)
      yield { kind: 'transaction', transaction }
    }
    if (!last) tally.addLine(line)
    isFirst = false
  }
  if (!last) throw damaged(path, 'its last line is missing')
  if (JSON.stringify(last) !== JSON.stringify(tally.end())) throw damaged(path, 'its counts or its SHA-256 are others')
  const { sha256: _, ...counts } = last
  yield { kind: 'end', counts }
}

// Split at line feeds only: JSON leaves U+2028 as it is, which readline takes for the end of a line.
async function* readLines(path: string): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of readChunks(path)) {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end + 1)])
      parts = []
      bytes = 0
      start = end + 1
    }
    parts.push(chunk.subarray(start))
    bytes += chunk.length - start
    if (bytes > DIVERGENCE_LINE_BYTES_MAX) throw damaged(path, 'a line does not end')
  }
  if (bytes > 0) throw damaged(path, 'its last line does not end')
}

async function* readChunks(path: string): AsyncGenerator<Buffer> {
  const packed = createReadStream(path)
  const plain = createZstdDecompress()
  const piped = pipeline(packed, plain)
  // Its error comes out of the stream that is read below as well.
  piped.catch(() => {})
  try {
    for await (const chunk of plain) yield chunk as Buffer
  } catch (error) {
    // Of the disk, which has a path, or of the content.
    throw error instanceof Error && 'syscall' in error ? error : damaged(path, messageOf(error), error)
  } finally {
    packed.destroy()
    plain.destroy()
  }
}

function parseLine(path: string, line: Buffer): object {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'))
    if (typeof value === 'object' && value !== null) return value
  } catch (error) {
    throw damaged(path, messageOf(error), error)
  }
  throw damaged(path, 'a line is not an object')
}

function requireHeader(path: string, value: object): BundleHeader {
  const format = 'format' in value ? value.format : undefined
  if (format === BUNDLE_FORMAT) return value as BundleHeader
  if (typeof format !== 'string' || !format.startsWith('mainstay-divergence/')) throw damaged(path, 'it has no header')
  throw new Fault('divergence.other_format', 409, `${path} is of format ${format}, and this reads ${BUNDLE_FORMAT}`, {
    hint: 'Read it with the release that wrote it, or a later one.',
  })
}

function isEnd(value: object): value is BundleEnd {
  return 'sha256' in value
}

function damaged(path: string, why: string, cause?: unknown): Fault {
  return new Fault('divergence.damaged', 409, `${path} is not as it was written: ${why}`, {
    hint: 'Decode it anew from the lost primary, whose data folder is kept, or take another copy of the file.',
    ...(cause === undefined ? {} : { cause }),
  })
}
