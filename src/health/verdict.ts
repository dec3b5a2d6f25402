// From facts to a verdict: what is wrong, why, and who says so. Pure; times are milliseconds.
import {
  CONTRADICTED_MORE_MS,
  DISK_FULL_BYTES,
  HEARD_LATELY_MS,
  SCRIPTS_FAILED_MIN,
  SCRIPTS_FAILED_SHARE,
} from '../kit/limits.ts'

/** One place from which a machine is watched. `silentMs`: since it last reached the machine. */
export type Vantage = { name: string; domain: string; silentMs: number; silentMsMax: number }

export type Reachability = { isLost: boolean; evidence: string[] }

/**
 * A machine is lost when two vantage points in different failure domains, none of them its own, have been without an
 * answer for longer than they tolerate. One alone may be the one that is cut off. While somebody else hears it, they
 * must tolerate more: after a pause the first to hear it is not the last.
 */
export function judgeReach(vantages: Vantage[], ownDomain: string): Reachability {
  const others = vantages.filter((vantage) => vantage.domain !== ownDomain)
  const isHeard = others.some((vantage) => vantage.silentMs < HEARD_LATELY_MS)
  const moreMs = isHeard ? CONTRADICTED_MORE_MS : 0
  const silent = others.filter((vantage) => vantage.silentMs >= vantage.silentMsMax + moreMs)
  const domains = new Set(silent.map((vantage) => vantage.domain))
  const evidence = others.map(({ name, silentMs, silentMsMax }) => {
    const seconds = (silentMs / 1000).toFixed(1)
    return silentMs >= silentMsMax
      ? `${name} has had no answer for ${seconds} s`
      : `${name} reached it ${seconds} s ago`
  })
  return { isLost: domains.size >= 2, evidence }
}

/** What is known of the service's surroundings when it is judged. */
export type ServiceFacts = {
  regionName: string
  home: Reachability
  isWholeRegionLost: boolean
  runtime: {
    /** The home's host says that the runtime serves (null: the host is silent). */
    isServing: boolean | null
    isCrashing: boolean
    /** Gateways that cannot reach the runtime, and those that can. */
    gatewaysSilent: number
    gatewaysReaching: number
  }
  database: {
    server: string
    regionName: string
    host: Reachability
    /** The server's host says that it is open (null: the host is silent). */
    isOpen: boolean | null
    problem: string | null
    /** Room that is left for it on its machine's disk (null: not known). */
    diskFreeBytes: number | null
    /** A gateway heard from the runtime that it does not reach the database. */
    isUnreachableFromRuntime: boolean
    /** A gateway heard from the runtime that the database does not let the service in. */
    isLoginRefused: boolean
  }
  /** Runs of its scripts in the last minute; null when none is known. */
  scripts: { runs: number; failed: number; problem: string | null } | null
}

/** `isMomentary`: the evidence is of this moment, and has yet to last before it counts. */
export type Verdict =
  | { state: 'Ready' }
  | { state: 'Degraded' | 'Unhealthy'; cause: string; message: string; evidence: string[]; isMomentary?: true }

/** Judges one service. Unhealthy wants two vantage points; what only one says is Degraded. */
export function judgeService(facts: ServiceFacts): Verdict {
  const { home, runtime, database } = facts
  if (home.isLost) {
    const cause = facts.isWholeRegionLost ? 'region_unreachable' : 'host_unreachable'
    const what = facts.isWholeRegionLost
      ? `${facts.regionName} cannot be reached`
      : `its host in ${facts.regionName} cannot be reached`
    return { state: 'Unhealthy', cause, message: `${what}: dead or cut off`, evidence: home.evidence }
  }
  const runtimeEvidence = [
    runtime.isServing === false ? 'its host says that the runtime does not serve' : null,
    runtime.gatewaysSilent > 0 ? `${runtime.gatewaysSilent} gateway(s) get no answer from the runtime` : null,
  ].filter((line) => line !== null)
  if (runtimeEvidence.length === 2) {
    const cause = runtime.isCrashing ? 'runtime_crash_loop' : 'runtime_down'
    const what = runtime.isCrashing ? 'its runtime ends again and again' : 'its runtime is down'
    return { state: 'Unhealthy', cause, message: `${what} in ${facts.regionName}`, evidence: runtimeEvidence }
  }
  const databaseVerdict = judgeDatabase(database)
  if (databaseVerdict?.state === 'Unhealthy') return databaseVerdict
  if (runtimeEvidence.length === 1) {
    const message = `its runtime in ${facts.regionName} may be in trouble`
    return { state: 'Degraded', cause: 'runtime_down', message, evidence: runtimeEvidence }
  }
  return databaseVerdict ?? judgeScripts(facts.scripts)
}

/** Judges a region's promises by what of them its reporting hosts cannot hold now. */
export function judgeCapacity(shortage: { message: string }[]): Verdict {
  const [first] = shortage
  if (!first) return { state: 'Ready' }
  const evidence = shortage.map(({ message }) => message)
  return { state: 'Degraded', cause: 'capacity_short', message: first.message, evidence }
}

// One run that fails is its author's business, and so is a script that fails now and then.
function judgeScripts(scripts: ServiceFacts['scripts']): Verdict {
  if (scripts === null || scripts.failed < SCRIPTS_FAILED_MIN) return { state: 'Ready' }
  const { runs, failed, problem } = scripts
  if (failed / runs < SCRIPTS_FAILED_SHARE) return { state: 'Ready' }
  const message = `its scripts fail: ${failed} of ${runs} runs in the last minute`
  return { state: 'Degraded', cause: 'scripts_failing', message, evidence: problem === null ? [] : [problem] }
}

function judgeDatabase(database: ServiceFacts['database']): Exclude<Verdict, { state: 'Ready' }> | null {
  const cause = 'database_unreachable'
  const name = `its database server ${database.server} in ${database.regionName}`
  if (database.host.isLost) {
    return { state: 'Unhealthy', cause, message: `${name} cannot be reached`, evidence: database.host.evidence }
  }
  // The runtime and PostgreSQL are the two witnesses. One that is closed lets nobody in: that is another trouble.
  if (database.isLoginRefused && database.isOpen !== false) {
    const evidence = [`${database.server} answers the runtime, and refuses the login of this service`]
    const message = `${name} does not let it in`
    return { state: 'Unhealthy', cause: 'database_auth_failed', message, evidence, isMomentary: true }
  }
  const isUnreachable = database.isUnreachableFromRuntime
  const evidence = [
    database.isOpen === false ? `its host says that ${database.server} is not open` : null,
    isUnreachable ? `the runtime does not reach ${database.server}` : null,
    // Silence by itself may be control's own trouble; that nobody works there is the second word.
    isUnreachable && database.isOpen === null ? `control does not hear the host of ${database.server}` : null,
  ].filter((line) => line !== null)
  if (database.diskFreeBytes !== null && database.diskFreeBytes < DISK_FULL_BYTES) {
    const left = `${(database.diskFreeBytes / 2 ** 20).toFixed(1)} MiB are left there`
    const message = `${name} has no room on its disk: free some, and it goes on by itself`
    const state = evidence.length === 0 ? 'Degraded' : 'Unhealthy'
    return { state, cause: 'database_full', message, evidence: [left, ...evidence] }
  }
  if (evidence.length === 0) return null
  const detail = database.problem ? `: ${database.problem.split('\n')[0]}` : ''
  if (evidence.length === 2) {
    return { state: 'Unhealthy', cause, message: `${name} is down${detail}`, evidence, isMomentary: true }
  }
  return { state: 'Degraded', cause, message: `${name} may be in trouble${detail}`, evidence }
}
