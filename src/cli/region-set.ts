// `region set`: how much a region can hold.
import type { Command } from 'commander'
import { Fault } from '../kit/fault.ts'
import { wholeNumber } from './asking.ts'
import type { RegionChange } from './client.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { regionListLines } from './status-lines.ts'

type Flags = CommonFlags & { reservedUnits?: string; sharedSlots?: string }

const CAPACITY_MAX = 1_000_000

/** Adds the command. */
export function addRegionSet(region: Command, shell: Shell): void {
  addCommand(region, {
    usage: 'set <region>',
    about: 'set the capacity of a region',
    examples: ['mainstay region set "West US" --reserved-units 8 --shared-slots 40'],
  })
    .option('--reserved-units <number>', 'units for reserved services')
    .option('--shared-slots <number>', 'slots for shared services')
    .action(async (name: string, flags: Flags) => {
      await runCommand(shell, { name: 'region set', flags }, async (session) => {
        const view = await (await session.client()).setRegion(name, changeOf(flags))
        return { json: view, lines: regionListLines([view]) }
      })
    })
}

function changeOf(flags: Flags): RegionChange {
  const change: RegionChange = {}
  const limits = { min: 0, max: CAPACITY_MAX }
  if (flags.reservedUnits !== undefined) {
    change.reservedUnits = wholeNumber('--reserved-units', flags.reservedUnits, limits)
  }
  if (flags.sharedSlots !== undefined) change.sharedSlots = wholeNumber('--shared-slots', flags.sharedSlots, limits)
  if (Object.keys(change).length > 0) return change
  throw new Fault('usage.nothing_to_do', 400, 'nothing to set', { hint: 'Add --reserved-units N or --shared-slots N.' })
}
