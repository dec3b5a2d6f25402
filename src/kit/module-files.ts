// npm modules as files: known by the hash of a tar in which nothing but their paths and contents differs, and packed as
// that tar, compressed. The same files have the same hash, whoever packs them, from wherever.
import { createHash } from 'node:crypto'
import { chmod, open, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { extract, pack } from 'tar-stream'
import { Fault, messageOf } from './fault.ts'
import { makeFolders } from './files.ts'
import { NPM_MODULES_BYTES_MAX, NPM_MODULES_FILES_MAX, NPM_MODULES_PACKED_BYTES_MAX } from './limits.ts'

/** `path`: below `node_modules`. They come in the order of their paths. */
export type ModuleFile = { path: string; content: Uint8Array }
export type PackedModules = { hash: string; packed: Buffer; unpackedBytes: number; files: number }

const PATH_LENGTH_MAX = 500
/** With what a tar says of each file, which may be two headers and a long name. */
const TAR_BYTES_MAX = NPM_MODULES_BYTES_MAX + NPM_MODULES_FILES_MAX * 4_096
const NOTHING: Counts = { files: 0, unpackedBytes: 0 }
const compress = promisify(gzip)
const decompress = promisify(gunzip)

/** Packs them. Faults with `npm.too_large`, and with `npm.damaged` for what cannot be such files. */
export async function packModules(given: AsyncIterable<ModuleFile>): Promise<PackedModules> {
  const { tar, counts } = await tarOf(given)
  const packed = await compress(tar)
  if (packed.length > NPM_MODULES_PACKED_BYTES_MAX) throw tooLarge(`${packed.length} bytes, packed`)
  return { hash: hashOf(tar), packed, ...counts }
}

/** The hash of what lies in a folder. */
export async function hashModules(folder: string): Promise<string> {
  return hashOf((await tarOf(filesIn(folder))).tar)
}

/** The tar that was packed, if it has that hash. Faults with `npm.damaged`. */
export async function requireModules(packed: Uint8Array, hash: string): Promise<Buffer> {
  const tar = await decompress(packed, { maxOutputLength: TAR_BYTES_MAX }).catch((error) => {
    throw damaged(messageOf(error))
  })
  if (hashOf(tar) !== hash) throw damaged(`they have another hash than ${hash}`)
  return tar
}

/** Writes what was packed into a folder that is new, if it has that hash. Faults with `npm.damaged`. */
export async function unpackModules(packed: Uint8Array, hash: string, folder: string): Promise<void> {
  const tar = extract()
  tar.end(await requireModules(packed, hash))
  const made = new Set<string>()
  let counts = NOTHING
  for await (const entry of tar) {
    const { name: path, type } = entry.header
    if (type !== 'file') throw damaged(`'${path}' is no file`)
    const content = await buffer(entry as AsyncIterable<Uint8Array>)
    counts = counted(counts, { path, content })
    await writeFile({ folder, path }, content, made)
  }
}

// In memory: it is bounded, and known by its hash before anything of it is written.
async function tarOf(given: AsyncIterable<ModuleFile>): Promise<{ tar: Buffer; counts: Counts }> {
  const tar = pack()
  const whole = buffer(tar as AsyncIterable<Uint8Array>)
  // Whoever awaits it below sees the error.
  whole.catch(() => {})
  let counts = NOTHING
  let last = ''
  try {
    for await (const file of given) {
      const { path, content } = file
      counts = counted(counts, file)
      if (counts.files > 1 && !(last < path)) throw damaged(`'${path}' does not come after '${last}'`)
      last = path
      const header = { name: path, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), size: content.length }
      await new Promise<void>((resolve, reject) => {
        tar.entry(header, Buffer.from(content), (error) => (error ? reject(error) : resolve()))
      })
    }
  } catch (error) {
    tar.destroy()
    throw error
  }
  tar.finalize()
  return { tar: await whole, counts }
}

type Counts = { files: number; unpackedBytes: number }

// With one more. Faults when that is too much, or lies outside.
function counted({ files, unpackedBytes }: Counts, { path, content }: ModuleFile): Counts {
  const parts = path.split('/')
  const isInside = parts.every((part) => part !== '' && part !== '.' && part !== '..') && !/[\0\\]/.test(path)
  if (!isInside || path.length > PATH_LENGTH_MAX) throw damaged(`'${path.slice(0, 100)}' cannot be a path`)
  const after = { files: files + 1, unpackedBytes: unpackedBytes + content.length }
  if (after.files > NPM_MODULES_FILES_MAX) throw tooLarge(`more than ${NPM_MODULES_FILES_MAX} files`)
  if (after.unpackedBytes > NPM_MODULES_BYTES_MAX) throw tooLarge(`more than ${NPM_MODULES_BYTES_MAX} bytes`)
  return after
}

async function* filesIn(folder: string): AsyncIterable<ModuleFile> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => !entry.isDirectory())
  const paths = files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
  for (const path of paths.sort()) yield { path, content: await readFile(join(folder, path)) }
}

// Readable by everybody, whatever our umask is: another user runs it.
async function writeFile(at: { folder: string; path: string }, content: Buffer, made: Set<string>): Promise<void> {
  const path = join(at.folder, at.path)
  await makeOpenFolders(at.folder, dirname(at.path), made)
  const handle = await open(path, 'wx', 0o644)
  try {
    await handle.writeFile(content)
    await handle.chmod(0o644)
  } finally {
    await handle.close()
  }
}

async function makeOpenFolders(folder: string, below: string, made: Set<string>): Promise<void> {
  if (made.has(below)) return
  if (below !== '.') await makeOpenFolders(folder, dirname(below), made)
  const path = join(folder, below)
  await makeFolders(path)
  await chmod(path, 0o755)
  made.add(below)
}

function hashOf(tar: Uint8Array): string {
  return createHash('sha256').update(tar).digest('hex')
}

function tooLarge(what: string): Fault {
  return new Fault('npm.too_large', 413, `the npm modules have ${what}`, {
    hint: 'Ask for fewer packages, or for smaller ones.',
  })
}

function damaged(what: string): Fault {
  return new Fault('npm.damaged', 502, `these are no npm modules: ${what}`)
}
