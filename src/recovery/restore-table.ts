// One table, or some of its rows, as they were: from a backup into the living database, without touching the rest.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { DryRunView, RestoreTable } from '../contract/api.ts'
import type { BackupTarget, RestoreOutline } from '../contract/backup.ts'
import type { TableRestored, TableRestoreRequest, TableWish } from '../contract/table-restore.ts'
import { requireKnown } from '../databases/backup-operations.ts'
import { parseTarget } from '../databases/restore-server.ts'
import { getServer, primaryOf, requireManaged } from '../databases/servers.ts'
import { askVault, requireVaultAt, stepOfJob } from '../databases/vault-calls.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation, type Operation, serviceIdOf, subjectOf } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import { notYet, type OperationKind, type StepContext, type StepResult } from '../operations/runner.ts'
import { requireReachable } from '../regions/hosts.ts'
import { bumpDesired } from '../regions/regions.ts'
import { untilServed } from '../services/facts-of.ts'
import { requireTableName } from '../services/names.ts'
import {
  getService,
  getServiceById,
  getTable,
  insertTable,
  listTables,
  type Service,
  type ServiceTable,
} from '../services/services.ts'
import type { RecoveryDeps } from './recover-facts.ts'
import { askForBackup, readContents } from './service-data.ts'

/** What the steps need to know of the claim; kept in the operation's row. `from`: whose backups. */
type TableInput = TableWish & { server: string; from: string; target: BackupTarget }

const STEPS = {
  restore: 'Restoring it beside its server, and bringing it back',
  define: 'Serving it',
}
const LOOK_AGAIN_MS = 200

/** Checks everything, the vault included, and writes the operation. Returns its id. */
export async function beginRestoreTable(
  deps: RecoveryDeps,
  caller: Caller,
  about: { service: string; table: string },
  wanted: RestoreTable,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claim(deps, caller, about, wanted, how))
}

/** What would be brought back, from which backup; faults as it would, and changes nothing. */
export async function planRestoreTable(
  deps: RecoveryDeps,
  caller: Caller,
  about: { service: string; table: string },
  wanted: RestoreTable,
): Promise<DryRunView> {
  return await planClaim(async (how) => await claim(deps, caller, about, wanted, how))
}

async function claim(
  deps: RecoveryDeps,
  caller: Caller,
  about: { service: string; table: string },
  wanted: RestoreTable,
  how: ClaimOptions,
): Promise<Claim> {
  const { db, field } = deps
  const service = await getService(db, caller.subscriptionId, about.service)
  const wish = await requireSense(deps, service, about.table, wanted)
  const target = parseTarget(wanted.to)
  await field.settle()
  const server = await getServer(db, service.server)
  requireManaged(server, 'bringing back what it held')
  const { machine } = primaryOf(server)
  requireReachable(field, machine, `the database of '${service.name}'`)
  const from = (await requireKnown(db, wanted.from ?? service.server)).name
  const vault = { ...deps.vault, field }
  requireVaultAt(vault, machine)
  if (wish.as !== null) await requireFreeTable(deps, service, wish.as)
  const question = { path: `/vault/${from}/outline`, body: { target } }
  const outline = await askVault<RestoreOutline>(vault, machine, question)
  return await transact(db, how, async (trx) => {
    const input: TableInput = { ...wish, server: service.server, from, target }
    const operationId = await insertOperation(trx, {
      kind: 'restore_table',
      caller,
      subject: { service: { id: service.id, name: service.name }, server: service.server },
      input,
      steps: stepsFor(wish),
      idempotencyKey: how.idempotencyKey,
    })
    const after = { table: wish.table, as: wish.as, ids: wish.ids?.length ?? null, restoresTo: outline.restoresTo }
    await audit(trx, caller, { action: 'sql restore-table', subject: service.name, after, operationId })
    return { operationId, changes: [...textOf(service, wish, outline), ...outline.notes] }
  })
}

async function requireSense(
  { db }: RecoveryDeps,
  service: Service,
  table: string,
  { as: name, ids: named, isExact = false }: RestoreTable,
): Promise<TableWish> {
  const [as, ids] = [name ?? null, named ?? null]
  requireTableName(table)
  if (as !== null && isExact) {
    throw new Fault('table.bad_restore', 400, 'a table of its own is exactly as it was', {
      hint: 'Leave one of them out.',
    })
  }
  if (ids !== null && isExact) {
    throw new Fault('table.bad_restore', 400, 'rows that were named say nothing of the others', {
      hint: 'Leave one of them out.',
    })
  }
  // One that was deleted is not defined any more, and comes back under a name of its own.
  if (as === null) {
    const known = await getTable(db, service, table)
    requireIds(known, ids)
    return { table: known.name, as, ids, isExact }
  }
  requireTableName(as)
  const taken = (await listTables(db, [service.id])).find(({ name }) => name.toLowerCase() === as.toLowerCase())
  if (taken)
    throw new Fault('table.exists', 409, `'${service.name}' has a table '${taken.name}'`, {
      hint: 'Choose another name with --as.',
    })
  return { table, as, ids, isExact }
}

