// What a recovery tells when it is done: measured times, measured loss, and what is missing now.
import type { RecoveryReportView } from '../contract/api.ts'
import type { StoredStep } from '../contract/control-schema.ts'
import { type Operation, subjectOf } from '../operations/operations.ts'
import { measureLoss } from './loss.ts'
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
  const isKept = done.input.action === 'keep'
  const loss = isKept
    ? { bytes: 0, msMax: 0, sentence: 'none: the database was kept' }
    : done.input.isSynchronous
      ? { bytes: 0, msMax: 0, sentence: 'none: every write that was acknowledged had waited for the standby' }
      : measureLoss({ forkLsn: done.facts.forkLsn ?? null, lastReport: done.input.lastReport })
  const epoch = done.facts.serverEpoch ? ` under epoch ${done.facts.serverEpoch}` : ''
  return {
    databaseSentence: isKept
      ? `kept: ${done.input.server} stays where it is`
      : `promoted: ${done.input.server} is now in ${plan?.toRegion ?? 'the new region'}${epoch}`,
    epoch: done.input.epoch,
    totalMs: Date.now() - done.operation.started_at.getTime(),
    steps: done.steps.map((step) => ({ name: step.name, sentence: step.sentence, ms: step.ms ?? 0 })),
    lossSentence: loss.sentence,
    lossBytes: loss.bytes,
    lossMsMax: loss.msMax,
    rows: done.facts.rows ?? 0,
    lateGateways: done.facts.lateGateways ?? [],
    protectionSentence: `Not protected now. When ${plan?.fromRegion ?? 'its old region'} is back: mainstay mobile reprotect ${name}, or to go home: mainstay mobile failback ${name}`,
  }
}
