// Decides what a recovery must do, or why it may not. Facts in, plan or refusal out.
import type { Mode, RecoveryPlanView } from '../contract/api.ts'
import type { RestoreOutline } from '../contract/backup.ts'
import type { Standing } from '../contract/control-schema.ts'
import { type DatabaseAction, RECOVERY_STEPS, RESTAMP_STEP } from '../contract/recovery.ts'
import { Fault } from '../kit/fault.ts'
import { LEASE_MS } from '../kit/limits.ts'
import { unfitReason } from '../services/fit.ts'
import { predictLoss, requireAcceptedLoss } from './predicted-loss.ts'

/** One of the two services. `health` is what `mobile list` shows. */
export type PartyFacts = {
  id: string
  name: string
  region: string
  regionName: string
  mode: Mode
  units: number
  health: string
  healthMessage: string | null
  /** The name of the primary that a secondary is promised to. */
  promisedTo: string | null
  operationId: string | null
}

/** What was asked for beyond the two names. `acceptedLossMs` null: any; undefined: what the service is set to. */
export type Wish = { database: DatabaseAction | null; target: string | null; acceptedLossMs: number | null | undefined }

/** What the vault says to a restore; `problem`: why there can be none. */
export type RestoreFacts = { kind: 'possible'; outline: RestoreOutline } | { kind: 'impossible'; problem: string }

export type PlanFacts = {
  primary: PartyFacts
  secondary: PartyFacts
  isForced: boolean
  wish: Wish
  /** A predicted loss above this is refused unless it is accepted. */
  lossMsMax: number
  /** Null where nobody asked the vault, because nothing is to be restored. */
  restore: RestoreFacts | null
  server: {
    name: string
    primaryRegionName: string
    /** Somebody else's: it is kept, and comes back or fails over by itself. */
    isExternal?: boolean
    /** Its primary can be reached and is open. */
    isAlive: boolean
    standby: { machine: string; regionName: string; standing: Standing; isSynchronous?: boolean } | null
    /** Another recovery has promoted it and it is just coming up: this one shares that promotion. */
    isPromoting: boolean
    /** Other services whose data moves along when the server is promoted. */
    otherServices: string[]
    /** What the primary last reported: how long ago, and how far its standby was behind. */
    lastReport: {
      ageMs: number
      lagBytes: number | null
      lagMs: number | null
      lagTransactions?: number | null
      unsavedBytes: number | null
    } | null
  }
  /** By the clock that restorable moments are compared with. */
  nowMs: number
  /** How long a proof may still hold back a promotion. */
  leaseLeftMs: number
  /** Milliseconds that recoveries here took before, without waiting for a lease; empty when there were none. */
  earlierMs: number[]
}

// Measured by `npm run bench:recover` until this cloud has recoveries of its own to look at.
const TYPICAL_MS = 1_200
// A restore by hand took 4.5 s for 626 MB; a vault that is further away is slower.
const RESTORE_BYTES_PER_MS = 50_000
const RESTORE_START_MS = 2_000

/** The plan. Faults with one of the `recovery.*` refusals; nothing has changed then. */
export function planRecovery(facts: PlanFacts): RecoveryPlanView {
  refuse(facts)
  const { primary, secondary, server } = facts
  const action = decideAction(facts)
  requirePossible(facts, action)
  const outline = action === 'restore' && facts.restore?.kind === 'possible' ? facts.restore.outline : null
  const loss = predictLoss(facts, action, outline)
  // A moment that was named says by itself what is left behind.
  const isNamed = outline !== null && facts.wish.target !== null && facts.wish.target !== 'latest'
  requireAcceptedLoss(loss, { ...facts.wish, lossMsMax: facts.lossMsMax, isNamed })
  const waitMs = action === 'promote' ? facts.leaseLeftMs : 0
  const restoreMs = outline === null ? 0 : RESTORE_START_MS + outline.bytes / RESTORE_BYTES_PER_MS
  const steps = outline === null ? RECOVERY_STEPS : [...RECOVERY_STEPS, RESTAMP_STEP]
  return {
    primary: primary.name,
    secondary: secondary.name,
    fromRegion: primary.regionName,
    toRegion: secondary.regionName,
    database: {
      action,
      server: server.name,
      alsoMoves: action === 'promote' ? server.otherServices : [],
      restore: outline,
    },
    predictedSeconds: Math.round((median(facts.earlierMs) ?? TYPICAL_MS) + waitMs + restoreMs) / 1000,
    predictedLossMsMax: loss.ms,
    predictedLossBytes: loss.bytes,
    lossSentence: loss.sentence,
    capacitySentence: capacitySentence(primary, secondary),
    steps: steps.map(({ name, sentence }) => ({ name, sentence })),
  }
}

/** What is to be done about the database, by what was asked for, or by what there is. */
export function decideAction({ wish, server }: Pick<PlanFacts, 'wish' | 'server'>): DatabaseAction {
  if (wish.database !== null) return wish.database
  if (wish.target !== null) return 'restore'
  if (server.isAlive || server.isExternal === true) return 'keep'
  return canPromote(server) ? 'promote' : 'restore'
}

