// A base backup over the replication protocol, written into an empty data folder and checked against its manifest.
// https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-BASE-BACKUP
import { createHash, type Hash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { extract, type Header } from 'tar-stream'
import { Fault } from '../kit/fault.ts'
import { REPLICATOR, type Upstream } from './cluster-config.ts'

type Manifest = {
  'System-Identifier'?: number
  Files: { Path?: string; 'Encoded-Path'?: string; Size: number; 'Checksum-Algorithm'?: string; Checksum?: string }[]
}

/** Called now and then with the bytes received so far. */
export type Progress = (bytes: number) => void

/** Asks the primary behind `from` who it is. Faults when it does not answer. */
export async function checkUpstream(from: Upstream): Promise<void> {
  const client = replicationClient(from)
  await client.connect()
  await client.query('IDENTIFY_SYSTEM')
  await client.end()
}

/**
 * Copies the primary behind `from` into `dataFolder`, which must be empty, and verifies every file's SHA-256 and size.
 * The caller flushes it to disk. Faults with `standby.backup_damaged` or the primary's own error.
 */
export async function takeBaseBackup(from: Upstream, dataFolder: string, onProgress: Progress): Promise<void> {
  const client = replicationClient(from)
  await client.connect()
  try {
    const writer = openArchive(dataFolder)
    const backup = new BackupStream(writer.write, onProgress)
    client.query(backup)
    await Promise.all([backup.done.finally(() => writer.end()), writer.finished])
    await verify(dataFolder, backup.manifest, writer.digests)
  } finally {
    // A server that hangs must not keep us: the socket goes with the process's interest in it.
    client.end().catch(() => {})
  }
}

function replicationClient(from: Upstream): pg.Client {
  const config = { host: from.socketFolder, port: 5432, user: REPLICATOR, password: from.password }
  // The types of `pg` leave out `replication`; the protocol has it since 9.
  const client = new pg.Client({ ...config, replication: 'true', connectionTimeoutMillis: 10_000 } as pg.ClientConfig)
  client.on('error', () => {})
  return client
}

/** Takes what the server sends in answer to BASE_BACKUP. One backup has one archive, since we make no tablespaces. */
class BackupStream {
  readonly done: Promise<void>
  #settle: { resolve: () => void; reject: (error: unknown) => void }
  #chunks: Buffer[] = []
  #part: 'none' | 'archive' | 'manifest' = 'none'
  #bytes = 0
  #isPaused = false
  readonly #write: (chunk: Buffer) => Promise<void> | null
  readonly #onProgress: Progress

  constructor(write: (chunk: Buffer) => Promise<void> | null, onProgress: Progress) {
    this.#write = write
    this.#onProgress = onProgress
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.done = promise
    this.#settle = { resolve, reject }
  }

  get manifest(): string {
    return Buffer.concat(this.#chunks).toString('utf8')
  }

  submit(connection: pg.Connection): void {
    connection.query(
      `BASE_BACKUP (LABEL 'mainstay', CHECKPOINT 'fast', WAL, MANIFEST 'yes', MANIFEST_CHECKSUMS 'SHA256')`,
    )
  }

  handleCopyData(message: { chunk: Buffer }, connection: { stream: { pause(): void; resume(): void } }): void {
    const kind = String.fromCharCode(message.chunk[0] ?? 0)
    if (kind === 'n') this.#part = 'archive'
    else if (kind === 'm') this.#part = 'manifest'
    else if (kind === 'd') {
      // The protocol parser uses its buffer again: every chunk that outlives this call must be a copy.
      const data = Buffer.from(message.chunk.subarray(1))
      this.#bytes += data.length
      this.#onProgress(this.#bytes)
      if (this.#part === 'manifest') this.#chunks.push(data)
      else this.#writeWithPause(data, connection)
    }
  }

  #writeWithPause(data: Buffer, connection: { stream: { pause(): void; resume(): void } }): void {
    const drained = this.#write(data)
    // What the parser had already read when we paused still comes: one pause, and one resumption, covers it.
    if (!drained || this.#isPaused) return
    this.#isPaused = true
    connection.stream.pause()
    drained.then(
      () => {
        this.#isPaused = false
        connection.stream.resume()
      },
      (error) => this.#settle.reject(error),
    )
  }

  handleError(error: unknown): void {
    this.#settle.reject(error)
  }

  handleReadyForQuery(): void {
    this.#settle.resolve()
  }

  // The result sets around the copy (start position, tablespaces, end position) are in the backup itself as well.
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCommandComplete(): void {}
  handleCopyInResponse(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
}

function openArchive(dataFolder: string) {
  const digests = new Map<string, string>()
  const tar = extract()
  let draining: Promise<void> | null = null
  const finished = (async () => {
    for await (const entry of tar) {
      const hash = await writeEntry(dataFolder, entry.header, entry)
      if (hash) digests.set(entry.header.name, hash.digest('hex'))
    }
  })()
  // Whoever awaits `finished` sees the error; until then it must not count as unhandled.
  finished.catch(() => {})
  return {
    digests,
    finished,
    write: (chunk: Buffer): Promise<void> | null => {
      if (tar.write(chunk)) return null
      draining ??= new Promise((resolve) => {
        tar.once('drain', () => {
          draining = null
          resolve()
        })
      })
      return draining
    },
    end: () => {
      tar.end(undefined)
    },
  }
}

async function writeEntry(folder: string, header: Header, content: AsyncIterable<unknown>): Promise<Hash | null> {
  const path = join(folder, header.name)
  if (header.type === 'directory') {
    await mkdir(path, { recursive: true, mode: 0o700 })
    for await (const _ of content);
    return null
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const hash = createHash('sha256')
  const file = createWriteStream(path, { mode: 0o600 })
  await pipeline(async function* () {
    for await (const chunk of content) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('an archive gives buffers')
      hash.update(chunk)
      yield chunk
    }
  }, file)
  await chmod(path, 0o600)
  return hash
}

async function verify(dataFolder: string, manifestText: string, digests: Map<string, string>): Promise<void> {
  const manifest = JSON.parse(manifestText) as Manifest
  for (const file of manifest.Files) {
    const path = file.Path ?? Buffer.from(file['Encoded-Path'] ?? '', 'hex').toString('utf8')
    const found = await stat(join(dataFolder, path)).catch(() => null)
    if (found?.size !== file.Size || digests.get(path) !== file.Checksum) {
      throw new Fault('standby.backup_damaged', 500, `the copy of ${path} does not match the primary's manifest`)
    }
  }
}
