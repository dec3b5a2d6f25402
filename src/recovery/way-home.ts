// The way home after a recovery: a standby and a secondary again, and then the planned move back. Each of these is an
// operation of its own, which this one begins and waits for: whoever carries it on begins none of them twice.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { CreateService, DryRunView, FailBack, Reprotect } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { beginProtectServer, planProtectServer } from '../databases/protect-server.ts'
import { getServer, standbyOf } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { CHILD_LOOK_MS, MOVE_AGAIN_MS, MOVE_TRIES_MAX } from '../kit/limits.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { getOperation, insertOperation, listOperations, type Operation, subjectOf } from '../operations/operations.ts'
import { transact } from '../operations/rehearsal.ts'
import { notYet, type OperationKind, type StepResult } from '../operations/runner.ts'
import { getRegion } from '../regions/regions.ts'
import { beginCreate, planCreate } from '../services/create-service.ts'
import { getService, listServices, lockServices, requireIdle, type Service } from '../services/services.ts'
import { listFormerHomes } from './former-home.ts'
import type { RecoveryDeps } from './recover-facts.ts'
import { beginSwitchService } from './switch-claim.ts'

type Db = Kysely<ControlDatabase>

/** Kept in the operation's row. `region`: by name, where standby and secondary are to be; null: anywhere else. */
type WayHomeInput = {
  region: string | null
  secondaryName: string | null
  /** Home it goes then; null: it stays. */
  move: { to: string; isWithServer: boolean } | null
}

const PROTECT_STEPS = [
  { name: 'protect', sentence: 'Giving its server a standby' },
  { name: 'secondary', sentence: 'Creating its secondary' },
  { name: 'sync', sentence: 'Waiting until the standby may be promoted' },
]
const MOVE_STEP = { name: 'move', sentence: 'Moving it home' }
const OPERATIONS_SEARCHED = 50
// What somebody else does meanwhile is waited for; so is a server for a region that has just come back.
const PASSING = ['door.unreachable', 'region.no_database', 'region.unreachable', 'server.busy', 'service.busy']

/** Begins to make a service safe again. Returns the operation's id. */
export async function beginReprotect(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: Reprotect,
  key: string | null,
): Promise<string> {
  return await beginClaim(
    deps.db,
    { caller, key },
    async (how) => await claimReprotect(deps, caller, name, wanted, how),
  )
}

/** What that would do. */
export async function planReprotect(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: Reprotect,
): Promise<DryRunView> {
  return await planClaim(async (how) => await claimReprotect(deps, caller, name, wanted, how))
}

/** Begins to take a recovered service home. Returns the operation's id. Faults with `failback.no_home`. */
export async function beginFailBack(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: FailBack,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claimFailBack(deps, caller, name, wanted, how))
}

/** What that would do. */
export async function planFailBack(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: FailBack,
): Promise<DryRunView> {
  return await planClaim(async (how) => await claimFailBack(deps, caller, name, wanted, how))
}

async function claimReprotect(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  { location }: Reprotect,
  how: ClaimOptions,
): Promise<Claim> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const region = location ?? (await listFormerHomes(deps.db, [service])).get(service.id)
  const wanted = region === undefined ? null : (await getRegion(deps.db, region)).name
  return await claim(deps, caller, { kind: 'reprotect', service, region: wanted, move: null }, how)
}

async function claimFailBack(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  { isWithServer }: FailBack,
  how: ClaimOptions,
): Promise<Claim> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const former = (await listFormerHomes(deps.db, [service])).get(service.id)
  if (former === undefined) {
    throw new Fault('failback.no_home', 409, `'${service.name}' was not recovered from elsewhere, or is home again`, {
      hint: `To move it to another region: mainstay mobile switchover ${service.name} REGION`,
    })
  }
  const home = (await getRegion(deps.db, former)).name
  const move = { to: home, isWithServer: isWithServer === true }
  return await claim(deps, caller, { kind: 'failback', service, region: home, move }, how)
}

type Wish = {
  kind: 'reprotect' | 'failback'
  service: Service
  region: string | null
  move: WayHomeInput['move']
}

