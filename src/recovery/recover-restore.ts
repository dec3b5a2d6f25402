// The part of a recovery that restores: a server made from the vault in the new home's region, and the service on it.
import { type Kysely, sql } from 'kysely'
import type { BackupTarget, RestoreOutline } from '../contract/backup.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { leaveSchema, takeSchemaBack } from '../databases/former-schemas.ts'
import { insertRestored, parseTarget, untilRestored } from '../databases/restore-server.ts'
import { freeServerName } from '../databases/server-names.ts'
import { endServer, getServer, lockServerRow } from '../databases/servers.ts'
import { askVault, findVaultHost } from '../databases/vault-calls.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { LOST_MACHINE_MS_MAX } from '../kit/limits.ts'
import { noteFacts, type Operation, serviceIdOf, subjectOf } from '../operations/operations.ts'
import type { Patience } from '../operations/patience.ts'
import { notYet, type StepContext, type StepResult } from '../operations/runner.ts'
import { bumpDesired } from '../regions/regions.ts'
import { getServiceById, type Service, updateHeld } from '../services/services.ts'
import type { RestoreFacts, Wish } from './plan.ts'
import type { RecoverInput } from './recover-begin.ts'
import type { RecoveryDeps } from './recover-facts.ts'
import { raiseStampsOver, readContents, restampSome } from './service-data.ts'

type Db = Kysely<ControlDatabase>

/** What is to be restored, where, and what the vault says to that; kept in the operation's row. */
export type RestoreInput = {
  machine: string
  region: string
  target: BackupTarget
  outline: RestoreOutline
  isAlive: boolean
  seenMs: number | null
}

/** What the steps tell each other. `restored`: the server that is made, or that another recovery has made. */
export type RestoreStepFacts = Patience & { restored?: string; schema?: string; stampMs?: number; restamped?: number }

const LOOK_AGAIN_MS = 100

/** Asks the vault how the database of a service could be restored for a secondary. */
export async function outlineRestore(
  deps: RecoveryDeps,
  parties: { primary: Service; secondary: Service; regionName: string },
  wish: Wish,
): Promise<{ facts: RestoreFacts; input: Omit<RestoreInput, 'isAlive' | 'seenMs'> | null }> {
  const { primary, secondary, regionName } = parties
  const target = parseTarget(wish.target ?? 'latest')
  const vault = { ...deps.vault, field: deps.field }
  try {
    const machine = findVaultHost(vault, regionName, secondary.machine)
    const question = { path: `/vault/${primary.server}/outline`, body: { target } }
    const outline = await askVault<RestoreOutline>(vault, machine, question)
    return { facts: { kind: 'possible', outline }, input: { machine, region: secondary.region, target, outline } }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { facts: { kind: 'impossible', problem: error.message }, input: null }
  }
}

/** Makes the server, or waits for the one that another recovery of the same lost server makes. */
export async function restoreDatabase(
  deps: RecoveryDeps,
  context: StepContext,
  input: RecoverInput,
): Promise<StepResult> {
  const facts = context.facts as RestoreStepFacts
  const restore = requireRestore(input)
  if (facts.restored === undefined) {
    facts.restored = await deps.db.transaction().execute(async (trx) => {
      // Two recoveries from one lost server come one after the other.
      await lockServerRow(trx, input.server)
      const name =
        (await findShared(trx, input.server, restore)) ??
        (await insertOwn(deps, trx, context.operation, input.server, restore))
      await noteFacts(trx, context.operation.id, { ...facts, restored: name })
      return name
    })
    faultPoint('recover.database.restoring')
  }
  // The lost region is not the only one that may die: then all is put back, and another way can be gone.
  const result = await untilRestored(deps, String(facts.restored), facts, LOST_MACHINE_MS_MAX)
  return result.kind === 'done'
    ? { kind: 'done', detail: `${facts.restored} is restored ${result.detail ?? ''}` }
    : result
}

async function insertOwn(
  deps: RecoveryDeps,
  trx: Db,
  operation: Operation,
  lost: string,
  { machine, region, target }: RestoreInput,
): Promise<string> {
  const name = await freeServerName(trx, `${lost}-restored`)
  const source = await getServer(trx, lost)
  await insertRestored(trx, deps.seal, { name, region, machine, source, target })
  await trx.updateTable('servers').set({ operation_id: operation.id }).where('name', '=', name).execute()
  await bumpDesired(trx)
  return name
}

// What is newest in the vault of a server that is lost is the same for all of its services: it is restored once, by a
// recovery that is still under way or that began after the server was last heard.
async function findShared(trx: Db, lost: string, restore: RestoreInput): Promise<string | null> {
  const { target, region, isAlive, seenMs } = restore
  if (target.kind !== 'latest' || isAlive) return null
  const made = await trx
    .selectFrom('servers')
    .innerJoin('operations', (on) => on.on(sql<boolean>`operations.facts ->> 'restored' = servers.name`))
    .select(['servers.name', 'operations.state', 'operations.started_at', 'servers.restore_target'])
    .where('operations.kind', '=', 'recover')
    .where('servers.restored_from', '=', lost)
    .where('servers.home_region', '=', region)
    .where('servers.ended_at', 'is', null)
    .orderBy('operations.started_at', 'desc')
    .execute()
  const isFresh = ({ state, started_at: at }: (typeof made)[number]) =>
    state === 'running' || state === 'needs_you' || (seenMs !== null && at.getTime() > seenMs)
  return made.find((one) => one.restore_target?.kind === 'latest' && isFresh(one))?.name ?? null
}

