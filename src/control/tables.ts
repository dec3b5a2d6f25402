// Tables of a service through the management API: definitions here, the tables themselves on the service's server.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { CreateTable, IndexAdviceView, TableView } from '../contract/api.ts'
import { DEFAULT_PERMISSIONS } from '../contract/permissions.ts'
import { indexCommand, type SlowRead } from '../contract/slow-read.ts'
import { DELETED_COLUMN, ID_COLUMN, ID_SQL_TYPES, isReservedColumn } from '../contract/table-format.ts'
import { getServer, primaryOf } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { REGION_CALL_MS_MAX } from '../kit/limits.ts'
import { requireReachable } from '../regions/hosts.ts'
import { bumpDesired } from '../regions/regions.ts'
import { schemaProblem, untilFollows, untilServed } from '../services/facts-of.ts'
import { requireTableName } from '../services/names.ts'
import { endScriptsOf } from '../services/scripts.ts'
import {
  forgetDroppedTables,
  getService,
  getTable,
  giveTableUp,
  insertTable,
  listTables,
  type Service,
  type ServiceTable,
} from '../services/services.ts'
import { readyToRecord, recorded } from '../source/commits.ts'
import type { ApiDeps } from './compose.ts'

/** `bytes`: not told by hosts of the release before. */
type TableInfo = { columns: { name: string; type: string; indexed: boolean }[]; rows: number; bytes?: number }

/** One table or all, with counts and columns where the server can be asked. */
export async function viewTables(deps: ApiDeps, caller: Caller, name: string, only?: string): Promise<TableView[]> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const tables = only ? [await getTable(deps.db, service, only)] : await listTables(deps.db, [service.id])
  const { machine } = primaryOf(await getServer(deps.db, service.server))
  const [infos, slow] = await Promise.all([askInfos(deps, service, machine), askSlowReads(deps, service)])
  return tables.map((table) => ({
    name: table.name,
    idType: table.id_type,
    permissions: table.permissions,
    recordCount: infos?.[table.name]?.rows ?? null,
    bytes: infos?.[table.name]?.bytes ?? null,
    columns: shownColumns(table, infos?.[table.name]?.columns ?? null),
    hasSoftDelete: infos?.[table.name]?.columns.some(({ name }) => name === DELETED_COLUMN) ?? null,
    advice: adviceOf(service, table, { columns: infos?.[table.name]?.columns ?? null, slow }),
    createdAt: table.created_at.toISOString(),
  }))
}

// Where ids are integers an app is shown no system columns; that they are there is ours to know.
function shownColumns(table: ServiceTable, columns: TableInfo['columns'] | null): TableInfo['columns'] | null {
  if (table.id_type === 'string' || columns === null) return columns
  return columns.filter(({ name }) => name === ID_COLUMN || !isReservedColumn(name))
}

/** Defines a table and waits until it can be used. What fails within the time limit leaves nothing behind. */
export async function beginTable(deps: ApiDeps, caller: Caller, name: string, wanted: CreateTable): Promise<void> {
  requireTableName(wanted.name)
  const service = await getService(deps.db, caller.subscriptionId, name)
  const machine = await requireUsable(deps, service)
  const permissions = { ...DEFAULT_PERMISSIONS, ...wanted.permissions }
  const { hasSoftDelete = false, idType = 'string' } = wanted
  if (hasSoftDelete && idType === 'integer') {
    throw new Fault('table.integer_ids', 400, 'a table with integer ids has no soft delete', {
      hint: 'Leave out one of the two. Apps that work offline need string ids and soft delete.',
    })
  }
  await readyToRecord(deps.source, service)
  const version = await deps.db.transaction().execute(async (trx) => {
    await recorded(deps.source, trx, service, async () => {
      await insertTable(trx, service, { name: wanted.name, permissions, hasSoftDelete, idType })
      const [subject, after] = [`${service.name}/${wanted.name}`, { permissions, hasSoftDelete, idType }]
      await audit(trx, caller, { action: 'mobile table create', subject, after })
    })
    return await bumpDesired(trx)
  })
  try {
    await deps.field.push()
    await untilFollowed(deps, service, machine, version)
    if (idType === 'integer') await requireIntegerIds(deps, service, { machine, table: wanted.name })
  } catch (error) {
    await readyToRecord(deps.source, service)
    await deps.db.transaction().execute(async (trx) => {
      await recorded(deps.source, trx, service, async () => await giveTableUp(trx, service, wanted.name))
      await bumpDesired(trx)
    })
    await deps.field.push()
    throw error instanceof Fault && error.code === 'change.late' ? withoutTable(error, wanted.name) : error
  }
}

