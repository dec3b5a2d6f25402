// What a primary sends in answer to BASE_BACKUP, handed on piece by piece at the speed of whoever takes it.
// https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-BASE-BACKUP
import type pg from 'pg'
import { quoteIdentifier as id, randomId } from '../kit/identifiers.ts'

/** Called now and then with the bytes received so far. */
export type Progress = (bytes: number) => void

/** Takes a piece of the archive; a promise asks to wait with the next one. */
export type WriteChunk = (chunk: Buffer) => Promise<void> | null

type Stoppable = { stream: { pause(): void; resume(): void } }

/**
 * Runs BASE_BACKUP on a connected replication client; gives the text of PostgreSQL's manifest. `kilobytesPerSecond`: how
 * fast the primary sends, at most. With `hasWal`, the WAL that makes the backup whole is in it. It is sent last, and much
 * may have been written by then: until the client ends, the primary keeps it, up to `max_slot_wal_keep_size`.
 */
export async function streamBaseBackup(
  client: pg.Client,
  write: WriteChunk,
  options: { hasWal: boolean; onProgress: Progress; signal?: AbortSignal; kilobytesPerSecond?: number },
): Promise<string> {
  options.signal?.throwIfAborted()
  if (options.hasWal)
    await client.query(`CREATE_REPLICATION_SLOT ${id(`copy_${randomId(8)}`)} TEMPORARY PHYSICAL RESERVE_WAL`)
  options.signal?.throwIfAborted()
  const stream = new BaseBackupStream(write, options)
  // The server ends its backup when the connection goes.
  const stop = () => stream.handleError(options.signal?.reason)
  options.signal?.addEventListener('abort', stop)
  try {
    client.query(stream)
    await stream.done
    return stream.manifest
  } finally {
    options.signal?.removeEventListener('abort', stop)
  }
}

/** One backup has one archive, since we make no tablespaces. */
class BaseBackupStream {
  readonly done: Promise<void>
  #settle: { resolve: () => void; reject: (error: unknown) => void }
  #manifest: Buffer[] = []
  #part: 'none' | 'archive' | 'manifest' = 'none'
  #bytes = 0
  #isPaused = false
  readonly #write: WriteChunk
  readonly #onProgress: Progress
  readonly #more: string

  constructor(write: WriteChunk, options: { hasWal: boolean; onProgress: Progress; kilobytesPerSecond?: number }) {
    this.#write = write
    this.#onProgress = options.onProgress
    const rate = options.kilobytesPerSecond === undefined ? '' : `, MAX_RATE ${options.kilobytesPerSecond}`
    this.#more = `${options.hasWal ? ', WAL' : ''}${rate}`
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.done = promise
    this.#settle = { resolve, reject }
  }

  get manifest(): string {
    return Buffer.concat(this.#manifest).toString('utf8')
  }

  submit(connection: pg.Connection): void {
    const options = `LABEL 'mainstay', CHECKPOINT 'fast', MANIFEST 'yes', MANIFEST_CHECKSUMS 'SHA256'`
    connection.query(`BASE_BACKUP (${options}${this.#more})`)
  }

  handleCopyData(message: { chunk: Buffer }, connection: Stoppable): void {
    const kind = String.fromCharCode(message.chunk[0] ?? 0)
    if (kind === 'n') this.#part = 'archive'
    else if (kind === 'm') this.#part = 'manifest'
    else if (kind === 'd') {
      // The protocol parser uses its buffer again: every chunk that outlives this call must be a copy.
      const data = Buffer.from(message.chunk.subarray(1))
      this.#bytes += data.length
      this.#onProgress(this.#bytes)
      if (this.#part === 'manifest') this.#manifest.push(data)
      else this.#writeWithPause(data, connection)
    }
  }

  #writeWithPause(data: Buffer, connection: Stoppable): void {
    const drained = this.#write(data)
    if (!drained) return
    // What the parser had already read when we paused still comes: one pause, and one resumption, covers it. But each
    // of these writes may be the one that fails.
    const isFirst = !this.#isPaused
    this.#isPaused = true
    if (isFirst) connection.stream.pause()
    drained.then(
      () => {
        if (!isFirst) return
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
