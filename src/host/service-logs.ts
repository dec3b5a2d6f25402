// The logs of the services that run here: a few files for each, a line of JSON for each line, the oldest file given
// up for a new one. What is told is in the file system's hands before it can be read; a power cut may cost the last
// seconds.
import { appendFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { LogEntry, LogLine, LogPage, LogQuery, ServiceLines } from '../contract/service-log.ts'
import { Fault } from '../kit/fault.ts'
import { isNotFound, makeFolders, readTextIfAny } from '../kit/files.ts'
import {
  SERVICE_LOG_ANSWER_BYTES_MAX,
  SERVICE_LOG_FILE_BYTES_MAX,
  SERVICE_LOG_FILES_MAX,
  SERVICE_LOG_KEEP_MS,
} from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'

const SERVICE_ID = /^[A-Za-z0-9_-]{1,100}$/
const ID_DIGITS = 16

type Writer = { bytes: number; lastId: number; done: Promise<void> }

export class ServiceLogs {
  readonly #folder: string
  readonly #log: Log
  readonly #writers = new Map<string, Writer>()

  constructor(options: { home: string; log: Log }) {
    this.#folder = join(options.home, 'service-logs')
    this.#log = options.log
  }

  /** Takes lines as runtimes tell them. A disk that takes none loses them: nobody is to wait for a log. */
  take(told: ServiceLines): void {
    for (const { service, lines } of told) {
      if (!SERVICE_ID.test(service) || lines.length === 0) continue
      const writer = this.#writers.get(service) ?? { bytes: -1, lastId: 0, done: Promise.resolve() }
      this.#writers.set(service, writer)
      writer.done = writer.done
        .then(async () => await this.#append(service, writer, lines))
        .catch((error: unknown) => this.#log.warn({ service, err: error }, 'lines of a service could not be kept'))
    }
  }

  /** The lines of a service that a query wants. */
  async read(service: string, query: LogQuery): Promise<LogPage> {
    if (!SERVICE_ID.test(service)) throw new Fault('service.unknown', 404, 'there is no such service')
    await this.#writers.get(service)?.done
    const matches = matcherOf(query)
    const found: LogEntry[] = []
    let bytes = 0
    const hasRoom = () => found.length < query.top && bytes < SERVICE_LOG_ANSWER_BYTES_MAX
    const add = (entry: LogEntry) => {
      found.push(entry)
      bytes += entry.message.length
    }
    const files = await this.#filesOf(service)
    if (query.after !== undefined) {
      // Oldest first.
      for (const file of files.toReversed()) {
        for (const entry of await this.#entries(service, file)) {
          if (!hasRoom()) return { entries: found, more: null }
          if (entry.id > query.after && matches(entry)) add(entry)
        }
      }
      return { entries: found, more: null }
    }
    for (const file of files) {
      for (const entry of (await this.#entries(service, file)).toReversed()) {
        if (query.before !== undefined && entry.id >= query.before) continue
        if (!matches(entry)) continue
        if (!hasRoom()) return { entries: found, more: found.at(-1)?.id ?? null }
        add(entry)
      }
    }
    return { entries: found, more: null }
  }

  /** Gives up what is older than it is kept, of services that left as well. */
  async sweep(): Promise<void> {
    const until = Date.now() - SERVICE_LOG_KEEP_MS
    for (const service of await readdir(this.#folder).catch(() => [])) {
      for (const file of await this.#filesOf(service)) {
        const path = join(this.#folder, service, file)
        const found = await stat(path).catch(() => null)
        if (found && found.mtimeMs < until) await rm(path, { force: true })
      }
    }
  }

  async #append(service: string, writer: Writer, lines: LogLine[]): Promise<void> {
    const folder = join(this.#folder, service)
    if (writer.bytes < 0) {
      await makeFolders(folder, 0o700)
      writer.lastId = await this.#lastId(service)
      writer.bytes = await endLine(join(folder, fileName(0)))
    }
    const text = lines.map((line) => `${JSON.stringify({ id: nextId(writer, line.at), ...line })}\n`).join('')
    if (writer.bytes > 0 && writer.bytes + text.length > SERVICE_LOG_FILE_BYTES_MAX) {
      await makeRoom(folder)
      writer.bytes = 0
    }
    await appendFile(join(folder, fileName(0)), text, { mode: 0o600 })
    writer.bytes += Buffer.byteLength(text)
  }

  async #lastId(service: string): Promise<number> {
    const [newest] = await this.#filesOf(service)
    const last = newest === undefined ? undefined : (await this.#entries(service, newest)).at(-1)
    return Number(last?.id ?? 0)
  }

  // The newest first.
  async #filesOf(service: string): Promise<string[]> {
    const names = await readdir(join(this.#folder, service)).catch((error: unknown): string[] => {
      if (isNotFound(error)) return []
      throw error
    })
    return [...Array(SERVICE_LOG_FILES_MAX).keys()].map(fileName).filter((name) => names.includes(name))
  }

  async #entries(service: string, file: string): Promise<LogEntry[]> {
    const text = (await readTextIfAny(join(this.#folder, service, file))) ?? ''
    return text.split('\n').flatMap(entryOf)
  }
}

function entryOf(line: string): LogEntry[] {
  if (line === '') return []
  try {
    return [JSON.parse(line) as LogEntry]
  } catch {
    // Half a line, of a power cut.
    return []
  }
}

function matcherOf({ type, source, search, requestId }: LogQuery): (entry: LogEntry) => boolean {
  const [wantedSource, wantedText] = [source?.toLowerCase(), search?.toLowerCase()]
  return (entry) =>
    (type === undefined || entry.type === type) &&
    (wantedSource === undefined || entry.source?.toLowerCase() === wantedSource) &&
    (wantedText === undefined || entry.message.toLowerCase().includes(wantedText)) &&
    (requestId === undefined || entry.requestId === requestId)
}

// Microseconds since 1970 of a clock that never goes back.
function nextId(writer: Writer, atMs: number): string {
  writer.lastId = Math.max(writer.lastId + 1, Math.floor(atMs * 1_000))
  return String(writer.lastId).padStart(ID_DIGITS, '0')
}

function fileName(age: number): string {
  return `lines.${age}.jsonl`
}

async function makeRoom(folder: string): Promise<void> {
  for (let age = SERVICE_LOG_FILES_MAX - 1; age > 0; age -= 1) {
    await rename(join(folder, fileName(age - 1)), join(folder, fileName(age))).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  }
}

// The size of the file. After a power cut its last line may be half a line: the next one must not become part of it.
async function endLine(path: string): Promise<number> {
  const text = (await readTextIfAny(path)) ?? ''
  if (text === '' || text.endsWith('\n')) return Buffer.byteLength(text)
  await appendFile(path, '\n')
  return Buffer.byteLength(text) + 1
}
