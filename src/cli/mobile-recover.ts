// `mobile recover`: brings a mobile service back with the capacity of another one. The command this project exists for.
import type { Command } from 'commander'
import type { OperationView, RecoverRequest } from '../contract/api.ts'
import type { DatabaseAction } from '../contract/recovery.ts'
import { Fault } from '../kit/fault.ts'
import { formatProgress } from './amounts.ts'
import { needText } from './asking.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { ACCEPT_LOSS, acceptedLossOf } from './duration.ts'
import { followOperation } from './follow.ts'
import { confirmRecovery, planLines, recoveryLabel, reportLines, stepLines } from './recovery-lines.ts'

type Flags = CommonFlags & { dryRun?: boolean; force?: boolean; database?: string; to?: string; acceptLoss?: string }

const USAGE = 'mainstay mobile recover PRIMARY SECONDARY'

/** Adds the command. */
export function addMobileRecover(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'recover [unhealthy] [healthy]',
    about: 'recover an unhealthy mobile service with the capacity of a healthy one in another region',
    examples: [
      'mainstay mobile recover PrimaryService SecondaryService',
      'mainstay mobile recover PrimaryService SecondaryService --dry-run',
      'mainstay mobile recover PrimaryService SecondaryService --to 2026-11-25T14:03:20Z --force',
    ],
  })
    .option('--dry-run', 'show the plan with its predicted time and loss, change nothing')
    .option(
      '--database <what>',
      'keep, promote or restore it (default: the first of these that can be; an external server is kept)',
    )
    .option('--to <moment>', 'restore it as it was then: latest, a moment, or a backup of `sql backup list`')
    .option(
      ACCEPT_LOSS,
      'lose writes of so long: 90s, 5m, 2h, none or any (default: `recovery.lossMax` of the service)',
    )
    .option('--force', 'recover a mobile service that is not unhealthy')
    .action(async (unhealthy: string | undefined, healthy: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile recover', flags }, async (session) => {
        const primary = await needText(session, unhealthy, {
          prompt: 'Name of the unhealthy mobile service to recover: ',
          what: 'the name of the unhealthy mobile service',
          insteadSay: `Name both: ${USAGE}`,
        })
        const secondary = await needText(session, healthy, {
          prompt: 'Name of the healthy mobile service to use for capacity: ',
          what: 'the name of the healthy mobile service',
          insteadSay: `Name both: ${USAGE}`,
        })
        return await recover(session, { primary, secondary, flags })
      })
    })
}

async function recover(
  session: Session,
  options: { primary: string; secondary: string; flags: Flags },
): Promise<Result> {
  const { primary, secondary, flags } = options
  const { talk } = session
  const client = await session.client()
  const request = requestOf(secondary, flags)
  const plan = await client.planRecovery(primary, request)
  talk.data(...planLines(plan))
  if (flags.dryRun) {
    talk.data(...stepLines(plan))
    talk.info('Nothing was changed')
    return { json: plan }
  }
  const prompt = confirmRecovery(primary, secondary)
  const command = `mainstay mobile recover ${primary} ${secondary}${flagsAsTyped(flags)} --quiet`
  const insteadSay = `Add --quiet to recover without a question: ${command}`
  if (!flags.quiet && !(await session.answers.confirm({ prompt, insteadSay }))) {
    talk.info('Recovery terminated with no changes made')
    return { json: { recovered: false } }
  }

  let label = ''
  const show = (wanted: string) => {
    if (wanted !== label) talk.progress(wanted)
    label = wanted
  }
  show('Performing recovery')
  const operation = await client.recover(primary, { ...request, expectedAction: plan.database.action })
  const onChange = (now: OperationView) => {
    show(recoveryLabel(now))
    const progress = now.steps.find(({ state }) => state === 'running')?.progress
    if (progress) talk.tellProgress(formatProgress(progress))
  }
  const ended = await followOperation(session, client, { operation, onChange })
  talk.info('Recovery complete')
  if (ended.report) talk.data(...reportLines(ended.report).map((line) => talk.asTyped(line)))
  return { json: ended }
}

// What was typed is typed again, or another recovery would be begun.
function flagsAsTyped({ force, database, to, acceptLoss }: Flags): string {
  const given = [
    ['--database', database],
    ['--to', to],
    ['--accept-loss', acceptLoss],
  ].flatMap(([flag, value]) => (value === undefined ? [] : [` ${flag} ${value}`]))
  return `${given.join('')}${force ? ' --force' : ''}`
}

function requestOf(secondary: string, flags: Flags): RecoverRequest {
  return {
    secondary,
    ...(flags.force ? { isForced: true } : {}),
    ...(flags.database === undefined ? {} : { database: actionOf(flags.database) }),
    ...(flags.to === undefined ? {} : { to: flags.to }),
    ...(flags.acceptLoss === undefined ? {} : { acceptedLossMs: acceptedLossOf(flags.acceptLoss) }),
  }
}

function actionOf(text: string): DatabaseAction {
  const action = text.toLowerCase()
  if (action === 'keep' || action === 'promote' || action === 'restore') return action
  throw new Fault('usage.bad_option', 400, `--database takes keep, promote or restore, not '${text}'`, {
    hint: 'Left out, the database is kept where it is alive, else promoted where it can be, else restored.',
  })
}
