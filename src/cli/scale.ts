// `mobile scale show|change`: the mode of a mobile service and its units.
import type { Command } from 'commander'
import type { ScaleService, ServiceView } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { modeOf, needService, wholeNumber } from './asking.ts'
import { pairLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { followOperation } from './follow.ts'

type Flags = CommonFlags & { mode?: string; units?: string; dryRun?: boolean }

const USAGE = 'mainstay mobile scale change SERVICE --mode reserved --units 2'

/** Adds both commands. */
export function addScale(scale: Command, shell: Shell): void {
  addCommand(scale, {
    usage: 'show [service]',
    about: 'show the mode and units of a mobile service, and of the one that it is promised to or stands on',
    examples: ['mainstay mobile scale show PrimaryService'],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile scale show', flags }, async (session) => {
      const name = await needService(session, given, 'mainstay mobile scale show SERVICE')
      const client = await session.client()
      const service = await client.getService(name)
      const partnerName = service.secondary ?? service.secondaryFor
      const partner = partnerName === null ? null : await client.getService(partnerName)
      return { json: scaleJson(service), lines: scaleLines(service, partner) }
    })
  })
  addCommand(scale, {
    usage: 'change [service]',
    about: 'change the mode or the units of a mobile service; no request fails meanwhile',
    examples: [USAGE, 'mainstay mobile scale change SERVICE --mode shared'],
  })
    .option('--mode <mode>', 'shared or reserved')
    .option('-i, --units <number>', 'units of a reserved service')
    .option('--dry-run', 'show what would change, change nothing')
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile scale change', flags }, async (session) => {
        const name = await needService(session, given, USAGE)
        const wanted = wantedOf(flags)
        const client = await session.client()
        const before = await client.getService(name)
        const { talk } = session
        if (isAsWanted(before, wanted)) {
          talk.info('Nothing to change')
          return { json: scaleJson(before), lines: scaleLines(before, null) }
        }
        if (flags.dryRun) {
          const plan = await client.planScale(name, wanted)
          talk.data(`${plan.name} in ${plan.region}: from ${sizeText(plan.from)} to ${sizeText(plan.to)}`)
          talk.info('Nothing was changed')
          return { json: plan }
        }
        talk.progress('Scaling mobile service')
        await followOperation(session, client, { operation: await client.scaleService(name, wanted) })
        const after = await client.getService(name)
        return { json: scaleJson(after), lines: scaleLines(after, null) }
      })
    })
}

/** Mode and units, with the partner whose size bounds them. */
export function scaleLines(service: ServiceView, partner: ServiceView | null): string[] {
  const role = service.secondary === null ? 'primary' : 'secondary'
  return pairLines([
    ['mode', service.mode],
    ['units', String(service.units)],
    ['region', service.region],
    [role, partner && `${partner.name}: ${partner.mode}, ${partner.units} unit(s) in ${partner.region}`],
  ])
}

function sizeText({ mode, units }: { mode: string; units: number }): string {
  return mode === 'shared' ? 'shared' : `reserved, ${units} unit(s)`
}

function scaleJson({ name, mode, units, region, secondary, secondaryFor }: ServiceView) {
  return { name, mode, units, region, secondary, secondaryFor }
}

function wantedOf(flags: Flags): ScaleService {
  const wanted = {
    ...(flags.mode === undefined ? {} : { mode: modeOf(flags.mode) }),
    ...(flags.units === undefined ? {} : { units: wholeNumber('--units', flags.units, { min: 1, max: 100 }) }),
  }
  if (Object.keys(wanted).length > 0) return wanted
  throw new Fault('usage.nothing_to_do', 400, 'nothing to change', { hint: `Add --mode or --units: ${USAGE}` })
}

function isAsWanted(service: ServiceView, wanted: ScaleService): boolean {
  const isSameMode = wanted.mode === undefined || wanted.mode === service.mode
  const isSameUnits = wanted.units === undefined || wanted.units === service.units
  return isSameMode && isSameUnits
}
