// `mobile table delete`: removes a table with its rows.
import type { Command } from 'commander'
import { needService, needTable } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

const USAGE = 'mainstay mobile table delete SERVICE TABLE'

/** Adds the command. */
export function addTableDelete(table: Command, shell: Shell): void {
  addCommand(table, {
    usage: 'delete [service] [table]',
    about: 'delete a table with all its rows',
    examples: ['mainstay mobile table delete PrimaryService TodoItem --quiet'],
  }).action(async (givenService: string | undefined, givenTable: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile table delete', flags }, async (session) => {
      const service = await needService(session, givenService, USAGE)
      const name = await needTable(session, givenTable, USAGE)
      const prompt = `Do you want to delete the table '${name}' with all its rows? [y/n]: `
      const command = `mainstay mobile table delete ${service} ${name} --quiet`
      const insteadSay = `Add --quiet to delete without a question: ${command}`
      if (!flags.quiet && !(await session.answers.confirm({ prompt, insteadSay }))) {
        session.talk.info('Deletion cancelled with no changes made.')
        return { json: { deleted: false } }
      }
      const client = await session.client()
      session.talk.progress('Deleting table')
      await client.tables.deleteTable(service, name)
      return { json: { deleted: true, table: name } }
    })
  })
}
