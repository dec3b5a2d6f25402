// `mobile delete`: removes a mobile service, with or without its data.
import type { Command } from 'commander'
import { needService } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followOperation } from './follow.ts'

type Flags = CommonFlags & DryRunFlag & { deleteData?: boolean }

/** Adds the command. */
export function addMobileDelete(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'delete [service]',
    about: 'delete a mobile service',
    examples: ['mainstay mobile delete TodoList', 'mainstay mobile delete TodoList --deleteData --quiet'],
  })
    .option('-d, --deleteData', 'delete the data of the mobile service as well')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile delete', flags }, async (session) => {
        const name = await needService(session, given, 'mainstay mobile delete SERVICE')
        const deleteData = flags.deleteData === true
        const client = await session.client()
        if (flags.dryRun) return tellDryRun(session, await client.planDelete(name, { deleteData }))
        // Asked for before the question, so that nobody confirms the deletion of what does not exist.
        await client.getService(name)
        const prompt = confirmDelete({ deleteData })
        const insteadSay = `Add --quiet to delete without a question: mainstay mobile delete ${name} --quiet`
        if (!flags.quiet && !(await session.answers.confirm({ prompt, insteadSay }))) {
          session.talk.info('Deletion cancelled with no changes made.')
          return { json: { deleted: false } }
        }
        session.talk.progress('Deleting mobile service')
        const operation = await client.deleteService(name, { deleteData })
        const ended = await followOperation(session, client, { operation })
        session.talk.info('Deleted mobile service.')
        return { json: ended }
      })
    })
}

/** The question of the original, for what we delete. */
export function confirmDelete(options: { deleteData: boolean }): string {
  const scope = options.deleteData ? 'with all data' : 'but leave all data intact'
  return `Do you want to delete the mobile service ${scope}? [y/n]: `
}
