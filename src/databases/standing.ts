// How a standby comes into force: from facts of both hosts to the next standing. The lease is armed before it counts.
import type { Standing } from '../contract/control-schema.ts'
import type { ServerFacts } from '../contract/facts.ts'

export type StandingFacts = {
  standing: Standing
  /** The lease term under which it stands. */
  term: number
  /** Newest facts of the primary's host and of the standby's, null when silent. */
  primary: ServerFacts | null
  standby: ServerFacts | null
}

export type StandingChange = { from: Standing; to: Standing; isNewTerm: boolean }

// More than this behind is not "caught up": it would lose seconds of writes.
const CAUGHT_UP_BYTES = 16 * 1_048_576

/** The next standing, or null to stay. `released` is not decided here: the primary's host asks for it. */
export function nextStanding(facts: StandingFacts): StandingChange | null {
  const { standing, primary, standby } = facts
  const isCaughtUp =
    primary?.state === 'running' &&
    primary.role === 'primary' &&
    standby?.state === 'running' &&
    standby.role === 'standby' &&
    primary.standby?.isStreaming === true &&
    primary.standby.lagBytes <= CAUGHT_UP_BYTES
  switch (standing) {
    case 'building':
      return isCaughtUp ? { from: standing, to: 'streaming', isNewTerm: false } : null
    case 'released':
    case 'streaming':
      // A new term: the primary's host must get a first proof under it before the standby counts.
      return isCaughtUp ? { from: standing, to: 'arming', isNewTerm: true } : null
    case 'arming':
      if (primary?.lease.kind === 'held' && primary.lease.term === facts.term) {
        return { from: standing, to: 'ready', isNewTerm: false }
      }
      return null
    case 'ready':
      return null
  }
}
