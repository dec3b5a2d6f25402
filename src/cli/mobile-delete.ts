// `mobile delete`: removes a mobile service; its data stays, or is dropped later, or at once.
import type { Command } from 'commander'
import { Fault } from '../kit/fault.ts'
import { DELETED_KEEP_DAYS } from '../kit/limits.ts'
import { findEnded } from './archive.ts'
import { needService } from './asking.ts'
import type { Client } from './client.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { followOperation } from './follow.ts'

type Flags = CommonFlags & DryRunFlag & { deleteData?: boolean; now?: boolean }

/** Adds the command. */
export function addMobileDelete(mobile: Command, shell: Shell): void {
  const usage = 'mainstay mobile delete'
  addCommand(mobile, {
    usage: 'delete [service]',
    about: 'delete a mobile service',
    examples: [`${usage} TodoList`, `${usage} TodoList --deleteData --quiet`, `${usage} TodoList --deleteData --now`],
  })
    .option('-d, --deleteData', `delete the data of the mobile service as well, after ${DELETED_KEEP_DAYS} days`)
    .option('--now', 'with --deleteData: at once; it cannot be brought back then')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile delete', flags }, async (session) => {
        const wanted = { deleteData: flags.deleteData === true, now: flags.now === true }
        if (wanted.now && !wanted.deleteData) {
          throw new Fault('usage.bad_option', 400, '--now says when the data goes: it takes --deleteData as well', {
            hint: `${usage} ${given ?? 'SERVICE'} --deleteData --now`,
          })
        }
        const name = await needService(session, given, `${usage} SERVICE`)
        const client = await session.client()
        if (flags.dryRun) return tellDryRun(session, await client.planDelete(name, wanted))
        // Asked for before the question, so that nobody confirms the deletion of what does not exist.
        await client.getService(name)
        const prompt = confirmDelete(wanted)
        const also = `${wanted.deleteData ? ' --deleteData' : ''}${wanted.now ? ' --now' : ''}`
        const insteadSay = `Add --quiet to delete without a question: ${usage} ${name}${also} --quiet`
        if (!flags.quiet && !(await session.answers.confirm({ prompt, insteadSay }))) {
          session.talk.info('Deletion cancelled with no changes made.')
          return { json: { deleted: false } }
        }
        session.talk.progress('Deleting mobile service')
        const operation = await client.deleteService(name, wanted)
        const ended = await followOperation(session, client, { operation })
        session.talk.info('Deleted mobile service.')
        const dropDataAt = wanted.deleteData && !wanted.now ? await findDrop(client, name) : null
        if (dropDataAt !== null) {
          session.talk.info(`Its data is kept until ${dropDataAt}, and then dropped.`)
          session.talk.info(`To bring it back until then: mainstay mobile restore-deleted ${name}`)
          session.talk.info(`To drop its data before: mainstay mobile archive delete ${name}`)
        }
        return { json: { ...ended, dropDataAt } }
      })
    })
}

/** The question of the original, for what we delete. */
export function confirmDelete({ deleteData, now }: { deleteData: boolean; now: boolean }): string {
  const later = `with all data, which can be brought back for ${DELETED_KEEP_DAYS} days`
  const atOnce = 'with all data, which cannot be brought back'
  const scope = deleteData ? (now ? atOnce : later) : 'but leave all data intact'
  return `Do you want to delete the mobile service ${scope}? [y/n]: `
}

// That this cannot be told makes no failure of what succeeded.
async function findDrop(client: Client, name: string): Promise<string | null> {
  const ended = await findEnded(client, name).catch(() => null)
  return ended?.dropDataAt ?? null
}
