// When a fresh verdict comes into force: bad news after its evidence has lasted, good news after a while. Pure.
import { VERDICT_CLOSE_MS, VERDICT_OPEN_MS } from '../kit/limits.ts'
import type { Verdict } from './verdict.ts'

/** The verdict in force, and since when (`performance.now()`) every fresh one was better, or worse, than it. */
export type Watched = { verdict: Verdict; betterSince: number | null; worseSince: number | null }

/** `isOther`: another verdict is in force from now on. `watched` is what to remember, with the newest evidence. */
export type Opening = { isOther: boolean; watched: Watched }

/** Nothing is known to be wrong. */
export const WELL: Watched = { verdict: { state: 'Ready' }, betterSince: null, worseSince: null }

const RANKS = { Ready: 0, Degraded: 1, Unhealthy: 2 }

/** Decides what a fresh verdict does to the one in force. `now` is a `performance.now()`. */
export function decideOpening({ verdict, betterSince, worseSince }: Watched, fresh: Verdict, now: number): Opening {
  const step = RANKS[fresh.state] - RANKS[verdict.state]
  const watched: Watched = {
    verdict,
    betterSince: step < 0 ? (betterSince ?? now) : null,
    worseSince: step > 0 ? (worseSince ?? now) : null,
  }
  if (step < 0 && now - (watched.betterSince ?? now) < VERDICT_CLOSE_MS) return { isOther: false, watched }
  if (step > 0 && isMomentary(fresh) && now - (watched.worseSince ?? now) < VERDICT_OPEN_MS) {
    return { isOther: false, watched }
  }
  const isOther = step !== 0 || !isSameTrouble(verdict, fresh)
  return { isOther, watched: { verdict: fresh, betterSince: null, worseSince: null } }
}

// What one vantage point says, or what was seen once: a busy moment, or a server that is just being opened.
function isMomentary(verdict: Verdict): boolean {
  return verdict.state === 'Degraded' || (verdict.state === 'Unhealthy' && verdict.isMomentary === true)
}

function isSameTrouble(one: Verdict, other: Verdict): boolean {
  return one.state === 'Ready' || other.state === 'Ready' || one.cause === other.cause
}
