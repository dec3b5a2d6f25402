// The log of one PostgreSQL server: never read further back than its tail, never left to fill the disk.
import { type FileHandle, open, rename, stat } from 'node:fs/promises'
import { SERVER_LOG_BYTES_MAX, SERVER_LOG_TAIL_BYTES } from '../kit/limits.ts'

export class ServerLog {
  readonly #path: string
  #mark = 0

  constructor(path: string) {
    this.#path = path
  }

  /** Opens it for a start of the server; one that has grown long is set aside. The caller closes the handle. */
  async open(): Promise<FileHandle> {
    const size = await stat(this.#path).then(
      (found) => found.size,
      () => 0,
    )
    const isLong = size > SERVER_LOG_BYTES_MAX
    if (isLong) await rename(this.#path, `${this.#path}.1`)
    // What an earlier run said must not be read as this one's.
    this.#mark = isLong ? 0 : size
    return await open(this.#path, 'a', 0o640)
  }

  /** The last lines since the last start. */
  async tail(lines: number): Promise<string> {
    const file = await open(this.#path, 'r').catch(() => null)
    if (!file) return ''
    try {
      const { size } = await file.stat()
      const from = Math.max(this.#mark, size - SERVER_LOG_TAIL_BYTES)
      const length = Math.max(0, size - from)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from)
      return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-lines).join('\n')
    } finally {
      await file.close()
    }
  }
}
