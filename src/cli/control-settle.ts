// `control settle`: after a restore, the operator's word about a machine that nobody has heard since.
import type { Command } from 'commander'
import { Fault } from '../kit/fault.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Flags = CommonFlags & { without: string }

/** Adds the command. */
export function addControlSettle(control: Command, shell: Shell): void {
  addCommand(control, {
    usage: 'settle',
    about: 'after a restore: go on without a machine that is off for good',
    examples: ['mainstay control settle --without west-us-1'],
  })
    .requiredOption('--without <machine>', 'the machine, as status names it')
    .action(async (flags: Flags) => {
      await runCommand(shell, { name: 'control settle', flags }, async ({ answers, client, talk }) => {
        const { without } = flags
        talk.info(
          `Writes that only ${without} took after the archive are given up, should it have been promoted meanwhile`,
        )
        const prompt = `Is ${without} off, and will it stay off? (y/n): `
        const isSure = flags.quiet === true || (await answers.confirm({ prompt, insteadSay: 'Add -q.' }))
        if (!isSure) throw new Fault('control.not_settled', 409, 'nothing was changed')
        await (await client()).settleWithout(without)
        return { json: { without }, lines: [`Going on without ${without}`] }
      })
    })
}
