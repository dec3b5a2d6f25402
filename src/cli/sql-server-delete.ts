// `sql server delete`: removes a SQL server with all its copies.
import type { Command } from 'commander'
import { needSqlServer } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followOperation } from './follow.ts'

type Flags = CommonFlags & DryRunFlag & { deleteData?: boolean }

/** Adds the command. */
export function addSqlServerDelete(server: Command, shell: Shell): void {
  addCommand(server, {
    usage: 'delete [server]',
    about: 'delete a SQL server with its copies; refused while mobile services use it',
    examples: ['mainstay sql server delete orders', 'mainstay sql server delete orders --delete-data --quiet'],
  })
    .option('--delete-data', 'also the data that it keeps of mobile services that were deleted or consumed')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'sql server delete', flags }, async (session) => {
        const name = await needSqlServer(session, given, 'mainstay sql server delete SERVER')
        const deleteData = flags.deleteData === true
        const client = await session.client()
        // Asked first in any case, so that nobody confirms what would be refused.
        const plan = await client.planDeleteServer(name, { deleteData })
        if (flags.dryRun) return tellDryRun(session, plan)
        session.talk.data(...plan.changes)
        const prompt = `Do you want to delete the SQL server ${name} with all its copies? [y/n]: `
        const insteadSay = `Add --quiet to delete without a question: mainstay sql server delete ${name} --quiet`
        if (!flags.quiet && !(await session.answers.confirm({ prompt, insteadSay }))) {
          session.talk.info('Deletion cancelled with no changes made.')
          return { json: { deleted: false } }
        }
        session.talk.progress('Deleting SQL server')
        const operation = await client.deleteServer(name, { deleteData })
        return { json: await followOperation(session, client, { operation }) }
      })
    })
}
