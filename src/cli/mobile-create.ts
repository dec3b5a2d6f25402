// `mobile create`: a new mobile service, or a secondary whose capacity is promised to a primary.
import type { Command } from 'commander'
import type { CreateService } from '../contract/api.ts'
import { modeOf, needService, wholeNumber } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followOperation } from './follow.ts'
import { createdLines } from './service-lines.ts'
import { checkServiceName } from './service-name.ts'

type Flags = CommonFlags &
  DryRunFlag & { location?: string; mode?: string; units?: string; secondaryFor?: string; sqlServer?: string }

/** Adds the command. */
export function addMobileCreate(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'create [service]',
    about: 'create a mobile service',
    examples: [
      'mainstay mobile create PrimaryService --location "West US"',
      'mainstay mobile create SecondaryService --location "East US" --secondary-for PrimaryService',
    ],
  })
    .option('-l, --location <region>', 'region to create it in (default: the first of `mobile locations`)')
    .option('--mode <mode>', 'shared or reserved (default: shared, or the primary’s)')
    .option('--units <number>', 'units of a reserved service (default: 1, or the primary’s)')
    .option('--secondary-for <primary>', 'promise its capacity to this mobile service')
    .option(
      '--sql-server <name>',
      'SQL server for its data: a name, or `new` (default: new if reserved, else the region’s)',
    )
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile create', flags }, async (session) => {
        const name = checkServiceName(await needService(session, given, 'mainstay mobile create SERVICE'))
        const request = requestOf(name, flags)
        const client = await session.client()
        if (flags.dryRun) return tellDryRun(session, await client.planCreate(request))
        session.talk.progress('Creating mobile service')
        const operation = await client.createService(request)
        await followOperation(session, client, { operation })
        const service = await client.getService(name)
        return { json: service, lines: createdLines(service, (text) => session.talk.asTyped(text)) }
      })
    })
}

function requestOf(name: string, flags: Flags): CreateService {
  return {
    name,
    ...(flags.location === undefined ? {} : { location: flags.location }),
    ...(flags.mode === undefined ? {} : { mode: modeOf(flags.mode) }),
    ...(flags.units === undefined ? {} : { units: wholeNumber('--units', flags.units, { min: 1, max: 100 }) }),
    ...(flags.secondaryFor === undefined ? {} : { secondaryFor: flags.secondaryFor }),
    ...(flags.sqlServer === undefined ? {} : { sqlServer: flags.sqlServer }),
  }
}
