// `mobile reprotect` and `mobile failback`: the way home after a recovery.
import type { Command } from 'commander'
import type { ServiceView } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { needService } from './asking.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followSteps } from './follow.ts'
import { planProtection, protectService } from './protection.ts'
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
        const service = await client.getService(name)
        const region = flags.location ?? service.recoveredFrom ?? undefined
        const changes = await planProtection(client, service, region)
        if (flags.dryRun) return tellDryRun(session, { isDryRun: true, changes })
        session.talk.data(...changes)
        const safe = await protectService(session, client, service, region)
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
  const service = await client.getService(name)
  const home = homeOf(service)
  const changes = await planProtection(client, service, home)
  if (flags.dryRun) {
    const move = `Then move '${service.name}' to ${home} as planned: requests are held meanwhile, as a rule for under 2 s`
    return tellDryRun(session, { isDryRun: true, changes: [...changes, move] })
  }
  session.talk.data(...changes)
  await protectService(session, client, service, home)
  session.talk.info(`Moving ${service.name} to ${home}`)
  const request = { to: home, ...(flags.withServer ? { isWithServer: true } : {}) }
  const ended = await followSteps(session, client, await client.switchover(name, request))
  const held = ended.steps.find((step) => step.name === 'release')?.detail
  return { json: ended, lines: [`${service.name} is in ${home} again`, ...(held ? [held] : [])] }
}

function homeOf(service: ServiceView): string {
  if (service.recoveredFrom !== null) return service.recoveredFrom
  throw new Fault('failback.no_home', 409, `'${service.name}' was not recovered from elsewhere, or is home again`, {
    hint: `To move it to another region: mainstay mobile switchover ${service.name} REGION`,
  })
}
