// How a standby comes into force: from facts of both hosts to the next standing. The lease is armed before it counts.
import type { Standing } from '../contract/control-schema.ts'
import type { ServerFacts } from '../contract/facts.ts'

export type StandingFacts = {
  standing: Standing
  /** The lease term under which it stands. */
  term: number
  /** For how long both hosts were heard and the standby did not stream. */
  brokenMs: number
  /** Newest facts of the primary's host and of the standby's, null when silent. */
  primary: ServerFacts | null
  standby: ServerFacts | null
  /** Commits are to wait for the standby; `mayDegrade`: it may be given up when it does not follow. */
  sync: { mayDegrade: boolean } | null
}

export type StandingChange = { from: Standing; to: Standing; isNewTerm: boolean }

// Longer than a reconnection takes; shorter than what an operator would call protected.
const BROKEN_MS_MAX = 10_000
// Meanwhile every commit waits.
const BROKEN_SYNC_MS_MAX = 3_000

// More than this behind is not "caught up": it would lose seconds of writes.
const CAUGHT_UP_BYTES = 16 * 1_048_576

/** The next standing, or null to stay. When the standby's host is silent, the primary's asks for `released` by itself. */
export function nextStanding(facts: StandingFacts): StandingChange | null {
  const { standing, primary, standby } = facts
  const isCaughtUp = isFollowing(primary, standby)
  switch (standing) {
    case 'building':
      return isCaughtUp ? { from: standing, to: 'streaming', isNewTerm: false } : null
    case 'released':
    case 'streaming':
      // A new term: the primary's host must get a first proof under it before the standby counts.
      return isCaughtUp ? { from: standing, to: 'arming', isNewTerm: true } : null
    case 'arming':
      // Nothing that is acknowledged while it may be promoted may be missing there.
      if (facts.sync && primary?.isSynchronous !== true) return null
      if (primary?.lease.kind === 'held' && primary.lease.term === facts.term) {
        return { from: standing, to: 'ready', isNewTerm: false }
      }
      return null
    case 'ready':
      // Its host lives and gives proof, but the copy falls behind: it must not count as one that can be promoted.
      if (facts.sync?.mayDegrade === false) return null
      return facts.brokenMs >= (facts.sync ? BROKEN_SYNC_MS_MAX : BROKEN_MS_MAX)
        ? { from: standing, to: 'released', isNewTerm: true }
        : null
  }
}

/** True while a standby streams from its primary and is close behind it. */
export function isFollowing(primary: ServerFacts | null, standby: ServerFacts | null): boolean {
  return (
    primary?.state === 'running' &&
    primary.role === 'primary' &&
    standby?.state === 'running' &&
    standby.role === 'standby' &&
    primary.standby?.isStreaming === true &&
    primary.standby.lagBytes <= CAUGHT_UP_BYTES
  )
}