function requireIds({ name, id_type: idType }: ServiceTable, ids: string[] | null): void {
  const wrong = idType === 'integer' ? ids?.find((id) => !/^\d{1,15}$/.test(id)) : undefined
  if (wrong === undefined) return
  throw new Fault('table.bad_restore', 400, `the ids of ${name} are integers, and '${wrong}' is none`)
}

// What lies in the database and is not defined is somebody's; it is not written over.
async function requireFreeTable(deps: RecoveryDeps, service: Service, name: string): Promise<void> {
  const wanted = { serviceId: service.id, schema: service.schema_name, isNewestOnly: true }
  const { tables } = await readContents(deps, service.server, wanted)
  if (tables.every((table) => table.name.toLowerCase() !== name.toLowerCase())) return
  throw new Fault('table.exists', 409, `the database of '${service.name}' has a table '${name}' that is not defined`, {
    hint: `Define it: mainstay mobile table create ${service.name} ${name}; or choose another name with --as.`,
  })
}

function textOf(service: Service, wish: TableWish, { backup, restoresTo, bytes }: RestoreOutline): string[] {
  const { table, as, ids, isExact } = wish
  const rows = ids === null ? 'all rows' : `${ids.length} row(s)`
  const where = `Restore backup ${backup} beside ${service.server}, as it was at ${restoresTo}; ${bytes} bytes are fetched`
  if (as !== null) return [where, `Bring ${rows} of ${table} back into a new table ${as} of '${service.name}'`]
  return [
    where,
    `Bring ${rows} of ${table} back that were deleted or changed since; apps fetch them as changed`,
    isExact ? 'Delete rows that were inserted since' : 'Leave rows alone that were inserted since',
  ]
}

/** How a table is brought back. Nothing is held: the service may be recovered meanwhile, and this fails then. */
export function restoreTableKind(deps: RecoveryDeps): OperationKind {
  const { db } = deps
  return {
    steps: [
      { name: 'restore', isEndless: true, run: async (context) => await restore(deps, context) },
      { name: 'define', run: async (context) => await define(deps, context) },
    ],
    finish: async (_context, end) => await end(db, {}),
    fail: async ({ operation }, fault, end) => {
      const next = fault.hint ?? `mainstay sql backup list ${inputOf(operation).from}`
      await end(db, { state: 'failed', next })
    },
  }
}

async function restore(deps: RecoveryDeps, { operation, facts }: StepContext): Promise<StepResult> {
  const { db, field } = deps
  const { server, from, target, ...wish } = inputOf(operation)
  const service = await getServiceById(db, serviceIdOf(operation))
  if (service.server !== server) {
    throw new Fault('server.busy', 409, `'${service.name}' is on ${service.server} by now`, {
      hint: 'Give the same command again.',
    })
  }
  const { machine } = primaryOf(await getServer(db, server))
  const body: TableRestoreRequest = { ...wish, ...(await askForBackup(deps, operation, { service, from, target })) }
  const order = { path: `/servers/${server}/restore-table`, body }
  const result = await stepOfJob<TableRestored>({ field }, machine, order, facts)
  if (result === null) return notYet(`${machine} to restore it`, LOOK_AGAIN_MS)
  facts.idType = result.idType ?? 'string'
  return { kind: 'done', detail: resultText(result, wish) }
}

function resultText(
  { found, inserted, updated, deleted, leftOut, restoredTo }: TableRestored,
  wish: TableWish,
): string {
  const gone = leftOut.length > 0 ? `; without ${leftOut.join(', ')}, which it does not have any more` : ''
  if (wish.as !== null) return `${found} row(s) of ${restoredTo} in ${wish.as}`
  const deletions = wish.isExact ? `, ${deleted} deleted` : ''
  return `${found} row(s) of ${restoredTo}: ${inserted} brought back, ${updated} set back${deletions}${gone}`
}

async function define(deps: RecoveryDeps, { operation, facts }: StepContext): Promise<StepResult> {
  const { db, field } = deps
  const { table, as } = inputOf(operation)
  if (as === null) return { kind: 'done' }
  const service = await getServiceById(db, serviceIdOf(operation))
  facts.version ??= await db.transaction().execute(async (trx) => {
    const tables = await listTables(trx, [service.id])
    const like = tables.find(({ name }) => name.toLowerCase() === table.toLowerCase())
    const isThere = tables.some(({ name }) => name === as)
    // One that was deleted had permissions that nobody knows any more: then only the master key opens it.
    const idType = facts.idType === 'integer' ? 'integer' : 'string'
    if (!isThere) await insertTable(trx, service, { name: as, permissions: like?.permissions ?? CLOSED, idType })
    return await bumpDesired(trx)
  })
  faultPoint('restore_table.define.inserted')
  await field.push()
  await untilServed(field, service, Number(facts.version))
  return { kind: 'done', detail: `as ${as} of '${subjectOf(operation)}'` }
}

const CLOSED = { insert: 'admin', read: 'admin', update: 'admin', delete: 'admin' } as const

function stepsFor({ as }: TableWish): { name: string; sentence: string }[] {
  const steps = Object.entries(STEPS).map(([name, sentence]) => ({ name, sentence }))
  return as === null ? steps.filter(({ name }) => name !== 'define') : steps
}

function inputOf(operation: Operation): TableInput {
  // Written by claim, whose type this is.
  return operation.input as TableInput
}
