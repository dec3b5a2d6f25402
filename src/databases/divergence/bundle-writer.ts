// Writing a divergence bundle, so that whoever looks finds either no file or a whole one that was read back.
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readdir, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress } from 'node:zlib'
import { makeFolders, removeTree, syncFolder } from '../../kit/files.ts'
import { BUNDLE_FORMAT, type BundleHeader, BundleTally } from './bundle-format.ts'
import { type Bundle, openBundle } from './bundle-reader.ts'
import type { StrandedTransaction } from './stranded.ts'

/**
 * Writes the transactions as they come to a bundle at `path`, and gives it opened. A bundle that is there is replaced;
 * it stays as it is when the transactions end in an error. One writer at a time: leftovers of one that was killed are
 * removed.
 */
export async function writeBundle(
  path: string,
  header: Omit<BundleHeader, 'format'>,
  transactions: AsyncIterable<StrandedTransaction>,
): Promise<Bundle> {
  await makeFolders(dirname(path))
  await removeLeftovers(path)
  const aside = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const file = await open(aside, 'wx', 0o600)
    try {
      await pipeline(linesOf(header, transactions), createZstdCompress(), async (packed) => append(file, packed))
      await file.sync()
    } finally {
      await file.close()
    }
    // The folder that these came from may be given up on the strength of this file.
    await openBundle(aside)
    await rename(aside, path)
  } catch (error) {
    await removeTree(aside)
    throw error
  }
  await syncFolder(dirname(path))
  return await openBundle(path)
}

async function* linesOf(
  header: Omit<BundleHeader, 'format'>,
  transactions: AsyncIterable<StrandedTransaction>,
): AsyncGenerator<Buffer> {
  const tally = new BundleTally()
  const line = (value: unknown) => {
    const bytes = Buffer.from(`${JSON.stringify(value)}\n`)
    tally.addLine(bytes)
    return bytes
  }
  yield line({ format: BUNDLE_FORMAT, ...header } satisfies BundleHeader)
  for await (const transaction of transactions) {
    tally.addTransaction(transaction)
    yield line(transaction)
  }
  yield Buffer.from(`${JSON.stringify(tally.end())}\n`)
}

async function append(file: FileHandle, chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of chunks) await file.writeFile(chunk)
}

async function removeLeftovers(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(`${basename(path)}.`) && name.endsWith('.tmp')) await removeTree(join(dirname(path), name))
  }
}
