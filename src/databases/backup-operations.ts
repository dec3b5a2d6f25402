// Taking a base backup now, and verifying what a vault holds of a server, as operations.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { Seal } from '../accounts/seal.ts'
import type { BackupTaken, BackupVerdict } from '../contract/backup.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { insertOperation, serverOf } from '../operations/operations.ts'
import { notYet, type OperationKind, type StepContext, type StepResult } from '../operations/runner.ts'
import { requireReachable } from '../regions/hosts.ts'
import { getServer, listServers, primaryOf, requireManaged } from './servers.ts'
import { findVaultHost, stepOfJob, type VaultDeps } from './vault-calls.ts'

export type BackupDeps = VaultDeps & { db: Kysely<ControlDatabase>; seal: Seal }

const LOOK_AGAIN_MS = 200
const BACKING_UP = 'backing it up'
const PROBLEMS_TOLD = 5

/** Has a base backup taken. Returns the operation's id. Faults with `server.unknown` or `region.unreachable`. */
export async function beginBackup({ db, field }: BackupDeps, caller: Caller, name: string): Promise<string> {
  return await db.transaction().execute(async (trx) => {
    const server = await getServer(trx, name)
    requireManaged(server, BACKING_UP)
    requireReachable(field, primaryOf(server).machine, `the primary of ${name}`)
    const operationId = await insertOperation(trx, {
      kind: 'backup',
      caller,
      subject: { server: name },
      input: {},
      steps: [{ name: 'take', sentence: 'Taking a base backup' }],
      idempotencyKey: null,
    })
    await audit(trx, caller, { action: 'sql backup create', subject: name, operationId })
    return operationId
  })
}

/** Has everything that a vault holds of a server verified; `isRestored`: by restoring it, too. */
export async function beginVerify(
  { db }: BackupDeps,
  caller: Caller,
  wanted: { server: string; isRestored: boolean },
): Promise<string> {
  return await db.transaction().execute(async (trx) => {
    await requireKnown(trx, wanted.server)
    const operationId = await insertOperation(trx, {
      kind: 'verify_backups',
      caller,
      subject: { server: wanted.server },
      input: { isRestored: wanted.isRestored },
      steps: [{ name: 'verify', sentence: 'Verifying the backups' }],
      idempotencyKey: null,
    })
    await audit(trx, caller, { action: 'sql backup verify', subject: wanted.server, operationId })
    return operationId
  })
}

/** The row of a server, ended or not: its backups outlive it. Faults with `server.unknown` or `server.external`. */
export async function requireKnown(db: Kysely<ControlDatabase>, name: string) {
  const found = await db.selectFrom('servers').selectAll().where('name', '=', name).executeTakeFirst()
  if (found) {
    requireManaged(found, BACKING_UP)
    return found
  }
  throw new Fault('server.unknown', 404, `there is no server '${name}', and never was`, {
    hint: 'See which there are: mainstay sql server list',
  })
}

/** How a base backup is taken. */
export function backupKind(deps: BackupDeps): OperationKind {
  return jobKind(deps, 'take', async ({ operation, facts }) => {
    const name = serverOf(operation)
    const { machine } = primaryOf(await getServer(deps.db, name))
    const order = { path: `/servers/${name}/backup`, body: { job: operation.id } }
    const taken = await stepOfJob<BackupTaken>(deps, machine, order, facts)
    if (taken === null) return wait(`${machine} to take it`)
    const { id, plainBytes, storedBytes } = taken
    return { kind: 'done', detail: `${id}: ${plainBytes} bytes, ${storedBytes} in the vault` }
  })
}

/** How backups are verified. What is wrong ends the operation as failed, named. */
export function verifyBackupsKind(deps: BackupDeps): OperationKind {
  return jobKind(deps, 'verify', async ({ operation, facts }) => {
    const name = serverOf(operation)
    const known = facts as { machine?: string }
    // Where backups are taken it is known which are not whole yet.
    const server = (await listServers(deps.db)).find((entry) => entry.name === name)
    known.machine ??= findVaultHost(deps, null, server ? primaryOf(server).machine : null)
    const row = await requireKnown(deps.db, name)
    const body = {
      key: await deps.backupKey(),
      job: operation.id,
      isRestored: operation.input.isRestored === true,
      superuserPassword: deps.seal.open(row.superuser_password),
    }
    const verdict = await stepOfJob<BackupVerdict>(deps, known.machine, { path: `/vault/${name}/verify`, body }, facts)
    if (verdict === null) return wait(`${known.machine} to read everything`)
    const { objects, bytes, problems, rows, indexes } = verdict
    if (problems.length > 0) throw wrong(name, problems)
    const restored = rows === null ? '' : `; restored: ${rows} row(s) and ${indexes} index(es) are whole`
    return { kind: 'done', detail: `${objects} object(s), ${bytes} bytes, all whole${restored}` }
  })
}

function wrong(server: string, problems: string[]): Fault {
  const more = problems.length > PROBLEMS_TOLD ? `; and ${problems.length - PROBLEMS_TOLD} more` : ''
  return new Fault('backup.damaged_found', 500, `${problems.slice(0, PROBLEMS_TOLD).join('; ')}${more}`, {
    hint: `A restore goes around what is damaged. For a whole one: mainstay sql backup create ${server}`,
  })
}

function jobKind({ db }: BackupDeps, step: string, run: (context: StepContext) => Promise<StepResult>): OperationKind {
  return {
    steps: [{ name: step, isEndless: true, run }],
    finish: async (_context, end) => await end(db, {}),
    fail: async ({ operation }, fault, end) => {
      await end(db, { state: 'failed', next: fault.hint ?? `mainstay sql backup list ${serverOf(operation)}` })
    },
  }
}

function wait(reason: string): StepResult {
  return notYet(reason, LOOK_AGAIN_MS)
}
