// What an operator changes about a table that is there: its permissions here, its columns and indexes on its server.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { SetPermissions, TableChangeView } from '../contract/api.ts'
import { NEW_COLUMN, type TableChange, type TableChangeResult } from '../contract/table-change.ts'
import { Fault } from '../kit/fault.ts'
import { REGION_CALL_MS_MAX } from '../kit/limits.ts'
import { bumpDesired } from '../regions/regions.ts'
import { getService, getTable, setPermissions } from '../services/services.ts'
import { readyToRecord, recorded } from '../source/commits.ts'
import type { ApiDeps } from './compose.ts'
import { requireUsable, untilFollowed } from './tables.ts'

type Names = { service: string; table: string }

/** Changes who may do what; what is not named stays. Waits until the runtime holds to it. */
export async function changePermissions(
  deps: ApiDeps,
  caller: Caller,
  names: Names,
  wanted: SetPermissions,
): Promise<void> {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const machine = await requireUsable(deps, service)
  await readyToRecord(deps.source, service)
  const version = await deps.db.transaction().execute(async (trx) => {
    await recorded(deps.source, trx, service, async () => {
      const table = await getTable(trx, service, names.table)
      const after = { ...table.permissions, ...wanted }
      await setPermissions(trx, table, after)
      const subject = `${service.name}/${table.name}`
      await audit(trx, caller, { action: 'mobile table update', subject, before: table.permissions, after })
    })
    return await bumpDesired(trx)
  })
  await deps.field.push()
  await untilFollowed(deps, service, machine, version)
}

/** Changes a column, an index or soft delete, on the server that holds the table. */
export async function changeShape(
  deps: ApiDeps,
  caller: Caller,
  names: Names,
  change: TableChange,
): Promise<TableChangeView> {
  if (change.kind === 'add_column' && !NEW_COLUMN.test(change.column)) {
    throw new Fault('table.bad_column', 400, `'${change.column}' cannot be the name of a column`, {
      hint: 'Use 1 to 63 letters, digits and underscores, beginning with a letter.',
    })
  }
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const table = await getTable(deps.db, service, names.table)
  const machine = await requireUsable(deps, service)
  const path = ['servers', service.server, 'schemas', service.schema_name, 'tables', table.name, 'changes']
  const result = (await deps.field.order(machine, {
    method: 'POST',
    path: `/${path.map(encodeURIComponent).join('/')}`,
    body: { serviceId: service.id, change },
    timeoutMs: 2 * REGION_CALL_MS_MAX,
  })) as TableChangeResult
  await audit(deps.db, caller, {
    action: 'mobile table update',
    subject: `${service.name}/${table.name}`,
    after: change,
  })
  return result
}
