// Answers of control for tests of the CLI.
import type { OperationView, RecoveryPlanView, RecoveryReportView, ServiceView } from '../../src/contract/api.ts'
import { RECOVERY_STEPS } from '../../src/contract/recovery.ts'

const READY = { state: 'Ready' as const, cause: null, message: null, since: null, evidence: [], next: null }

export const SERVICE: ServiceView = {
  name: 'PrimaryService',
  health: READY,
  region: 'West US',
  mode: 'shared',
  units: 1,
  url: 'http://primaryservice.localhost:8080/',
  pathUrl: 'http://localhost:8080/services/PrimaryService/',
  applicationKey: 'APPKEY',
  masterKey: 'MASTERKEY',
  tables: ['TodoItem'],
  epoch: 1,
  server: 'sql-west-us',
  serverRegion: 'West US',
  secondaryFor: null,
  secondary: 'SecondaryService',
  recoveredFrom: null,
  verification: null,
  exposure: null,
  formerDatabase: null,
  operation: null,
  createdAt: '2026-11-22T10:00:00.000Z',
}

export const ILL_SERVICE: ServiceView = {
  ...SERVICE,
  health: {
    state: 'Unhealthy',
    cause: 'region_unreachable',
    message: 'West US does not answer',
    since: '2026-11-22T10:00:00.000Z',
    evidence: ['no heartbeat for 6 s', 'gateway edge: no probe for 6 s'],
    next: 'mainstay mobile recover PrimaryService SecondaryService',
  },
}

export const PLAN: RecoveryPlanView = {
  primary: 'PrimaryService',
  secondary: 'SecondaryService',
  fromRegion: 'West US',
  toRegion: 'East US',
  database: { action: 'promote', server: 'sql-west-us', alsoMoves: ['Other'], restore: null },
  predictedSeconds: 1.6,
  predictedLossMsMax: 120,
  predictedLossBytes: 0,
  lossSentence: 'at most 120 ms of writes',
  capacitySentence: 'the shared slot of SecondaryService is used',
  steps: RECOVERY_STEPS.map(({ name, sentence }) => ({ name, sentence })),
}

export const REPORT: RecoveryReportView = {
  databaseSentence: 'sql-west-us promoted in East US',
  epoch: 2,
  totalMs: 1_420,
  steps: RECOVERY_STEPS.map(({ name, sentence }) => ({ name, sentence, ms: 100 })),
  lossSentence: 'nothing was lost',
  lossBytes: 0,
  lossMsMax: null,
  rows: 1_204,
  lateGateways: [],
  protectionSentence: 'Not protected now. Reserve another: mainstay mobile create X --secondary-for PrimaryService',
}

/** A recovery that is at the given step; beyond the last one it has succeeded. */
export function recoveryAt(step: number): OperationView {
  const isDone = step >= RECOVERY_STEPS.length
  return {
    id: 'op1',
    kind: 'recover',
    service: 'PrimaryService',
    server: null,
    state: isDone ? 'succeeded' : 'running',
    revision: step + 1,
    principal: 'operator',
    steps: RECOVERY_STEPS.map(({ name, sentence }, index) => ({
      name,
      sentence,
      state: index < step ? 'done' : index === step ? 'running' : 'waiting',
      attempts: 1,
      startedAt: null,
      ms: null,
      detail: null,
    })),
    error: null,
    plan: PLAN,
    report: isDone ? REPORT : null,
    next: null,
    startedAt: '2026-11-22T10:00:10.000Z',
    finishedAt: isDone ? '2026-11-22T10:00:11.420Z' : null,
  }
}
