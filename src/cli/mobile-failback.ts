// `mobile reprotect` and `mobile failback`: the way home after a recovery.
import type { Command } from 'commander'
import { needService } from './asking.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followSteps } from './follow.ts'
import { serviceLines } from './service-lines.ts'

type ReprotectFlags = CommonFlags & DryRunFlag & { location?: string }
type FailbackFlags = CommonFlags & DryRunFlag & { withServer?: boolean }

/** Adds `reprotect`. */
export function addMobileReprotect(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'reprotect [service]',
    about: 'give a recovered mobile service a standby and a secondary again',
    examples: [
      'mainstay mobile reprotect PrimaryService',
      'mainstay mobile reprotect PrimaryService --location "West US"',
    ],
  })
    .option('-l, --location <region>', 'where they are to be (default: the region that it was recovered from)')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: ReprotectFlags) => {
      await runCommand(shell, { name: 'mobile reprotect', flags }, async (session) => {
        const name = await needService(session, given, 'mainstay mobile reprotect SERVICE')
        const client = await session.client()
        const request = flags.location === undefined ? {} : { location: flags.location }
        const plan = await client.planReprotect(name, request)
        if (flags.dryRun) return tellDryRun(session, plan)
        session.talk.data(...plan.changes)
        await followSteps(session, client, await client.reprotect(name, request))
        const safe = await client.getService(name)
        return {
          json: safe,
          lines: serviceLines(safe, { nowMs: Date.now(), asTyped: (text) => session.talk.asTyped(text) }),
        }
      })
    })
}

/** Adds `failback`. */
export function addMobileFailback(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'failback [service]',
    about: 'take a recovered mobile service home: protect it there, wait until all is in sync, and move it as planned',
    examples: ['mainstay mobile failback PrimaryService', 'mainstay mobile failback PrimaryService --dry-run'],
  })
    .option('--with-server', 'also when its SQL server holds the data of other mobile services')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: FailbackFlags) => {
      await runCommand(shell, { name: 'mobile failback', flags }, async (session) => {
        return await failBack(session, await needService(session, given, 'mainstay mobile failback SERVICE'), flags)
      })
    })
}

async function failBack(session: Session, name: string, flags: FailbackFlags) {
  const client = await session.client()
  const request = flags.withServer ? { isWithServer: true } : {}
  const plan = await client.planFailBack(name, request)
  if (flags.dryRun) return tellDryRun(session, plan)
  session.talk.data(...plan.changes)
  const ended = await followSteps(session, client, await client.failBack(name, request))
  const { region } = await client.getService(name)
  const held = ended.steps.find((step) => step.name === 'move')?.detail
  return { json: ended, lines: [`${name} is in ${region} again`, ...(held ? [held] : [])] }
}