// A host of an older release makes a table with texts.
async function requireIntegerIds(
  deps: ApiDeps,
  service: Service,
  { machine, table }: { machine: string; table: string },
): Promise<void> {
  const id = (await askInfos(deps, service, machine))?.[table]?.columns.find(({ name }) => name === ID_COLUMN)
  if (id === undefined || id.type === ID_SQL_TYPES.integer) return
  throw new Fault('table.integer_ids', 409, `${machine} is of an older release, and makes no integer ids`, {
    hint: 'Bring it up to date first: mainstay machine list',
  })
}

/** Gives a table up: nobody serves it any more, then it is dropped. */
export async function endTable(deps: ApiDeps, caller: Caller, name: string, tableName: string): Promise<void> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const table = await getTable(deps.db, service, tableName)
  const machine = await requireUsable(deps, service)
  await readyToRecord(deps.source, service)
  const version = await deps.db.transaction().execute(async (trx) => {
    await recorded(deps.source, trx, service, async () => {
      await giveTableUp(trx, service, table.name)
      await endScriptsOf(trx, service.id, table.name, caller.principal)
      await audit(trx, caller, { action: 'mobile table delete', subject: `${service.name}/${table.name}` })
    })
    return await bumpDesired(trx)
  })
  await deps.field.push()
  // What is not done in time is done as soon as the server can be reached; nobody serves the table any more.
  await untilFollowed(deps, service, machine, version)
  await forgetDroppedTables(deps.db, service.id)
}

/** The machine that holds the service's data. Faults at once when it is lost or the service is being changed. */
export async function requireUsable(deps: ApiDeps, service: Service): Promise<string> {
  await deps.field.settle()
  const { machine } = primaryOf(await getServer(deps.db, service.server))
  requireReachable(deps.field, machine, `the database of '${service.name}'`)
  if (service.state === 'ready') return machine
  throw new Fault('service.busy', 409, `'${service.name}' is ${service.state}`, {
    hint: `Watch it: mainstay mobile show ${service.name}`,
  })
}

/** Waits until a service's schema and its runtime follow that version. */
export async function untilFollowed(deps: ApiDeps, service: Service, machine: string, version: number): Promise<void> {
  const wanted = { server: service.server, schema: service.schema_name, version }
  await untilFollows(deps.field, { machine, service: service.name }, (facts) => {
    const found = schemaProblem(facts, wanted)
    if (found) throw new Fault('table.failed', 500, `the table could not be made: ${found}`)
    return found === null
  })
  // A runtime that is down now learns of the table when it starts; one that is up must know it before we say so.
  if (!deps.field.isReachable(service.machine)) return
  await untilServed(deps.field, service, version)
}

function withoutTable(late: Fault, table: string): Fault {
  return new Fault(late.code, late.status, `${late.message}; there is no table '${table}'`, {
    hint: 'Give the command again when the machine is less busy: mainstay status',
  })
}

// What has its index by now needs none.
function adviceOf(
  service: Service,
  { name }: ServiceTable,
  { columns, slow }: { columns: TableInfo['columns'] | null; slow: SlowRead[] | null },
): IndexAdviceView[] | null {
  if (columns === null || slow === null) return null
  const isMissing = (read: SlowRead) => columns.some((one) => one.name === read.column && !one.indexed)
  return slow
    .filter((read) => read.table === name && isMissing(read))
    .sort((one, other) => other.slowestMs - one.slowestMs)
    .map(({ table: _, ...read }) => ({ ...read, command: indexCommand(service.name, name, read.column) }))
}

async function askSlowReads({ field }: ApiDeps, service: Service): Promise<SlowRead[] | null> {
  const path = `/slow-reads/${encodeURIComponent(service.id)}`
  try {
    return (await field.order(service.machine, { method: 'GET', path, timeoutMs: REGION_CALL_MS_MAX })) as SlowRead[]
  } catch {
    // A host that is away, or of an older release, tells none.
    return null
  }
}

async function askInfos(deps: ApiDeps, service: Service, machine: string): Promise<Record<string, TableInfo> | null> {
  const names = [service.server, service.schema_name].map(encodeURIComponent)
  const path = `/servers/${names[0]}/schemas/${names[1]}/tables`
  try {
    return (await deps.field.order(machine, { method: 'GET', path, timeoutMs: REGION_CALL_MS_MAX })) as Record<
      string,
      TableInfo
    >
  } catch {
    // The definitions are known here; what only the lost region knows is shown as unknown.
    return null
  }
}
