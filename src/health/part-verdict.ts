// Verdicts on what services stand on: standbys, vaults, gateways, certificates. Pure; times are milliseconds.
import {
  CERTIFICATE_LEFT_MS_MIN,
  CERTIFICATE_LEFT_SHARE_MIN,
  GATEWAY_BUSY_MAX,
  GATEWAY_SILENT_MS,
  STANDBY_BEHIND_BYTES,
  STANDBY_BEHIND_MS,
  VAULT_BEHIND_MS,
} from '../kit/limits.ts'
import type { Verdict } from './verdict.ts'

const READY: Verdict = { state: 'Ready' }

export type StandbyFacts = {
  machine: string
  /** As the control database has it; only one that could be promoted can fall behind. */
  standing: string | null
  lagBytes: number
  lagMs: number
}

/** A standby that lacks much of its primary's writes, or may not be promoted any more. */
export function judgeStandby(server: string, standby: StandbyFacts | null): Verdict {
  if (standby === null) return READY
  const { machine, standing, lagBytes, lagMs } = standby
  const lag = `${machine} lacks ${lagBytes} bytes, the last ${(lagMs / 1000).toFixed(1)} s of writes`
  if (standing === 'released') {
    const message = `the standby of ${server} may not be promoted until it has caught up`
    return { state: 'Degraded', cause: 'standby_behind', message, evidence: [`${machine} was released`] }
  }
  const isBehind = lagMs >= STANDBY_BEHIND_MS || lagBytes >= STANDBY_BEHIND_BYTES
  if (standing !== 'ready' || !isBehind) return READY
  const message = `the standby of ${server} is behind: a promotion now would lose what it lacks`
  return { state: 'Degraded', cause: 'standby_behind', message, evidence: [lag] }
}

export type VaultFacts = {
  vault: string
  problem: string | null
  /** Age of the newest moment that can be restored; null before there is any. */
  behindMs: number | null
}

/** A vault that does not take what is written: one refusal that is soon over is none. */
export function judgeVault(server: string, facts: VaultFacts | null): Verdict {
  if (facts === null || facts.problem === null) return READY
  const { vault, problem, behindMs } = facts
  if (behindMs !== null && behindMs < VAULT_BEHIND_MS) return READY
  const since = behindMs === null ? 'nothing of it can be restored yet' : `${Math.round(behindMs / 1000)} s behind`
  const message = `the backups of ${server} do not reach ${vault}: ${since}`
  return { state: 'Degraded', cause: 'vault_unreachable', message, evidence: [problem] }
}

export type GatewayStand = { silentMs: number | null; busy: number; turnedAway: number }

/** A gateway that is silent, or has no time left. */
export function judgeGateway(machine: string, { silentMs, busy, turnedAway }: GatewayStand): Verdict {
  if (silentMs === null || silentMs >= GATEWAY_SILENT_MS) {
    const evidence = [silentMs === null ? 'control never heard it' : `silent for ${(silentMs / 1000).toFixed(1)} s`]
    const message = `${machine} is not heard: it may answer with old routes`
    return { state: 'Degraded', cause: 'gateway_unreachable', message, evidence }
  }
  if (busy < GATEWAY_BUSY_MAX && turnedAway === 0) return READY
  const evidence = [
    ...(busy < GATEWAY_BUSY_MAX ? [] : [`busy for ${Math.round(busy * 100)} % of the last seconds`]),
    ...(turnedAway === 0 ? [] : [`${turnedAway} request(s) were turned away`]),
  ]
  return { state: 'Degraded', cause: 'gateway_overloaded', message: `${machine} has more to do than it can`, evidence }
}

/** A certificate that should have been renewed by now. `lifeMs`: for how long one is made. */
export function judgeCertificate(whose: string, { leftMs, lifeMs }: { leftMs: number; lifeMs: number }): Verdict {
  if (leftMs >= lifeMs * CERTIFICATE_LEFT_SHARE_MIN) return READY
  const left = leftMs <= 0 ? 'has ended' : `ends in ${describe(leftMs)}`
  const state = leftMs < Math.min(CERTIFICATE_LEFT_MS_MIN, lifeMs / 10) ? 'Unhealthy' : 'Degraded'
  const evidence = ['it was not renewed when it was due']
  return { state, cause: 'certificate_expiring', message: `the certificate of ${whose} ${left}`, evidence }
}

function describe(ms: number): string {
  const hours = ms / 3_600_000
  if (hours >= 48) return `${Math.floor(hours / 24)} days`
  return hours >= 1 ? `${Math.floor(hours)} hour(s)` : `${Math.max(1, Math.floor(ms / 60_000))} minute(s)`
}
