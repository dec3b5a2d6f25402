// `mobile usage`, `sql server measures`, `machine measures`: what was measured over the last hours and days.
import type { Command } from 'commander'
import { formatAmount, formatBytes, formatCount, formatMs } from '../contract/amounts.ts'
import type { MeasuresView, UsageView } from '../contract/api.ts'
import { MEASURE_TITLES } from '../contract/measure.ts'
import { SPANS, type Span } from '../contract/span.ts'
import { Fault } from '../kit/fault.ts'
import { needService } from './asking.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Flags = CommonFlags & { over: string }
type Counts = UsageView['total']

const SPAN_OPTION = ['--over <span>', `how far back: ${SPANS.join(', ')}`, '1d'] as const
/** Adds `mobile usage`. */
export function addMobileUsage(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'usage [service]',
    about: 'show what apps asked of a mobile service over time: requests, errors, latency, data out, devices',
    examples: ['mainstay mobile usage PrimaryService --over 7d', 'mainstay mobile usage PrimaryService --json'],
  })
    .option(...SPAN_OPTION)
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile usage', flags }, async (session) => {
        const over = readSpan(flags.over)
        const name = await needService(session, given, 'mainstay mobile usage SERVICE')
        const view = await (await session.client()).getUsage(name, over)
        return { json: view, lines: usageLines(view) }
      })
    })
}

/** Adds `sql server measures`. */
export function addServerMeasures(server: Command, shell: Shell): void {
  addCommand(server, {
    usage: 'measures <server>',
    about: 'show how a SQL server stood over time: how far its standby was behind, its size, its disk',
    examples: ['mainstay sql server measures sql-west-us --over 6h'],
  })
    .option(...SPAN_OPTION)
    .action(async (name: string, flags: Flags) => {
      await runCommand(shell, { name: 'sql server measures', flags }, async (session) => {
        const view = await (await session.client()).getServerMeasures(name, readSpan(flags.over))
        return { json: view, lines: measureLines(view) }
      })
    })
}

/** Adds `machine measures`. */
export function addMachineMeasures(machine: Command, shell: Shell): void {
  addCommand(machine, {
    usage: 'measures <machine>',
    about: 'show how a machine stood over time: how long control did not hear it, how busy a gateway was',
    examples: ['mainstay machine measures west-us --over 1h'],
  })
    .option(...SPAN_OPTION)
    .action(async (name: string, flags: Flags) => {
      await runCommand(shell, { name: 'machine measures', flags }, async (session) => {
        const view = await (await session.client()).getMachineMeasures(name, readSpan(flags.over))
        return { json: view, lines: measureLines(view) }
      })
    })
}

function readSpan(text: string): Span {
  const found = SPANS.find((span) => span === text)
  if (found !== undefined) return found
  throw new Fault('usage.bad_option', 400, `'${text}' is no span of time`, { hint: `--over ${SPANS.join(', ')}` })
}

/** All together, and a row for each point in which there was a request. */
export function usageLines({ total, points, over }: UsageView): string[] {
  const all = pairLines([
    ['Over', over],
    ['Requests', formatCount(total.requests)],
    ['Errors', formatCount(total.errors)],
    ['Latency', total.medianMs === null ? null : `${latencyText(total.medianMs)} (p99 ${latencyText(total.p99Ms)})`],
    ['Data out', formatBytes(total.bytesOut)],
    ['Devices', formatCount(total.devices)],
  ])
  const rows = points.filter(({ requests }) => requests > 0).map((point) => [point.at, ...countCells(point)])
  if (rows.length === 0) return all
  return [...all, ...tableLines(['From', 'Requests', 'Errors', 'Median', 'p99', 'Data out', 'Devices'], rows)]
}

/** A table for each measure. */
export function measureLines({ series }: MeasuresView): string[] {
  if (series.length === 0) return ['Nothing was measured in that time.']
  return series.flatMap(({ measure, unit, points }) => {
    const rows = points.map(({ at, mean, low, high }) => [
      at,
      ...[mean, low, high].map((one) => formatAmount(unit, one)),
    ])
    return tableLines([MEASURE_TITLES[measure], 'Mean', 'Lowest', 'Highest'], rows)
  })
}

function countCells({ requests, errors, medianMs, p99Ms, bytesOut, devices }: Counts): string[] {
  return [
    ...[formatCount(requests), formatCount(errors), latencyText(medianMs), latencyText(p99Ms)],
    ...[formatBytes(bytesOut), formatCount(devices)],
  ]
}

function latencyText(ms: number | null): string {
  return ms === null ? '' : formatMs(ms)
}
