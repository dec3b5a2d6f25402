// What was measured, as columns for a chart: a moment, and what each line is at it.
import { formatAmount, type Unit } from '../../contract/amounts.ts'
import type { MeasuresView, UsageView } from '../../contract/api.ts'

/** `values`: one for each moment; null where nothing is known. */
export type Line = { label: string; values: (number | null)[] }

/** `at`: seconds since 1970, growing, as far apart as the points of the span. */
export type Columns = { at: number[]; lines: Line[] }

type UsagePoint = UsageView['points'][number]

const seconds = (instant: string) => Math.round(Date.parse(instant) / 1_000)

/** One chart of a service's usage: a line for each of what is asked for. */
export function usageColumns(
  { points }: Pick<UsageView, 'points'>,
  lines: { label: string; of: (point: UsagePoint) => number | null }[],
): Columns {
  return {
    at: points.map(({ at }) => seconds(at)),
    lines: lines.map(({ label, of }) => ({ label, values: points.map(of) })),
  }
}

/** Mean and highest of one measure over the whole span; where nothing was measured the lines have a gap. */
export function measureColumns(
  { from, to, pointSeconds }: Pick<MeasuresView, 'from' | 'to' | 'pointSeconds'>,
  { points }: Pick<MeasuresView['series'][number], 'points'>,
): Columns {
  const known = new Map(points.map((point) => [seconds(point.at), point]))
  const begin = seconds(from)
  const count = Math.max(1, Math.ceil((seconds(to) - begin) / pointSeconds))
  const at = Array.from({ length: count }, (_, index) => begin + index * pointSeconds)
  return {
    at,
    lines: [
      { label: 'mean', values: at.map((moment) => known.get(moment)?.mean ?? null) },
      { label: 'highest', values: at.map((moment) => known.get(moment)?.high ?? null) },
    ],
  }
}

/** What a chart shows, for who does not see it. */
export function saidOf({ lines }: Columns, unit: Unit): string {
  const said = lines.map(({ label, values }) => {
    const known = values.filter((value) => value !== null)
    const last = known.at(-1)
    if (last === undefined) return `${label}: nothing is known`
    return `${label}: ${formatAmount(unit, last)} last, ${formatAmount(unit, Math.max(...known))} at most`
  })
  return said.join('; ')
}
