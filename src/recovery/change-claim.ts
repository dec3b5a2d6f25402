// Whether a service may be changed to another database now: both are looked into, and the change is claimed.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { ChangeDatabase, DryRunView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { CheckExternalAnswer, CheckExternalRequest } from '../contract/external-server.ts'
import type {
  ContentsRequest,
  RoundTripAnswer,
  RoundTripRequest,
  ServiceContents,
} from '../contract/service-contents.ts'
import { endpointOf } from '../databases/external-servers.ts'
import { findFormerSchema } from '../databases/former-schemas.ts'
import { regionNameOf } from '../databases/server-place.ts'
import { getServer, lockIdleServer, lockServerRow, primaryOf, type ServerWithMembers } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { EXTERNAL_CHECK_MS_MAX } from '../kit/limits.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import { requireReachable } from '../regions/hosts.ts'
import { addressOf, bumpDesired, listMachines, listRegions } from '../regions/regions.ts'
import { getService, listTables, lockServices, requireIdle, type Service } from '../services/services.ts'
import { checkDatabase, type DatabaseFinding } from './database-check.ts'
import { isServerAlive, type RecoveryDeps } from './recover-facts.ts'
import { readContents } from './service-data.ts'

type Db = Kysely<ControlDatabase>

/** What the steps need to know of the claim; kept in the operation's row. */
export type ChangeInput = {
  from: { server: string; schema: string; isKnown: boolean }
  to: { server: string; schema: string }
  /** Apps that were offline must fetch all rows again: what they saw last may not be what is there. */
  isRestamped: boolean
}

const STEPS = {
  hold: 'Holding requests',
  swap: 'Changing to the other database',
  open: 'Opening it',
  release: 'Letting requests go on',
  prove: 'Proving a write and a read at the stable URL',
  restamp: 'Having apps that were offline fetch all rows again',
}

/** Checks that it can be done now and writes the operation. Returns its id. */
export async function beginChangeDatabase(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: ChangeDatabase,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claimChange(deps, caller, name, wanted, how))
}

/** What a change would do; faults as it would, and changes nothing. */
export async function planChangeDatabase(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: ChangeDatabase,
): Promise<DryRunView> {
  return await planClaim(async (how) => await claimChange(deps, caller, name, wanted, how))
}

async function claimChange(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: ChangeDatabase,
  how: ClaimOptions,
): Promise<Claim> {
  const { db, field } = deps
  const named = await getService(db, caller.subscriptionId, name)
  requireIdle(named)
  await field.settle()
  requireReachable(field, named.machine, `'${named.name}'`)
  const target = await getServer(db, await nameTarget(db, named, wanted))
  requireReachable(field, primaryOf(target).machine, `the primary of ${target.name}`)
  const found = await lookInto(deps, named, target, wanted.acceptedLossMs === undefined ? 0 : wanted.acceptedLossMs)
  return await transact(db, how, async (trx) => {
    const [service] = await lockServices(trx, [named.id])
    if (!service) throw new Fault('service.unknown', 404, `there is no mobile service '${named.name}' any more`)
    requireIdle(service)
    await requireStill(trx, service, named)
    await lockIdleServer(trx, target.name)
    const input: ChangeInput = {
      from: { server: service.server, schema: service.schema_name, isKnown: found.isKnown },
      to: { server: target.name, schema: found.schema },
      isRestamped: !found.isSame,
    }
    const operationId = await insertOperation(trx, {
      kind: 'change_database',
      caller,
      subject: { service: { id: service.id, name: service.name }, server: target.name },
      input,
      steps: stepsFor(input),
      idempotencyKey: how.idempotencyKey,
    })
    await trx.updateTable('services').set({ operation_id: operationId }).where('id', '=', service.id).execute()
    await trx.updateTable('servers').set({ operation_id: operationId }).where('name', '=', target.name).execute()
    const [before, after] = [{ server: service.server }, { server: target.name, lossMs: found.lossMs }]
    await audit(trx, caller, { action: 'mobile change-database', subject: service.name, before, after, operationId })
    await bumpDesired(trx)
    const kept = found.isKnown ? 'for a day' : 'until you drop it'
    const back = `Keep what is on ${service.server} ${kept}; to go back: mainstay mobile change-database ${service.name} --undo`
    return { operationId, changes: [...found.changes, back] }
  })
}

