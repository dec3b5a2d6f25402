// `account deployment-user list|set|delete`: names and passwords by which git pushes.
import type { Command } from 'commander'
import { randomKey } from '../kit/identifiers.ts'
import { tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type SetFlags = CommonFlags & { generate?: boolean }

const SET = 'mainstay account deployment-user set NAME'
const PASSWORD_LENGTH = 24

/** Adds the three commands. */
export function addDeploymentUser(group: Command, shell: Shell): void {
  addCommand(group, {
    usage: 'list',
    about: 'list who may push with a password',
    examples: ['mainstay account deployment-user list'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'account deployment-user list', flags }, async (session) => {
      const found = await (await session.client()).source.listUsers()
      const rows = found.map((one) => [one.name, one.principal, one.createdAt, one.lastUsedAt ?? 'never'])
      const lines = tableLines(['Deployment user', 'Set by', 'Set at', 'Last used'], rows)
      return { json: found, lines: found.length === 0 ? [`Nobody may push with a password. Next: ${SET}`] : lines }
    })
  })
  addCommand(group, {
    usage: 'set <name>',
    about: 'set the name and password that git pushes with; it may push to every mobile service, and nothing else',
    examples: [SET, `${SET} --generate`],
  })
    .option('--generate', 'make a password, and show it this once')
    .action(async (name: string, flags: SetFlags) => {
      await runCommand(shell, { name: 'account deployment-user set', flags }, async (session) => {
        const isMade = flags.generate === true
        const question = { prompt: 'Password: ', insteadSay: `Have one made: ${SET} --generate` }
        const password = isMade ? randomKey(PASSWORD_LENGTH) : await session.answers.askSecret(question)
        await (await session.client()).source.setUser(name, password)
        const lines = [
          `${name} may push now.`,
          ...(isMade ? [`Password    ${password}`, 'It is shown this once.'] : []),
        ]
        return { json: { name, ...(isMade ? { password } : {}) }, lines }
      })
    })
  addCommand(group, {
    usage: 'delete <name>',
    about: 'take a deployment user away',
    examples: ['mainstay account deployment-user delete NAME'],
  }).action(async (name: string, flags: CommonFlags) => {
    await runCommand(shell, { name: 'account deployment-user delete', flags }, async (session) => {
      await (await session.client()).source.deleteUser(name)
      return { json: { deleted: name }, lines: [`${name} may push no more.`] }
    })
  })
}
