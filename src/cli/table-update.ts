// `mobile table update`: permissions, columns, indexes and soft delete of a table, one change after the other, each told
// by itself.
import type { Command } from 'commander'
import { COLUMN_TYPES } from '../contract/table-change.ts'
import { pause } from '../kit/clock.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { INDEX_BUILD_MS_MAX, INDEX_LOOK_EVERY_MS } from '../kit/limits.ts'
import { needService, needTable } from './asking.ts'
import type { Client } from './client.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import { type CommonFlags, listOf } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { EXIT_FAILED } from './exit-code.ts'
import { parseNamedPermissions } from './permissions.ts'
import { type Planned, planTableUpdate } from './table-plan.ts'
import { tableViewLines } from './table-show.ts'

type Flags = CommonFlags &
  DryRunFlag & {
    permissions?: string
    addColumn?: string
    deleteColumn?: string
    addIndex?: string
    deleteIndex?: string
    softDelete?: string
  }

type Names = { service: string; table: string }
/** One change: what it comes to, what is said when it worked and when it did not, as in the original. */
type Step = Planned & {
  done: string
  failed: string
  run: (client: Client, names: Names) => Promise<void>
}

const USAGE = 'mainstay mobile table update SERVICE TABLE'

/** Adds the command. */
export function addTableUpdate(table: Command, shell: Shell): void {
  addCommand(table, {
    usage: 'update [service] [table]',
    about: 'change permissions, columns, indexes and soft delete of a table',
    examples: [
      `${USAGE} --permissions read=public,*=admin`,
      `${USAGE} --addColumn done=boolean,due=date --addIndex due`,
    ],
  })
    .option('-p, --permissions <list>', 'who may do what; what is not named stays: insert|read|update|delete|*=level')
    .option('--addColumn <list>', 'columns to add: NAME=string|number|boolean|date, separated by commas')
    .option('--deleteColumn <list>', 'columns to delete with their values')
    .option('--addIndex <list>', 'columns to index, text also by its parts; writers are not held up')
    .option('--deleteIndex <list>', 'columns that need no index any more')
    .option('--softDelete <on|off>', 'whether a delete marks a row or takes it away; off takes away what is marked')
    .option(...DRY_RUN)
    .action(async (givenService: string | undefined, givenTable: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile table update', flags }, async (session) => {
        const service = await needService(session, givenService, USAGE)
        const table = await needTable(session, givenTable, USAGE)
        return await update(session, { service, table }, flags)
      })
    })
}

async function update(session: Session, names: Names, flags: Flags): Promise<Result> {
  const steps = stepsOf(flags)
  const client = await session.client()
  const before = await client.tables.getTable(names.service, names.table)
  if (flags.dryRun) return tellDryRun(session, planTableUpdate(before, steps))
  const going = [
    ...(listOf(flags.deleteColumn, undefined) ?? []).map((column) => `${column} with all values`),
    ...(flags.softDelete === 'off' ? ['all rows that are marked as deleted'] : []),
  ]
  if (going.length > 0 && !flags.quiet) {
    const prompt = `Do you want to delete ${going.join(', ')}? (y/n): `
    const insteadSay = 'Add --quiet to delete without a question.'
    if (!(await session.answers.confirm({ prompt, insteadSay }))) {
      session.talk.info('Nothing was changed')
      return { json: { changed: false } }
    }
  }
  let failed = 0
  for (const step of steps) {
    try {
      await step.run(client, names)
      session.talk.info(step.done)
    } catch (error) {
      failed += 1
      session.talk.error(`${step.failed}: ${messageOf(error)}`)
      if (error instanceof Fault && error.hint) session.talk.tryThis(error.hint)
    }
  }
  const view = await client.tables.getTable(names.service, names.table)
  if (failed === 0) return { json: view, lines: tableViewLines(view) }
  session.talk.error('Not all update operations completed successfully.')
  return { json: view, exitCode: EXIT_FAILED }
}

