// `mobile table create`: a new table with its permissions.
import type { Command } from 'commander'
import { needService, needTable } from './asking.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { parsePermissions } from './permissions.ts'
import { insertCurl, readCurl } from './service-lines.ts'

type Flags = CommonFlags & { permissions?: string; softDelete?: boolean; integerId?: boolean }

const USAGE = 'mainstay mobile table create SERVICE TABLE'

/** Adds the command. */
export function addTableCreate(table: Command, shell: Shell): void {
  addCommand(table, {
    usage: 'create [service] [table]',
    about: 'create a table',
    examples: [
      'mainstay mobile table create PrimaryService TodoItem',
      'mainstay mobile table create PrimaryService TodoItem --permissions insert=application,read=public,*=admin',
      'mainstay mobile table create PrimaryService Note --softDelete',
      'mainstay mobile table create PrimaryService Score --integerId',
    ],
  })
    .option('-p, --permissions <list>', 'who may do what: insert|read|update|delete|*=public|application|user|admin')
    .option('--softDelete', 'let a delete mark a row: apps that were offline hear of it, and it can be undone')
    .option('--integerId', 'let the service give integers as ids, for apps that need them; without soft delete')
    .action(async (givenService: string | undefined, givenTable: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile table create', flags }, async (session) => {
        const service = await needService(session, givenService, USAGE)
        const name = await needTable(session, givenTable, USAGE)
        const permissions = flags.permissions === undefined ? {} : { permissions: parsePermissions(flags.permissions) }
        const client = await session.client()
        session.talk.progress('Creating table')
        const softDelete = flags.softDelete === true ? { hasSoftDelete: true } : {}
        const integerId = flags.integerId === true ? { idType: 'integer' as const } : {}
        const created = await client.tables.createTable(service, { name, ...permissions, ...softDelete, ...integerId })
        const view = await client.getService(service)
        return { json: created, lines: ['Next', `  ${insertCurl(view, name)}`, `  ${readCurl(view, name)}`] }
      })
    })
}
