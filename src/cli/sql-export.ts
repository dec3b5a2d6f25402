// `sql export` and `sql import`: a mobile service as one portable file: definitions, permissions, rows, scripts, settings.
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { Command } from 'commander'
import { formatBytes, formatCount } from '../contract/amounts.ts'
import { checkEnd } from '../kit/ended-lines.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { EXPORT_LINE_BYTES_MAX } from '../kit/limits.ts'
import { linesOf } from '../kit/lines.ts'
import { needService, needText } from './asking.ts'
import { tableLines } from './columns.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { writeWholeFile } from './whole-file.ts'

type ExportFlags = CommonFlags & { output?: string; override?: boolean }

const USAGE_EXPORT = 'mainstay sql export SERVICE -o FILE'
const USAGE_IMPORT = 'mainstay sql import SERVICE FILE'

/** Adds both commands. */
export function addSqlExport(sql: Command, shell: Shell): void {
  addCommand(sql, {
    usage: 'export [service]',
    about: 'write a mobile service to a file: definitions, permissions, rows, scripts and settings, without secrets',
    examples: ['mainstay sql export PrimaryService -o primaryservice.mainstay.gz'],
  })
    .option('-o, --output <file>', 'the file')
    .option('--override', 'replace a file that is there')
    .action(async (given: string | undefined, flags: ExportFlags) => {
      await runCommand(shell, { name: 'sql export', flags }, async (session) => {
        return await exportService(session, given, flags)
      })
    })
  addCommand(sql, {
    usage: 'import [service] [file]',
    about: 'put an exported mobile service into one that has none of its tables, or has them without rows',
    examples: ['mainstay mobile create Copy', 'mainstay sql import Copy primaryservice.mainstay.gz'],
  }).action(async (given: string | undefined, file: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'sql import', flags }, async (session) => {
      return await importService(session, given, file)
    })
  })
}

async function exportService(session: Session, given: string | undefined, flags: ExportFlags): Promise<Result> {
  const service = await needService(session, given, USAGE_EXPORT)
  const file = await needText(session, flags.output, fileQuestion(USAGE_EXPORT))
  const client = await session.client()
  session.talk.progress('Exporting mobile service')
  const { rows, bytes } = await writeWholeFile(file, { isReplaced: flags.override === true }, async (handle, path) => {
    try {
      await pipeline(await client.exportService(service), handle.createWriteStream({ flush: true }))
      return await check(path)
    } catch (error) {
      if (error instanceof Fault) throw error
      throw new Fault('export.broken', 503, `the export ended before its end: ${messageOf(error)}`, {
        hint: 'Give the same command again.',
      })
    }
  })
  return {
    json: { service, file, rows, bytes },
    lines: [`${formatCount(rows)} row(s) in ${file}, ${formatBytes(bytes)}`],
  }
}

// Read as an import reads it: what is kept for the day when it is needed is known to be whole.
async function check(path: string): Promise<{ rows: number; bytes: number }> {
  const stream = createReadStream(path)
  let lines = 0
  for await (const _ of checkEnd(linesOf(stream.pipe(createGunzip()), EXPORT_LINE_BYTES_MAX))) lines += 1
  return { rows: lines - 1, bytes: stream.bytesRead }
}

async function importService(session: Session, given: string | undefined, path: string | undefined): Promise<Result> {
  const service = await needService(session, given, USAGE_IMPORT)
  const file = await needText(session, path, fileQuestion(USAGE_IMPORT))
  const handle = await open(file).catch((error) => {
    throw new Fault('file.failed', 400, `cannot read ${file}: ${messageOf(error)}`)
  })
  session.talk.progress('Importing mobile service')
  const client = await session.client()
  const done = await client.importService(service, handle.createReadStream()).finally(async () => await closed(handle))
  const rows = Object.entries(done.rows).map(([table, count]) => [table, formatCount(count)])
  return {
    json: done,
    lines: [
      `From '${done.from}', as it was at ${done.exportedAt}; ${done.scripts.length} script(s)`,
      ...tableLines(['Table', 'Rows'], rows),
    ],
  }
}

function fileQuestion(usage: string) {
  return { prompt: 'File: ', what: 'the file', insteadSay: `Name it: ${usage}` }
}

// A stream that was read to its end has closed it already.
async function closed(handle: FileHandle): Promise<void> {
  await handle.close().catch(() => {})
}
