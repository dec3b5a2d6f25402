// Decides what a recovery must do, or why it may not. Facts in, plan or refusal out.
import type { Mode, RecoveryPlanView } from '../contract/api.ts'
import type { Standing } from '../contract/control-schema.ts'
import { RECOVERY_STEPS } from '../contract/recovery.ts'
import { Fault } from '../kit/fault.ts'
import { LEASE_MS } from '../kit/limits.ts'
import { unfitReason } from '../services/fit.ts'

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

export type PlanFacts = {
  primary: PartyFacts
  secondary: PartyFacts
  isForced: boolean
  server: {
    name: string
    primaryRegionName: string
    /** Its primary can be reached and is open. */
    isAlive: boolean
    standby: { machine: string; regionName: string; standing: Standing; isSynchronous?: boolean } | null
    /** Another recovery has promoted it and it is just coming up: this one shares that promotion. */
    isPromoting: boolean
    /** Other services whose data moves along when the server is promoted. */
    otherServices: string[]
    /** What the primary last reported: how long ago, and how far its standby was behind. */
    lastReport: { ageMs: number; lagBytes: number | null; lagMs: number | null } | null
  }
  /** How long a proof may still hold back a promotion. */
  leaseLeftMs: number
  /** Milliseconds that recoveries here took before, without waiting for a lease; empty when there were none. */
  earlierMs: number[]
}

// Measured by `npm run bench:recover` until this cloud has recoveries of its own to look at.
const TYPICAL_MS = 1_200
const HEARTBEAT_MS = 1_000

/** The plan. Faults with one of the `recovery.*` refusals; nothing has changed then. */
export function planRecovery(facts: PlanFacts): RecoveryPlanView {
  refuse(facts)
  const { primary, secondary, server } = facts
  const action = server.isAlive ? 'keep' : 'promote'
  const isWhole = action === 'keep' || server.standby?.isSynchronous === true
  const loss = isWhole ? { ms: 0, bytes: 0 } : predictedLoss(server.lastReport)
  const waitMs = action === 'promote' ? facts.leaseLeftMs : 0
  return {
    primary: primary.name,
    secondary: secondary.name,
    fromRegion: primary.regionName,
    toRegion: secondary.regionName,
    database: { action, server: server.name, alsoMoves: action === 'promote' ? server.otherServices : [] },
    predictedSeconds: Math.round((median(facts.earlierMs) ?? TYPICAL_MS) + waitMs) / 1000,
    predictedLossMsMax: loss.ms,
    predictedLossBytes: loss.bytes,
    lossSentence: lossSentence(action, server),
    capacitySentence: capacitySentence(primary, secondary),
    steps: RECOVERY_STEPS.map(({ name, sentence }) => ({ name, sentence })),
  }
}

function refuse({ primary, secondary, server, isForced }: PlanFacts): void {
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
  if (!server.isAlive && !server.isPromoting && server.standby?.standing !== 'ready') {
    const standing = server.standby
      ? `its standby in ${server.standby.regionName} is ${server.standby.standing}`
      : 'it has no standby'
    const message = `the database server ${server.name} in ${server.primaryRegionName} cannot be reached and ${standing}`
    throw refusal('no_database', message, `See its members: mainstay sql server show ${server.name}`)
  }
}

function predictedLoss(report: PlanFacts['server']['lastReport']): { ms: number | null; bytes: number | null } {
  if (!report) return { ms: null, bytes: null }
  // Between two reports nobody saw how far behind the standby was.
  return { ms: report.lagMs === null ? null : report.lagMs + HEARTBEAT_MS, bytes: report.lagBytes }
}

function lossSentence(action: 'keep' | 'promote', server: PlanFacts['server']): string {
  if (action === 'keep') return 'none: the database is alive and is kept where it is'
  if (server.standby?.isSynchronous) return 'none: every write that was acknowledged waited for the standby'
  const report = server.lastReport
  if (!report) return 'unknown: the lost server never reported to this control'
  const at = `${(report.ageMs / 1000).toFixed(1)} s ago`
  if (report.lagBytes === null || report.lagMs === null) {
    return `unknown: at the last report, ${at}, no standby was connected`
  }
  const behind = report.lagBytes === 0 ? 'nothing behind' : `${report.lagBytes} bytes (${report.lagMs} ms) behind`
  return `at most ${((report.lagMs + HEARTBEAT_MS) / 1000).toFixed(1)} s of writes; at the last report, ${at}, the standby was ${behind}`
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