function canPromote({ isPromoting, standby }: PlanFacts['server']): boolean {
  return isPromoting || standby?.standing === 'ready'
}

function refuse({ primary, secondary, isForced }: PlanFacts): void {
  const refusal = (code: string, message: string, hint: string) => new Fault(`recovery.${code}`, 409, message, { hint })
  const reserve = `mainstay mobile create ${primary.name}-2 --location REGION --secondary-for ${primary.name}`
  if (primary.id === secondary.id) {
    throw refusal(
      'same_service',
      `'${primary.name}' cannot be its own secondary`,
      'Name another service in another region.',
    )
  }
  for (const party of [primary, secondary]) {
    if (party.operationId === null) continue
    const hint = `Watch it: mainstay mobile show ${party.name}`
    throw refusal('busy', `'${party.name}' is in another operation (${party.operationId})`, hint)
  }
  if (primary.health !== 'Unhealthy' && !isForced) {
    throw refusal(
      'not_unhealthy',
      `'${primary.name}' is ${primary.health}, not Unhealthy`,
      'Recovery is for a lost service. To move it all the same, add --force.',
    )
  }
  if (secondary.health !== 'Ready') {
    const why = secondary.healthMessage ? `: ${secondary.healthMessage}` : ''
    throw refusal(
      'secondary_not_ready',
      `'${secondary.name}' is ${secondary.health}, not Ready${why}`,
      `Reserve another: ${reserve}`,
    )
  }
  if (primary.region === secondary.region) {
    throw refusal(
      'same_region',
      `'${secondary.name}' is in ${secondary.regionName} too`,
      `Reserve one elsewhere: ${reserve}`,
    )
  }
  if (secondary.promisedTo !== null && secondary.promisedTo !== primary.name) {
    const message = `'${secondary.name}' is promised to '${secondary.promisedTo}'`
    throw refusal('promised_elsewhere', message, `Reserve another: ${reserve}`)
  }
  const unfit = unfitReason(primary, secondary)
  if (unfit === 'mode_too_low') {
    const message = `'${secondary.name}' is shared and '${primary.name}' is reserved: the mode must be the same or higher`
    throw refusal('mode_too_low', message, `Reserve another: ${reserve}`)
  }
  if (unfit === 'too_few_units') {
    const message = `'${secondary.name}' has ${secondary.units} of the ${primary.units} units that '${primary.name}' needs`
    throw refusal('too_few_units', message, `Reserve another: ${reserve}`)
  }
}

function requirePossible({ wish, primary, secondary, server, restore }: PlanFacts, action: DatabaseAction): void {
  const again = `mainstay mobile recover ${primary.name} ${secondary.name}`
  if (wish.target !== null && action !== 'restore') {
    throw new Fault('recovery.bad_target', 400, 'a moment is restored, not kept or promoted', {
      hint: 'Leave --database out, or say --database restore.',
    })
  }
  if (server.isExternal === true && action !== 'keep') {
    throw new Fault('server.external', 409, `${server.name} is an external server: it can only be kept`, {
      hint: `Leave --database and --to out: ${again}`,
    })
  }
  if (action === 'keep' && !server.isAlive) {
    throw new Fault('recovery.database_lost', 409, `${server.name} cannot be reached, so it cannot be kept`, {
      hint: server.isExternal
        ? `It is an external server: as soon as one of its hosts takes writes again, give the same command: ${again}`
        : `Let what can be done be found: ${again}`,
    })
  }
  if (action === 'promote' && server.isAlive) {
    throw new Fault('recovery.database_alive', 409, `${server.name} is alive in ${server.primaryRegionName}`, {
      hint: `Its standby takes over without a loss by: mainstay sql server switchover ${server.name}`,
    })
  }
  const isPossible = action !== 'restore' || restore?.kind === 'possible'
  if (isPossible && (action !== 'promote' || canPromote(server))) return
  const standing = server.standby
    ? `its standby in ${server.standby.regionName} is ${server.standby.standing}`
    : 'it has no standby'
  const lost = server.isAlive
    ? ''
    : `the database server ${server.name} in ${server.primaryRegionName} cannot be reached, `
  const vault = restore?.kind === 'impossible' ? `, and nothing can be restored: ${restore.problem}` : ''
  throw new Fault('recovery.no_database', 409, `${lost}${standing}${vault}`, {
    hint: `See its members and its backups: mainstay sql server show ${server.name}`,
  })
}

function capacitySentence(primary: PartyFacts, secondary: PartyFacts): string {
  const size = (party: PartyFacts) =>
    party.mode === 'reserved' ? `${party.units} reserved unit(s)` : 'one shared slot'
  const claimed = `${size(secondary)} of '${secondary.name}' in ${secondary.regionName}`
  return size(primary) === size(secondary) ? claimed : `${claimed}, of which '${primary.name}' keeps ${size(primary)}`
}

function median(values: number[]): number | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? null
}

/** How long a proof that the lost primary may still hold can hold a promotion back, at most. */
export function leaseLeftMs(primarySilentMs: number): number {
  return Math.max(0, LEASE_MS - primarySilentMs)
}
