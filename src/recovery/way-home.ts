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
import { CHILD_LOOK_MS, MOVE_AGAIN_MS, MOVE_TRIES_MAX, PART_WAIT_MS_MAX, SWITCH_STOP_MS_MAX } from '../kit/limits.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { getOperation, insertOperation, listOperations, type Operation, subjectOf } from '../operations/operations.ts'
import { isOutOfPatience } from '../operations/patience.ts'
import { transact } from '../operations/rehearsal.ts'
import { notYet, type OperationKind, type StepContext, type StepResult } from '../operations/runner.ts'
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
// What somebody else does meanwhile is waited for for a while; so is a server for a region that has just come back, and
// a service that is not well again just after a move of it was put back.
const PASSING = [
  ...['region.no_database', 'region.unreachable', 'server.busy', 'service.busy'],
  ...['switchover.not_ready', 'switchover.standby_not_ready'],
]

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
  else if (changes.length === 0)
    changes.push(`Nothing is missing: '${service.name}' has a secondary, and its database is protected`)
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
  const now = async (operation: Operation) => await getService(db, operation.subscription_id, subjectOf(operation))
  return {
    steps: [
      {
        name: 'protect',
        isEndless: true,
        async run(context) {
          const { server } = await now(context.operation)
          const isBegun = context.facts.protect !== undefined
          if (!isBegun && !(await isServerBare(db, server))) return { kind: 'done', detail: 'it has one' }
          const { region } = inputOf(context.operation)
          const location = region === null ? {} : { location: region }
          return await runPart(db, context, 'protect', async (caller, key) => {
            return await beginProtectServer(deps, caller, server, location, key)
          })
        },
      },
      {
        name: 'secondary',
        isEndless: true,
        async run(context) {
          const { region, secondaryName } = inputOf(context.operation)
          if (secondaryName === null) return { kind: 'done', detail: 'it has one' }
          const wanted = secondaryOf({ service: await now(context.operation), secondaryName, region })
          return await runPart(db, context, 'secondary', async (caller, key) => {
            return await beginCreate(deps, caller, wanted, key)
          })
        },
      },
      {
        name: 'sync',
        isEndless: true,
        async run({ operation, facts }) {
          const server = await getServer(db, (await now(operation)).server)
          const standby = standbyOf(server)
          if (server.kind === 'external' || standby?.standing === 'ready') return { kind: 'done' }
          const isGone = standby === null || !deps.field.isReachable(standby.machine)
          if (isOutOfPatience(facts, isGone, PART_WAIT_MS_MAX)) {
            throw new Fault('reprotect.standby_lost', 409, `the standby of ${server.name} is gone or cannot be reached`)
          }
          return notYet(`the standby of ${server.name} to be ready (${standby?.standing ?? 'gone'})`, CHILD_LOOK_MS)
        },
      },
      {
        name: 'move',
        isEndless: true,
        async run(context) {
          const { operation, facts } = context
          const { move } = inputOf(operation)
          if (move === null) return { kind: 'done' }
          const { name } = await now(operation)
          const tries = Number(facts.tries ?? 1)
          const part = `move ${tries}`
          if (tries < MOVE_TRIES_MAX && (await hasBeenTooSlow(db, operation, facts[part]))) {
            // All was put back, and requests went on: a busy moment is no reason to stay away from home.
            facts.tries = tries + 1
            return notYet('a moment with less to do', MOVE_AGAIN_MS)
          }
          return await runPart(db, context, part, async (caller, key) => {
            // Each time more patiently: held requests are answered all the same, only later.
            const stopMsMax = SWITCH_STOP_MS_MAX * 2 ** (tries - 1)
            return await beginSwitchService(deps, caller, name, { ...move, stopMsMax }, key)
          })
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

async function hasBeenTooSlow(db: Db, operation: Operation, part: unknown): Promise<boolean> {
  if (part === undefined) return false
  const { state, error } = await getOperation(db, operation.subscription_id, String(part))
  return state === 'failed' && error?.code === 'switchover.too_slow'
}

// Begins a part, once however often it is run, and is done when that has succeeded.
async function runPart(
  db: Db,
  { operation, facts }: StepContext,
  part: string,
  begin: (caller: Caller, key: string) => Promise<string>,
): Promise<StepResult> {
  const caller = { principal: operation.principal, subscriptionId: operation.subscription_id }
  try {
    facts[part] ??= await begin(caller, `${operation.id} ${part}`)
    isOutOfPatience(facts, false)
  } catch (error) {
    const isPassing = error instanceof Fault && PASSING.includes(error.code)
    if (!isPassing || isOutOfPatience(facts, true, PART_WAIT_MS_MAX)) throw error
    return notYet(error.message, CHILD_LOOK_MS)
  }
  const begun = await getOperation(db, caller.subscriptionId, String(facts[part]))
  if (begun.state === 'running') {
    const step = begun.steps.find(({ state }) => state === 'running')
    return notYet(step?.sentence ?? `operation ${begun.id}`, CHILD_LOOK_MS, step?.progress ?? null)
  }
  if (begun.state !== 'succeeded') {
    throw new Fault('reprotect.part_failed', 409, begun.error?.message ?? `operation ${begun.id} failed`, {
      hint: begun.next ?? begun.error?.hint ?? `See: mainstay operation show ${begun.id}`,
    })
  }
  // A move says how long requests were held.
  return { kind: 'done', detail: begun.steps.find(({ name }) => name === 'release')?.detail ?? `operation ${begun.id}` }
}