// In the original's order: a column's index goes before the column, and comes after it.
function stepsOf(flags: Flags): Step[] {
  const list = (text: string | undefined) => listOf(text, undefined) ?? []
  const steps: Step[] = [
    ...(flags.permissions === undefined ? [] : [permissionsStep(flags.permissions)]),
    ...list(flags.deleteIndex).map((column) => indexStep('deleteIndex', column)),
    ...list(flags.addColumn).map(addColumnStep),
    ...list(flags.addIndex).map((column) => indexStep('addIndex', column)),
    ...list(flags.deleteColumn).map(deleteColumnStep),
    ...(flags.softDelete === undefined ? [] : [softDeleteStep(flags.softDelete)]),
  ]
  if (steps.length > 0) return steps
  throw new Fault('usage.nothing_to_do', 400, 'nothing to change', {
    hint: 'Add --permissions, --addColumn, --deleteColumn, --addIndex, --deleteIndex or --softDelete.',
  })
}

function permissionsStep(text: string): Step {
  const permissions = parseNamedPermissions(text)
  return {
    plan: `Set permissions: ${Object.entries(permissions)
      .map(([what, level]) => `${what}=${level}`)
      .join(', ')}`,
    done: 'Updated permissions',
    failed: 'Failed to update permissions',
    run: async (client, { service, table }) => await client.tables.setPermissions(service, table, permissions),
  }
}

function addColumnStep(text: string): Step {
  const [name = '', type = ''] = text.split('=').map((part) => part.trim())
  const known = COLUMN_TYPES.find((one) => one === type.toLowerCase())
  if (name === '' || known === undefined) {
    throw new Fault('usage.bad_option', 400, `'${text}' is not NAME=TYPE`, {
      hint: 'Types are string, number, boolean and date. Example: --addColumn done=boolean',
    })
  }
  return {
    plan: `Add column ${name} (${known})`,
    change: { kind: 'add_column', column: name, type: known },
    done: `Added column ${name}`,
    failed: `Failed to add column ${name}`,
    run: async (client, { service, table }) =>
      await client.tables.addColumn(service, table, { column: name, type: known }),
  }
}

function deleteColumnStep(column: string): Step {
  return {
    plan: `Delete column ${column} with its values`,
    change: { kind: 'drop_column', column },
    done: `Deleted column ${column}`,
    failed: `Failed to delete column ${column}`,
    run: async (client, { service, table }) => await client.tables.deleteColumn(service, table, column),
  }
}

function softDeleteStep(text: string): Step {
  if (text !== 'on' && text !== 'off') {
    throw new Fault('usage.bad_option', 400, `'${text}' is neither on nor off`, { hint: 'Example: --softDelete on' })
  }
  const isOn = text === 'on'
  return {
    plan: isOn ? 'Let a delete mark a row' : 'Let a delete take a row away, and take away all that are marked',
    change: { kind: isOn ? 'soft_delete_on' : 'soft_delete_off' },
    done: `Soft delete is ${text}`,
    failed: `Failed to set soft delete ${text}`,
    async run(client, { service, table }) {
      await client.tables.setSoftDelete(service, table, isOn)
    },
  }
}

function indexStep(kind: 'addIndex' | 'deleteIndex', column: string): Step {
  const [did, does] = kind === 'addIndex' ? ['Added', 'add'] : ['Deleted', 'delete']
  return {
    plan: `${kind === 'addIndex' ? 'Add' : 'Delete'} index on ${column}`,
    change: { kind: kind === 'addIndex' ? 'add_index' : 'drop_index', column },
    done: `${did} index on ${column}`,
    failed: `Failed to ${does} index on ${column}`,
    async run(client, { service, table }) {
      const startedAt = performance.now()
      while ((await client.tables[kind](service, table, column)).state === 'building') {
        if (performance.now() - startedAt > INDEX_BUILD_MS_MAX) {
          throw new Fault('usage.still_building', 504, 'it is still being built', {
            hint: 'It goes on without this command; give the command again to see whether it is done.',
          })
        }
        await pause(INDEX_LOOK_EVERY_MS)
      }
    },
  }
}
