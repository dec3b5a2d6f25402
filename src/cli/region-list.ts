// `region list`: the failure domains, their health and their capacity.
import type { Command } from 'commander'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { regionListLines } from './status-lines.ts'

/** Adds the command. */
export function addRegionList(region: Command, shell: Shell): void {
  addCommand(region, {
    usage: 'list',
    about: 'list the regions with their health and capacity',
    examples: ['mainstay region list'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'region list', flags }, async (session) => {
      const regions = await (await session.client()).listRegions()
      return { json: regions, lines: regionListLines(regions) }
    })
  })
}
