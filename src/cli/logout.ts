// `logout`: forgets the control that `login` named.
import type { Command } from 'commander'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { forgetLogin, readLogin } from './login-file.ts'

/** Adds the command. */
export function addLogout(program: Command, shell: Shell): void {
  addCommand(program, {
    usage: 'logout',
    about: 'forget the control that login named',
    examples: ['mainstay logout'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'logout', flags }, async (session) => {
      const login = await readLogin(session.env)
      await forgetLogin(session.env)
      session.talk.info(login ? `Logged out of ${login.url}.` : 'There was no login.')
      return { json: { url: login?.url ?? null } }
    })
  })
}
