// What a recovery tells when it is done: measured times, measured loss, and what is missing now.
import type { RecoveryReportView } from '../contract/api.ts'
import type { StoredStep } from '../contract/control-schema.ts'
import { type Operation, subjectOf } from '../operations/operations.ts'
import { type Loss, measureLoss } from './loss.ts'
import type { RecoverInput } from './recover-begin.ts'
import type { RecoverFacts } from './recover-kind.ts'

/** Builds the report from what the steps left behind. */
export function reportRecovery(done: {
  operation: Pick<Operation, 'service_name' | 'server' | 'plan' | 'started_at'>
  input: RecoverInput
  facts: RecoverFacts
  steps: StoredStep[]
}): RecoveryReportView {
  const { plan } = done.operation
  const name = subjectOf(done.operation)
  const loss = lossOf(done)
  const restampMs = done.steps.find((step) => step.name === 'restamp')?.ms ?? 0
  return {
    databaseSentence: databaseSentence(done.input, done.facts, plan?.toRegion ?? 'the new region'),
    epoch: done.input.epoch,
    // Apps are served since before that.
    totalMs: Date.now() - done.operation.started_at.getTime() - restampMs,
    steps: done.steps.map((step) => ({ name: step.name, sentence: step.sentence, ms: step.ms ?? 0 })),
    lossSentence: loss.sentence,
    lossBytes: loss.bytes,
    lossMsMax: loss.msMax,
    rows: done.facts.rows ?? 0,
    lateGateways: done.facts.lateGateways ?? [],
    protectionSentence: `Not protected now. When ${plan?.fromRegion ?? 'its old region'} is back: mainstay mobile reprotect ${name}, or to go home: mainstay mobile failback ${name}`,
  }
}

function databaseSentence(input: RecoverInput, facts: RecoverFacts, region: string): string {
  switch (input.action) {
    case 'keep':
      return `kept: ${input.server} stays where it is`
    case 'promote': {
      const epoch = facts.serverEpoch ? ` under epoch ${facts.serverEpoch}` : ''
      return `promoted: ${input.server} is now in ${region}${epoch}`
    }
    case 'restore': {
      const { backup = '', restoresTo = '' } = input.restore?.outline ?? {}
      return `restored: ${facts.restored} in ${region} is ${input.server} as it was at ${restoresTo}, from backup ${backup}`
    }
  }
}

function lossOf({ input, facts }: { input: RecoverInput; facts: RecoverFacts }): Loss {
  switch (input.action) {
    case 'keep':
      return { bytes: 0, msMax: 0, sentence: 'none: the database was kept' }
    case 'promote':
      if (!input.isSynchronous) {
        return measureLoss({ forkLsn: facts.forkLsn ?? null, lastReport: input.lastReport })
      }
      return { bytes: 0, msMax: 0, sentence: 'none: every write that was acknowledged had waited for the standby' }
    case 'restore':
      return restoreLoss(input)
  }
}

// Between the newest moment of the vault and the last sign of life there may have been writes.
function restoreLoss({ restore, server }: RecoverInput): Loss {
  const restoresTo = restore?.outline.restoresTo ?? ''
  const seenMs = restore?.seenMs ?? null
  const all = `all writes after ${restoresTo}`
  if (seenMs === null) return { bytes: null, msMax: null, sentence: `${all}; ${server} never reported to this control` }
  const msMax = Math.max(0, seenMs - Date.parse(restoresTo))
  return {
    bytes: null,
    msMax,
    sentence: `${all}, of ${(msMax / 1000).toFixed(1)} s at most until ${server} was last heard`,
  }
}
