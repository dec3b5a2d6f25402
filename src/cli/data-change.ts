// `mobile data insert|update|delete|truncate`: rows that an operator adds, changes and takes away.
import type { Command } from 'commander'
import type { RowView } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { needService, needTable, needText } from './asking.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { rowListLines } from './data-read.ts'

const TRUNCATE = 'mainstay mobile data truncate SERVICE TABLE'
const DELETE = 'mainstay mobile data delete SERVICE TABLE ID'

type UpdateFlags = CommonFlags & { ifVersion?: string }

const INSERT = 'mainstay mobile data insert SERVICE TABLE JSON'
const UPDATE = 'mainstay mobile data update SERVICE TABLE ID JSON'

/** Adds the commands. */
export function addDataChange(data: Command, shell: Shell): void {
  addCommand(data, {
    usage: 'insert [service] [table] [row]',
    about: 'insert one row, given as JSON; scripts of the table do not run',
    examples: [`mainstay mobile data insert PrimaryService TodoItem '{"text":"Milk"}'`],
  }).action(
    async (
      givenService: string | undefined,
      givenTable: string | undefined,
      givenRow: string | undefined,
      flags: CommonFlags,
    ) => {
      await runCommand(shell, { name: 'mobile data insert', flags }, async (session) => {
        const service = await needService(session, givenService, INSERT)
        const table = await needTable(session, givenTable, INSERT)
        const row = await needRow(session, givenRow, INSERT)
        const { ids, problems } = await (await session.client()).tables.insertRows(service, table, { rows: [row] })
        const [problem] = problems
        if (problem) throw new Fault('data.refused', 400, problem.message)
        session.talk.info(`Inserted the row ${ids[0]}`)
        return { json: { id: ids[0] } }
      })
    },
  )
  addCommand(data, {
    usage: 'update [service] [table] [id] [row]',
    about: 'change columns of one row, given as JSON; scripts of the table do not run',
    examples: [`mainstay mobile data update PrimaryService TodoItem milk '{"complete":true}'`],
  })
    .option('--if-version <version>', 'its `__version` as you read it: refused when somebody has changed it since')
    .action(
      async (
        givenService: string | undefined,
        givenTable: string | undefined,
        givenId: string | undefined,
        givenRow: string | undefined,
        flags: UpdateFlags,
      ) => {
        await runCommand(shell, { name: 'mobile data update', flags }, async (session) => {
          const service = await needService(session, givenService, UPDATE)
          const table = await needTable(session, givenTable, UPDATE)
          const question = { prompt: 'Row id: ', what: 'the id of the row', insteadSay: `Name the row: ${UPDATE}` }
          const id = await needText(session, givenId, question)
          const row = await needRow(session, givenRow, UPDATE)
          const change = flags.ifVersion === undefined ? { row } : { row, version: flags.ifVersion }
          const updated = await (await session.client()).tables.updateRow(service, table, id, change)
          return { json: updated, lines: rowListLines([updated]) }
        })
      },
    )
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
        const { rowCount } = await client.tables.truncate(service, table, false)
        const prompt = `Do you want to delete all ${rowCount} rows of the table '${table}'? (y/n): `
        const insteadSay = `Add --quiet to delete them without a question: ${TRUNCATE} --quiet`
        if (rowCount === 0 || !(await session.answers.confirm({ prompt, insteadSay }))) {
          session.talk.info(rowCount === 0 ? 'There are no rows in the table' : 'Nothing was changed')
          return { json: { didTruncate: false, rowCount } }
        }
      }
      session.talk.progress('Deleting rows')
      const view = await client.tables.truncate(service, table, true)
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
        await (await session.client()).tables.deleteRow(service, table, id)
        session.talk.info(`Deleted the row ${id}`)
        return { json: { deleted: id } }
      })
    },
  )
}

async function needRow(session: Session, given: string | undefined, usage: string): Promise<RowView> {
  const question = { prompt: 'Row as JSON: ', what: 'the row', insteadSay: `Give the row: ${usage}` }
  const text = await needText(session, given, question)
  try {
    const row: unknown = JSON.parse(text)
    if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as RowView
  } catch {}
  throw new Fault('usage.bad_json', 400, `'${text.slice(0, 60)}' is no JSON object`, {
    hint: `A row is written like this: '{"text":"Milk","complete":false}'`,
  })
}
