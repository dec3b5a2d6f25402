// `mobile locations`: where a mobile service can be created.
import type { Command } from 'commander'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

/** Adds the command. */
export function addMobileLocations(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'locations',
    about: 'list the regions a mobile service can be created in',
    examples: ['mainstay mobile locations'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile locations', flags }, async (session) => {
      const regions = await (await session.client()).listRegions()
      return {
        json: regions.map((region) => ({ region: region.name })),
        lines: regions.map((region, index) => (index === 0 ? `${region.name} (default)` : region.name)),
      }
    })
  })
}
