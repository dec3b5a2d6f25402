// `reset`: removes a local cloud with all its data, after a typed yes.
import type { Command } from 'commander'
import { cloudHome } from '../local/cloud-home.ts'
import { carryOutReset, planReset } from '../local/reset.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import { type CommonFlags, homeOf } from './config.ts'

/** Adds the command. */
export function addReset(program: Command, shell: Shell): void {
  addCommand(program, {
    usage: 'reset',
    about: 'remove a local cloud that does not run, with all its data',
    examples: ['mainstay reset', 'mainstay reset --home /srv/mainstay --quiet'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'reset', flags }, async (session) => {
      const home = cloudHome(homeOf(flags, session.env))
      const folders = await planReset(home)
      session.talk.data(...folders.map((folder) => `Removes ${folder}`))
      const prompt = 'All services and all their data in it will be gone. Type yes to remove them: '
      const insteadSay = 'Add --quiet to remove without a question: mainstay reset --quiet'
      // The whole word: this cannot be undone.
      if (!flags.quiet && (await session.answers.ask({ prompt, insteadSay })) !== 'yes') {
        session.talk.info('Nothing was removed.')
        return { json: { removed: [] } }
      }
      session.talk.progress('Removing')
      await carryOutReset(home, folders)
      session.talk.info('Removed.')
      return { json: { removed: folders } }
    })
  })
}
