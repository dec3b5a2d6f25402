// `mobile data truncate|delete`: rows that an operator takes away.
import type { Command } from 'commander'
import { needService, needTable, needText } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

const TRUNCATE = 'mainstay mobile data truncate SERVICE TABLE'
const DELETE = 'mainstay mobile data delete SERVICE TABLE ID'

/** Adds both commands. */
export function addDataChange(data: Command, shell: Shell): void {
  addCommand(data, {
    usage: 'truncate [service] [table]',
    about: 'delete all rows of a table',
    examples: [TRUNCATE, `${TRUNCATE} --quiet`],
  }).action(async (givenService: string | undefined, givenTable: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile data truncate', flags }, async (session) => {
      const service = await needService(session, givenService, TRUNCATE)
      const table = await needTable(session, givenTable, TRUNCATE)
      const client = await session.client()
      if (!flags.quiet) {
        const { rowCount } = await client.truncate(service, table, false)
        const prompt = `Do you want to delete all ${rowCount} rows of the table '${table}'? (y/n): `
        const insteadSay = `Add --quiet to delete them without a question: ${TRUNCATE} --quiet`
        if (rowCount === 0 || !(await session.answers.confirm({ prompt, insteadSay }))) {
          session.talk.info(rowCount === 0 ? 'There are no rows in the table' : 'Nothing was changed')
          return { json: { didTruncate: false, rowCount } }
        }
      }
      session.talk.progress('Deleting rows')
      const view = await client.truncate(service, table, true)
      session.talk.info(`Deleted ${view.rowCount} rows`)
      return { json: view }
    })
  })
  addCommand(data, {
    usage: 'delete [service] [table] [id]',
    about: 'delete one row of a table',
    examples: [DELETE],
  }).action(
    async (
      givenService: string | undefined,
      givenTable: string | undefined,
      givenId: string | undefined,
      flags: CommonFlags,
    ) => {
      await runCommand(shell, { name: 'mobile data delete', flags }, async (session) => {
        const service = await needService(session, givenService, DELETE)
        const table = await needTable(session, givenTable, DELETE)
        const question = { prompt: 'Row id: ', what: 'the id of the row', insteadSay: `Name the row: ${DELETE}` }
        const id = await needText(session, givenId, question)
        await (await session.client()).deleteRow(service, table, id)
        session.talk.info(`Deleted the row ${id}`)
        return { json: { deleted: id } }
      })
    },
  )
}