async function claim(deps: RecoveryDeps, caller: Caller, wish: Wish, how: ClaimOptions): Promise<Claim> {
  const { kind, service, region, move } = wish
  const location = region === null ? {} : { location: region }
  const isBare = await isServerBare(deps.db, service.server)
  const secondaryName = await missingSecondary(deps.db, caller, service)
  // Looked at before anything is claimed: what is refused now would be refused in the middle.
  const changes = isBare ? (await planProtectServer(deps, caller, service.server, location)).changes : []
  if (secondaryName !== null) changes.push(...(await planSecondary(deps, caller, { service, secondaryName, region })))
  if (move)
    changes.push(`Then move '${service.name}' to ${move.to} as planned: requests are held, as a rule for under 2 s`)
  return await transact(deps.db, how, async (trx) => {
    const [locked] = await lockServices(trx, [service.id])
    if (!locked) throw new Fault('service.unknown', 404, `there is no mobile service '${service.name}' any more`)
    requireIdle(locked)
    await requireNoOther(trx, caller, locked)
    const input: WayHomeInput = { region, secondaryName, move }
    const operationId = await insertOperation(trx, {
      ...{ kind, caller, input, idempotencyKey: how.idempotencyKey },
      subject: { service: { id: service.id, name: service.name }, server: service.server },
      steps: move ? [...PROTECT_STEPS, MOVE_STEP] : PROTECT_STEPS,
    })
    const after = { region, secondary: secondaryName }
    await audit(trx, caller, { action: `mobile ${kind}`, subject: service.name, after, operationId })
    return { operationId, changes }
  })
}

// It holds nothing while it waits for its parts, so two of them would be told apart by nothing else.
async function requireNoOther(trx: Db, caller: Caller, service: Service): Promise<void> {
  const running = await trx
    .selectFrom('operations')
    .select(['id', 'kind'])
    .where('service_id', '=', service.id)
    .where('subscription_id', '=', caller.subscriptionId)
    .where('state', '=', 'running')
    .where('kind', 'in', ['reprotect', 'failback'])
    .executeTakeFirst()
  if (!running) return
  throw new Fault('service.busy', 409, `'${service.name}' is in another operation (${running.id})`, {
    hint: `Watch it: mainstay operation watch ${running.id}`,
  })
}

async function planSecondary(
  deps: RecoveryDeps,
  caller: Caller,
  about: { service: Service; secondaryName: string; region: string | null },
): Promise<string[]> {
  try {
    return (await planCreate(deps, caller, secondaryOf(about))).changes
  } catch (error) {
    // A region that has just come back is being given a server for it.
    if (!(error instanceof Fault && error.code === 'region.no_database')) throw error
    return [`Create '${about.secondaryName}' as its secondary`]
  }
}

function secondaryOf(about: {
  service: Pick<Service, 'name'>
  secondaryName: string
  region: string | null
}): CreateService {
  const location = about.region === null ? {} : { location: about.region }
  return { name: about.secondaryName, secondaryFor: about.service.name, ...location }
}

async function isServerBare(db: Db, name: string): Promise<boolean> {
  const server = await getServer(db, name)
  return server.kind === 'managed' && standbyOf(server) === null
}

// The name that its secondary had, where that is free again; null: it has one.
async function missingSecondary(db: Db, caller: Caller, service: Service): Promise<string | null> {
  const services = await listServices(db, null)
  if (services.some(({ secondary_for }) => secondary_for === service.id)) return null
  const taken = new Set(services.map(({ name }) => name.toLowerCase()))
  const wanted = { service: service.name, limit: OPERATIONS_SEARCHED }
  const operations = await listOperations(db, caller.subscriptionId, wanted)
  const before = operations.find(({ kind, plan }) => kind === 'recover' && plan !== null)?.plan?.secondary
  if (before !== undefined && !taken.has(before.toLowerCase())) return before
  for (let number = 2; ; number += 1) {
    const name = `${service.name}-${number}`
    if (!taken.has(name.toLowerCase())) return name
  }
}

