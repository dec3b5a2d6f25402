// `audit export` and `audit verify`: the changes that people made as a file, and whether anybody has touched them since.
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { formatCount } from '../contract/amounts.ts'
import type { AuditView } from '../contract/api.ts'
import { type ChainCheck, ChainFollower } from '../contract/audit-chain.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { EXPORT_LINE_BYTES_MAX } from '../kit/limits.ts'
import { linesOf } from '../kit/lines.ts'
import { needText } from './asking.ts'
import { pairLines } from './columns.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { writeWholeFile } from './whole-file.ts'

type ExportFlags = CommonFlags & { output?: string; override?: boolean }
type VerifyFlags = CommonFlags & { head?: string }

/** Adds both commands. */
export function addAuditExport(audit: Command, shell: Shell): void {
  addCommand(audit, {
    usage: 'export',
    about: 'write all changes to a file, one JSON object a line, chained by hashes',
    examples: ['mainstay audit export -o audit.ndjson'],
  })
    .option('-o, --output <file>', 'the file')
    .option('--override', 'replace a file that is there')
    .action(async (flags: ExportFlags) => {
      await runCommand(shell, { name: 'audit export', flags }, async (session) => await exportAudit(session, flags))
    })
  addCommand(audit, {
    usage: 'verify [file]',
    about: 'follow the chain of the audit, in a file or as control has it: was anything changed, taken out or put in?',
    examples: ['mainstay audit verify', 'mainstay audit verify audit.ndjson --head 5f3c…'],
  })
    .option('--head <hash>', 'a hash that was noted before, and that has to be in the chain')
    .action(async (file: string | undefined, flags: VerifyFlags) => {
      await runCommand(shell, { name: 'audit verify', flags }, async (session) => await verify(session, file, flags))
    })
}

async function exportAudit(session: Session, flags: ExportFlags): Promise<Result> {
  const about = { prompt: 'File: ', what: 'the file', insteadSay: 'Type: mainstay audit export -o audit.ndjson' }
  const file = await needText(session, flags.output, about)
  const checked = await writeWholeFile(file, { isReplaced: flags.override === true }, async (handle, path) => {
    const client = await session.client()
    try {
      await pipeline(await client.exportAudit(), handle.createWriteStream({ flush: true }))
    } catch (error) {
      if (error instanceof Fault) throw error
      throw new Fault('file.failed', 400, `cannot write ${file}: ${messageOf(error)}`)
    }
    return requireWhole(await follow(createReadStream(path), null))
  })
  return { json: { file, entries: checked.upTo, head: checked.head }, lines: told(checked, { file }) }
}

async function verify(session: Session, file: string | undefined, flags: VerifyFlags): Promise<Result> {
  const source = file === undefined ? await (await session.client()).exportAudit() : createReadStream(file)
  const checked = requireWhole(await follow(source, flags.head ?? null))
  return { json: { entries: checked.upTo, head: checked.head }, lines: told(checked, {}) }
}

type Followed = ChainCheck & { wanted: string | null; hasWanted: boolean }

async function follow(source: Readable, wanted: string | null): Promise<Followed> {
  const follower = new ChainFollower()
  let hasWanted = wanted === null
  try {
    for await (const line of linesOf(source, EXPORT_LINE_BYTES_MAX)) {
      if (String(line).trim() === '') continue
      const entry = JSON.parse(String(line)) as AuditView
      if (!follower.take(entry)) break
      if (entry.hash === wanted) hasWanted = true
    }
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('audit.unreadable', 400, `the audit cannot be read: ${messageOf(error)}`, {
      hint: 'It is a file that mainstay audit export has written?',
    })
  }
  return { ...follower.check, wanted, hasWanted }
}

function requireWhole(checked: Followed): Followed {
  const { isWhole, problem, upTo, wanted, hasWanted } = checked
  const hint = 'Compare it with an older export, or with the heads in the logs of control.'
  if (!isWhole) throw new Fault('audit.broken', 409, `the chain breaks after ${upTo} entries: ${problem}`, { hint })
  if (!hasWanted) throw new Fault('audit.broken', 409, `no entry has the hash ${wanted}`, { hint })
  return checked
}

function told({ upTo, head }: ChainCheck, { file }: { file?: string }): string[] {
  return pairLines([
    ...(file === undefined ? [] : [['File', file] as [string, string]]),
    ['Entries', formatCount(upTo)],
    ['Chain', 'whole'],
    ['Head', head],
  ])
}