async function nameTarget(db: Db, service: Service, wanted: ChangeDatabase): Promise<string> {
  if (wanted.server !== undefined) return wanted.server
  const former = await findFormerSchema(db, service.id)
  if (former) return former.server
  throw new Fault('database.no_former', 404, `'${service.name}' was on no other database that is still kept`, {
    hint: `Name the server: mainstay mobile change-database ${service.name} SERVER`,
  })
}

// It was looked at before its row was locked.
async function requireStill(trx: Db, service: Service, looked: Service): Promise<void> {
  await lockServerRow(trx, service.server)
  const { switching_to: to } = await getServer(trx, service.server)
  if (service.server === looked.server && to === null) return
  throw new Fault('server.busy', 409, `${service.server} is just being moved`, {
    hint: `Watch it: mainstay sql server show ${service.server}`,
  })
}

type Found = DatabaseFinding & { isKnown: boolean }

async function lookInto(
  deps: RecoveryDeps,
  service: Service,
  target: ServerWithMembers,
  acceptedLossMs: number | null,
): Promise<Found> {
  const { db, board } = deps
  const source = await getServer(db, service.server)
  const domains = new Map((await listMachines(db)).map(({ name, domain }) => [name, domain]))
  const regions = new Map((await listRegions(db)).map(({ slug, name }) => [slug, name]))
  const place = (server: ServerWithMembers) => ({
    server: server.name,
    regionName: regionNameOf(server, { domains, regions }),
  })
  const wanted = { serviceId: service.id, schema: service.schema_name }
  const silentMs = board.hostSilentMs(primaryOf(source).machine)
  const contents = isServerAlive(deps, source) ? await contentsIfAny(deps, source.name, wanted) : null
  const finding = checkDatabase({
    service: service.name,
    homeRegionName: domains.get(service.machine) ?? '',
    defined: (await listTables(db, [service.id])).map(({ name }) => name),
    from: { ...place(source), contents, seenMs: Number.isFinite(silentMs) ? Date.now() - silentMs : null },
    to: { ...place(target), contents: await readContents(deps, target.name, wanted) },
    roundTripMs: {
      from: await measureRoundTrip(deps, service.machine, source).catch(() => null),
      to: await measureRoundTrip(deps, service.machine, target),
    },
    acceptedLossMs,
  })
  return { ...finding, isKnown: contents !== null }
}

// One that falls silent while it is looked into is one that cannot be looked into.
async function contentsIfAny(
  deps: RecoveryDeps,
  server: string,
  wanted: ContentsRequest,
): Promise<ServiceContents | null> {
  try {
    return await readContents(deps, server, wanted)
  } catch (error) {
    if (error instanceof Fault && (error.code === 'door.unreachable' || error.code === 'server.not_open')) return null
    throw error
  }
}

// Of an external one the service's own host must be able to reach it. Faults with `external.unreachable` where it is not.
async function measureRoundTrip(deps: RecoveryDeps, from: string, server: ServerWithMembers): Promise<number | null> {
  const { db, field } = deps
  if (server.kind === 'external') {
    const body: CheckExternalRequest = { endpoint: endpointOf(server, (sealed) => deps.seal.open(sealed)) }
    const call = { method: 'POST' as const, path: '/external/check', body, timeoutMs: EXTERNAL_CHECK_MS_MAX }
    return ((await field.order(from, call)) as CheckExternalAnswer).roundTripMs
  }
  const to = primaryOf(server).machine
  const address = addressOf((await listMachines(db)).find(({ name }) => name === to))
  if (from === to || !address || !field.isReachable(from)) return from === to ? 0 : null
  const body: RoundTripRequest = { to: address }
  try {
    return ((await field.order(from, { method: 'POST', path: '/round-trips', body })) as RoundTripAnswer).ms
  } catch {
    // A distance that cannot be measured is no reason not to change.
    return null
  }
}

function stepsFor({ isRestamped }: ChangeInput): { name: string; sentence: string }[] {
  const steps = Object.entries(STEPS).map(([name, sentence]) => ({ name, sentence }))
  return isRestamped ? steps : steps.filter(({ name }) => name !== 'restamp')
}
