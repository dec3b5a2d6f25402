// `operation list|show|watch`: long changes as they go on, whoever began them.
import type { Command } from 'commander'
import type { OperationView } from '../contract/api.ts'
import { formatProgress } from './amounts.ts'
import { needText, wholeNumber } from './asking.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { EXIT_DONE, EXIT_FAILED } from './exit-code.ts'
import { reportLines } from './recovery-lines.ts'
import { subjectOf, watchOperation } from './watch.ts'

type ListFlags = CommonFlags & { service?: string; server?: string; top: string }

const ROWS_MAX = 1_000

/** Adds the three commands. */
export function addOperation(operation: Command, shell: Shell): void {
  addCommand(operation, {
    usage: 'list',
    about: 'list operations, the newest first',
    examples: ['mainstay operation list', 'mainstay operation list --service PrimaryService --top 5'],
  })
    .option('--service <name>', 'only those of this mobile service')
    .option('--server <name>', 'only those of this SQL server')
    .option('-t, --top <number>', 'this many', '20')
    .action(async (flags: ListFlags) => {
      await runCommand(shell, { name: 'operation list', flags }, async (session) => {
        const top = wholeNumber('--top', flags.top, { min: 1, max: ROWS_MAX })
        const found = await (await session.client()).listOperations({
          service: flags.service,
          server: flags.server,
          top,
        })
        const lines = found.length === 0 ? ['There are no operations.'] : operationListLines(found)
        return { json: found, lines }
      })
    })
  addCommand(operation, {
    usage: 'show [operation]',
    about: 'show an operation with its steps',
    examples: ['mainstay operation show 0123456789abcdef'],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'operation show', flags }, async (session) => {
      const id = await needId(session, given, 'mainstay operation show OPERATION')
      const found = await (await session.client()).watchOperation(id, { after: 0, waitMs: 0 })
      return { json: found, lines: operationLines(found, session) }
    })
  })
  addCommand(operation, {
    usage: 'watch [operation]',
    about: 'follow an operation until it ends',
    examples: ['mainstay operation watch 0123456789abcdef'],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'operation watch', flags }, async (session) => {
      const id = await needId(session, given, 'mainstay operation watch OPERATION')
      const client = await session.client()
      const first = await client.watchOperation(id, { after: 0, waitMs: 0 })
      let shown = ''
      const ended = await watchOperation(client, first, {
        onChange: (now) => {
          const line = progressOf(now)
          if (line !== shown) session.talk.progress(line)
          shown = line
          const progress = now.steps.find(({ state }) => state === 'running')?.progress
          if (progress) session.talk.tellProgress(formatProgress(progress))
        },
      })
      const exitCode = ended.state === 'succeeded' ? EXIT_DONE : EXIT_FAILED
      return { json: ended, lines: operationLines(ended, session), exitCode }
    })
  })
}

/** One row for each operation. */
export function operationListLines(operations: OperationView[]): string[] {
  const rows = operations.map((one) => [one.id, one.kind, subjectOf(one), one.state, one.startedAt, one.principal])
  return tableLines(['Id', 'Kind', 'About', 'State', 'Started', 'By'], rows)
}

function operationLines(operation: OperationView, session: Session): string[] {
  const steps = operation.steps.map((step) => [
    step.sentence,
    step.state,
    step.ms === null ? '' : `${step.ms} ms`,
    step.progress ? `${step.detail ?? ''} (${formatProgress(step.progress)})` : (step.detail ?? ''),
  ])
  return [
    ...pairLines([
      ['Operation', operation.id],
      ['Kind', operation.kind],
      ['Service', operation.service],
      ['Server', operation.server],
      ['State', operation.state],
      ['By', operation.principal],
      ['Started', operation.startedAt],
      ['Ended', operation.finishedAt],
      ['Error', operation.error?.message ?? null],
      ['Next', operation.next && session.talk.asTyped(operation.next)],
    ]),
    ...tableLines(['Step', 'State', 'Took', 'Detail'], steps),
    ...(operation.report ? reportLines(operation.report).map((line) => session.talk.asTyped(line)) : []),
  ]
}

function progressOf(operation: OperationView): string {
  const step =
    operation.steps.find((one) => one.state === 'running') ?? operation.steps.find((one) => one.state !== 'done')
  return step ? step.sentence : `${operation.kind} of ${subjectOf(operation)}`
}

async function needId(session: Session, given: string | undefined, usage: string): Promise<string> {
  return await needText(session, given, {
    prompt: 'Operation id: ',
    what: 'the id of the operation',
    insteadSay: `Name the operation: ${usage} (see: mainstay operation list)`,
  })
}
