// `machine revoke`: a machine is ours no more; nobody lets it in again.
import type { Command } from 'commander'
import type { RevocationView } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { needText } from './asking.ts'
import { pairLines } from './columns.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Flags = CommonFlags & { dryRun?: boolean; force?: boolean }

/** Adds the command. */
export function addMachineRevoke(machine: Command, shell: Shell): void {
  addCommand(machine, {
    usage: 'revoke [machine]',
    about: 'shut a machine out for ever: control and all other machines refuse it',
    examples: ['mainstay machine revoke west-us-1 --dry-run', 'mainstay machine revoke gateway-2 --quiet'],
  })
    .option('--dry-run', 'say what it holds and change nothing')
    .option('--force', 'also when it holds the primary of a server or is the home of services')
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'machine revoke', flags }, async (session) => {
        const insteadSay = 'Name the machine: mainstay machine revoke MACHINE'
        const name = await needText(session, given, { prompt: 'Machine: ', what: 'the machine', insteadSay })
        return await revoke(session, name, flags)
      })
    })
}

async function revoke(session: Session, name: string, flags: Flags): Promise<Result> {
  const { talk } = session
  const client = await session.client()
  const plan = await client.revokeMachine(name, { isDryRun: true })
  if (plan.isRevoked) {
    talk.info(`${name} was revoked before.`)
    return { json: plan }
  }
  if (flags.dryRun) return { json: plan, lines: revocationLines(plan) }
  if (plan.refusal && flags.force !== true) {
    const { code, message, hint } = plan.refusal
    throw new Fault(code, 409, message, hint === undefined ? {} : { hint })
  }
  talk.data(...revocationLines(plan))
  const question = {
    prompt: `Revoke ${name}? Its connections end now, and it can never join again under this name. [y/n]: `,
    insteadSay: `Add --quiet to revoke without a question: mainstay machine revoke ${name} --quiet`,
  }
  if (!flags.quiet && !(await session.answers.confirm(question))) {
    talk.info('Nothing was changed.')
    return { json: plan }
  }
  talk.progress(`Revoking ${name}`)
  const done = await client.revokeMachine(name, { isForced: flags.force === true })
  talk.info(`${name} is revoked.`)
  return { json: done }
}

function revocationLines(plan: RevocationView): string[] {
  const { machine, primaries, services, standbys, refusal } = plan
  const orNull = (names: string[]) => (names.length > 0 ? names.join(', ') : null)
  return pairLines([
    ['Machine', `${machine.name}, ${machine.role} of ${machine.domain}`],
    ['Primary of', orNull(primaries)],
    ['Home of', orNull(services)],
    ['Standby of', standbys.length > 0 ? `${standbys.join(', ')}: built anew on another machine` : null],
    ['Refused', refusal ? `${refusal.message} (--force overrides it)` : null],
    ['Try', refusal?.hint ?? null],
  ])
}
