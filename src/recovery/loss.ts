// What a promotion lost, as far as can be measured without the lost region.
import { lsnDistance } from '../databases/replication.ts'

export type LossFacts = {
  /** Where the promoted timeline left the lost one. */
  forkLsn: string | null
  /** The lost primary's last report, and how long before control lost contact with it was made. */
  lastReport: { lsn: string; lagMs: number | null } | null
}

export type Loss = { bytes: number | null; msMax: number | null; sentence: string }

// Nobody heard the lost region between its last report and its end: one heartbeat at most.
const UNSEEN_MS_MAX = 1_000

/** Measures the loss of a promotion. */
export function measureLoss(facts: LossFacts): Loss {
  if (!facts.forkLsn || !facts.lastReport) {
    return { bytes: null, msMax: null, sentence: 'unknown: the lost server had never reported to this control' }
  }
  const missing = Math.max(0, lsnDistance(facts.lastReport.lsn, facts.forkLsn))
  if (missing === 0) {
    const beyond = Math.max(0, lsnDistance(facts.forkLsn, facts.lastReport.lsn))
    const detail = `the standby had ${beyond} bytes more than the lost server's last report`
    return {
      bytes: 0,
      msMax: UNSEEN_MS_MAX,
      sentence: `0 bytes of what was reported; ${detail}; writes of its last ${UNSEEN_MS_MAX / 1000} s may be missing`,
    }
  }
  if (facts.lastReport.lagMs === null) {
    return {
      bytes: missing,
      msMax: null,
      sentence: `${missing} bytes of what was reported did not arrive; no standby was connected`,
    }
  }
  const msMax = facts.lastReport.lagMs + UNSEEN_MS_MAX
  return {
    bytes: missing,
    msMax,
    sentence: `${missing} bytes of what was reported did not arrive; at most ${(msMax / 1000).toFixed(1)} s of writes are missing`,
  }
}