/** How both are carried out. */
export function wayHomeKind(deps: RecoveryDeps): OperationKind {
  const { db } = deps
  // Written by `claim`, whose type this is.
  const inputOf = (operation: Operation) => operation.input as WayHomeInput
  const keyOf = (operation: Operation, part: string) => `${operation.id} ${part}`
  const now = async (operation: Operation) => await getService(db, operation.subscription_id, subjectOf(operation))
  return {
    steps: [
      {
        name: 'protect',
        passing: PASSING,
        isEndless: true,
        async run({ operation, facts }) {
          const { server } = await now(operation)
          if (facts.protect === undefined && !(await isServerBare(db, server)))
            return { kind: 'done', detail: 'it has one' }
          const { region } = inputOf(operation)
          const location = region === null ? {} : { location: region }
          const key = keyOf(operation, 'protect')
          facts.protect ??= await beginProtectServer(deps, callerOf(operation), server, location, key)
          return await partResult(db, operation, String(facts.protect))
        },
      },
      {
        name: 'secondary',
        passing: PASSING,
        isEndless: true,
        async run({ operation, facts }) {
          const { region, secondaryName } = inputOf(operation)
          if (secondaryName === null) return { kind: 'done', detail: 'it has one' }
          const wanted = secondaryOf({ service: await now(operation), secondaryName, region })
          facts.secondary ??= await beginCreate(deps, callerOf(operation), wanted, keyOf(operation, 'secondary'))
          return await partResult(db, operation, String(facts.secondary))
        },
      },
      {
        name: 'sync',
        isEndless: true,
        async run({ operation }) {
          const server = await getServer(db, (await now(operation)).server)
          const standing = standbyOf(server)?.standing ?? 'gone'
          if (server.kind === 'external' || standing === 'ready') return { kind: 'done' }
          return notYet(`the standby of ${server.name} to be ready (${standing})`, CHILD_LOOK_MS)
        },
      },
      {
        name: 'move',
        passing: PASSING,
        isEndless: true,
        async run({ operation, facts }) {
          const { move } = inputOf(operation)
          if (move === null) return { kind: 'done' }
          const { name } = await now(operation)
          const tries = Number(facts.tries ?? 1)
          const key = keyOf(operation, `move ${tries}`)
          facts.move ??= await beginSwitchService(deps, callerOf(operation), name, move, key)
          const { state, error } = await getOperation(db, operation.subscription_id, String(facts.move))
          if (state !== 'failed' || error?.code !== 'switchover.too_slow' || tries >= MOVE_TRIES_MAX) {
            return await partResult(db, operation, String(facts.move))
          }
          // All was put back, and requests went on: a busy moment is no reason to stay away from home.
          Object.assign(facts, { tries: tries + 1, move: undefined })
          return notYet('a moment with less to do', MOVE_AGAIN_MS)
        },
      },
    ],
    finish: async (_context, end) => await end(db, {}),
    // What was made is kept: given again it goes on from there.
    fail: async ({ operation }, fault, end) => {
      const next = fault.hint ?? `mainstay mobile ${operation.kind} ${subjectOf(operation)}`
      await end(db, { state: 'failed', next })
    },
  }
}

function callerOf({ principal, subscription_id }: Operation): Caller {
  return { principal, subscriptionId: subscription_id }
}

// Done when the part has succeeded, with what it says of how long requests were held.
async function partResult(db: Db, operation: Operation, id: string): Promise<StepResult> {
  const part = await getOperation(db, operation.subscription_id, id)
  if (part.state === 'succeeded') {
    const held = part.steps.find(({ name }) => name === 'release')?.detail
    return { kind: 'done', detail: held ?? `operation ${id}` }
  }
  if (part.state === 'running') {
    const step = part.steps.find(({ state }) => state === 'running')
    return notYet(step?.sentence ?? `operation ${id}`, CHILD_LOOK_MS, step?.progress ?? null)
  }
  throw new Fault('reprotect.part_failed', 409, part.error?.message ?? `operation ${id} failed`, {
    hint: part.next ?? part.error?.hint ?? `See: mainstay operation show ${id}`,
  })
}
