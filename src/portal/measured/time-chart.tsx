// Lines over time, by uPlot. Fetched by who looks at one: import `TimeChart` from `chart.tsx`.
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatAmount, type Unit } from '../../contract/amounts.ts'
import { formatMoment } from '../kit/amounts.ts'
import { type Columns, saidOf } from './columns.ts'

const HEIGHT = 170
const AXIS_WIDTH = 76
/** A day and more is told by days, less by the clock. */
const DAY_SECONDS = 86_400
const LINES = { light: ['#14609f', '#b3541e'], dark: ['#79aedc', '#e59a63'] }
const WORDS = { light: '#566070', dark: '#a4afbd' }
const GRID = { light: '#e6eaef', dark: '#2a3038' }

type Props = { title: string; columns: Columns; unit: Unit }

export function Lines({ title, columns, unit }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<UPlot | null>(null)
  const scheme = useComputedColorScheme()
  const labels = columns.lines.map(({ label }) => label).join('\n')
  useEffect(() => {
    const div = place.current
    if (div === null) return
    const axis = { stroke: WORDS[scheme], grid: { stroke: GRID[scheme], width: 1 }, ticks: { stroke: GRID[scheme] } }
    const text = (value: number | null) => (value === null ? '–' : formatAmount(unit, value))
    const plot = new UPlot(
      {
        ...{ width: div.clientWidth, height: HEIGHT, legend: { live: true } },
        cursor: { drag: { x: false, y: false } },
        scales: { y: { range: (_plot, _min, max) => [0, Math.max(max, 1)] } },
        axes: [
          { ...axis, values: (_plot, moments) => moments.map((one) => tickText(one, moments)) },
          { ...axis, size: AXIS_WIDTH, values: (_plot, values) => values.map(text) },
        ],
        series: [
          { label: 'at', value: (_plot, at) => (at === null ? '–' : momentText(at)) },
          ...labels.split('\n').map((label, index) => ({
            ...{ label, stroke: LINES[scheme][index] ?? WORDS[scheme], width: 2, points: { show: false } },
            value: (_plot: UPlot, value: number | null) => text(value),
          })),
        ],
      },
      [[]],
      div,
    )
    chart.current = plot
    const watch = new ResizeObserver(() => plot.setSize({ width: div.clientWidth, height: HEIGHT }))
    watch.observe(div)
    return () => {
      watch.disconnect()
      plot.destroy()
      chart.current = null
    }
  }, [scheme, unit, labels])
  // biome-ignore lint/correctness/useExhaustiveDependencies: with another scheme the chart is made anew, and is empty.
  useEffect(() => {
    chart.current?.setData([columns.at, ...columns.lines.map(({ values }) => values)])
  }, [columns, scheme, unit, labels])
  return <div ref={place} role="img" aria-label={`${title}. ${saidOf(columns, unit)}`} />
}

function momentText(seconds: number): string {
  return formatMoment(new Date(seconds * 1_000).toISOString())
}

function tickText(seconds: number, all: number[]): string {
  const text = momentText(seconds)
  const spread = (all.at(-1) ?? 0) - (all[0] ?? 0)
  return spread >= DAY_SECONDS ? text.slice('2026-'.length, '2026-11-27'.length) : text.slice(-'18:04:11'.length, -3)
}