/** Finds the service's schema on the restored server, and has its stamps go on above all that were given. */
export async function prepareRestored(
  deps: RecoveryDeps,
  context: StepContext,
  input: RecoverInput,
): Promise<{ server: string; schema_name: string }> {
  const facts = context.facts as RestoreStepFacts
  const to = String(facts.restored)
  const serviceId = serviceIdOf(context.operation)
  const from = { server: input.server, schema: requireSchema(input), isKnown: requireRestore(input).isAlive }
  if (facts.schema === undefined) {
    const { schema } = await readContents(deps, to, { serviceId, schema: from.schema, isNewestOnly: true })
    if (schema === null) {
      const message = `the backup does not hold the data of '${subjectOf(context.operation)}': it is older than the service`
      throw new Fault('recovery.no_database', 409, message, {
        hint: `See what can be restored: mainstay sql backup list ${input.server}`,
      })
    }
    facts.schema = schema
  }
  facts.stampMs ??= await raiseStampsOver(deps, { serviceId, from, to: { server: to, schema: facts.schema } })
  return { server: to, schema_name: facts.schema }
}

/** The service leaves the lost server: what is there is shut when that is back, and kept. */
export async function leaveLost(trx: Db, operation: Operation, input: RecoverInput): Promise<void> {
  const left = { serviceId: serviceIdOf(operation), server: input.server, schema: requireSchema(input) }
  await leaveSchema(trx, { ...left, isKept: !requireRestore(input).isAlive })
}

/** Nothing was decided yet: the service is where it was, and a server that was made for this alone goes. */
export async function putBackRestored(trx: Db, { operation, facts }: StepContext, input: RecoverInput): Promise<void> {
  const { restored } = facts as RestoreStepFacts
  const serviceId = serviceIdOf(operation)
  const service = await getServiceById(trx, serviceId)
  if (service.server !== input.server) {
    await updateHeld(trx, operation, { server: input.server, schema_name: requireSchema(input) })
    await takeSchemaBack(trx, { serviceId, server: input.server })
  }
  if (restored === undefined) return
  await lockServerRow(trx, input.server)
  if ((await isHeldBy(trx, operation, restored)) && !(await isShared(trx, operation, restored))) {
    await endServer(trx, restored)
    return
  }
  await letGoOfRestored(trx, operation)
  const left = { serviceId, server: service.server, schema: service.schema_name }
  if (service.server === restored) await leaveSchema(trx, { ...left, isKept: true })
}

async function isHeldBy(trx: Db, operation: Operation, server: string): Promise<boolean> {
  const held = trx.selectFrom('servers').select('name').where('name', '=', server)
  return (await held.where('operation_id', '=', operation.id).executeTakeFirst()) !== undefined
}

// Another recovery waits for it, or its service is on it by now.
async function isShared(trx: Db, operation: Operation, server: string): Promise<boolean> {
  const waits = trx
    .selectFrom('operations')
    .select('id')
    .where('kind', '=', 'recover')
    .where('state', 'in', ['running', 'needs_you'])
    .where('id', '!=', operation.id)
    .where(sql<boolean>`facts ->> 'restored' = ${server}`)
  if (await waits.executeTakeFirst()) return true
  const uses = trx.selectFrom('services').select('id').where('server', '=', server).where('ended_at', 'is', null)
  return (await uses.executeTakeFirst()) !== undefined
}

/** From here on the restored server is one like others. */
export async function letGoOfRestored(trx: Db, operation: Operation): Promise<void> {
  await trx.updateTable('servers').set({ operation_id: null }).where('operation_id', '=', operation.id).execute()
}

/** The last step: apps that were offline have seen what is not there any more, or not seen what is there again. */
export async function restampRestored(deps: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const facts = context.facts as RestoreStepFacts
  const { restored = '', schema = '', stampMs = 0 } = facts
  const { rows, isDone } = await restampSome(deps, restored, { schema, beforeMs: stampMs })
  facts.restamped = (facts.restamped ?? 0) + rows
  const detail = `${facts.restamped} row(s)`
  return isDone ? { kind: 'done', detail } : notYet(`${detail} so far`, LOOK_AGAIN_MS)
}

function requireRestore({ restore }: RecoverInput): RestoreInput {
  if (restore) return restore
  throw new TypeError('a recovery that restores nothing')
}

function requireSchema({ schema }: RecoverInput): string {
  if (schema !== undefined) return schema
  throw new TypeError('a recovery that was begun by an older control restores nothing')
}
