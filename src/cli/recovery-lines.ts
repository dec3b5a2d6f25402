// What a recovery's plan and report look like as `data:` lines.

import { formatBytes, formatCount, formatMs } from '../contract/amounts.ts'
import type { OperationView, RecoveryPlanView, RecoveryReportView } from '../contract/api.ts'
import { pairLines } from './columns.ts'

/** The prompt of the original, character for character. */
export function confirmRecovery(primary: string, secondary: string): string {
  return (
    `Warning: this action will use the capacity from the mobile service '${secondary}' and delete it. ` +
    `Do you want to recover the mobile service '${primary}'? (y/n): `
  )
}

/** What would happen, before it does. */
export function planLines(plan: RecoveryPlanView): string[] {
  const { database } = plan
  return pairLines([
    ['From', plan.fromRegion],
    ['To', plan.toRegion],
    ['Database', databaseText(plan)],
    ['Also moves the data of', database.alsoMoves.length > 0 ? servicesText(database.alsoMoves) : null],
    ...(database.restore?.notes ?? []).map((note): [string, string] => ['Note', note]),
    ['Predicted time', formatMs(plan.predictedSeconds * 1_000)],
    ['Predicted loss', plan.lossSentence],
    ['Capacity', plan.capacitySentence],
  ])
}

function databaseText({ database, toRegion }: RecoveryPlanView): string {
  const { action, server, restore } = database
  if (action === 'keep') return `${server} is kept`
  if (action === 'promote') return `${server} is promoted in ${toRegion}`
  const from = restore ? `, as it was at ${restore.restoresTo}; ${formatBytes(restore.bytes)} are fetched` : ''
  return `${server} is restored from its backups in ${toRegion}${from}`
}

/** What would be done, in order; for `--dry-run`. */
export function stepLines(plan: RecoveryPlanView): string[] {
  return plan.steps.map((step, index) => `Step ${index + 1}  ${step.sentence}`)
}

/** What was done, and what it cost. */
export function reportLines(report: RecoveryReportView): string[] {
  return [
    ...pairLines([
      ['Database', report.databaseSentence],
      ['Took', formatMs(report.totalMs)],
      ...report.steps.map((step): [string, string] => [`  ${step.sentence}`, formatMs(step.ms)]),
      ['Measured loss', report.lossSentence],
      ['Rows found', formatCount(report.rows)],
      ['Gateways that learn it later', report.lateGateways.length > 0 ? report.lateGateways.join(', ') : null],
    ]),
    report.protectionSentence,
  ]
}

/** Which of the original's two labels fits what the operation is doing. */
export function recoveryLabel(operation: OperationView): 'Performing recovery' | 'Cleaning up' {
  const cleanup = operation.steps.find((step) => step.name === 'cleanup')
  const isCleaning = cleanup !== undefined && cleanup.state !== 'waiting'
  return isCleaning || operation.state === 'succeeded' ? 'Cleaning up' : 'Performing recovery'
}

function servicesText(names: string[]): string {
  const shown = names.slice(0, 5).join(', ')
  const count = `${names.length} ${names.length === 1 ? 'service' : 'services'}`
  return names.length > 5 ? `${count}: ${shown}, …` : `${count}: ${shown}`
}
