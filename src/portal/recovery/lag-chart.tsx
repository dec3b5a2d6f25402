// How far the standby was behind, for as long as this page is open. Control keeps no history of it.
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatMs } from '../../contract/amounts.ts'
import { formatMoment } from '../kit/amounts.ts'
import type { LagSample } from './lag-samples.ts'

const HEIGHT = 150
/** A chart of a second tells nothing. */
const WINDOW_SECONDS_MIN = 60
const LINE = { light: '#14609f', dark: '#79aedc' }
const WORDS = { light: '#566070', dark: '#a4afbd' }
const GRID = { light: '#e6eaef', dark: '#2a3038' }

export function LagChart({ samples }: { samples: readonly LagSample[] }) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<UPlot | null>(null)
  const scheme = useComputedColorScheme()
  useEffect(() => {
    const div = place.current
    if (div === null) return
    const axis = { stroke: WORDS[scheme], grid: { stroke: GRID[scheme], width: 1 }, ticks: { stroke: GRID[scheme] } }
    const plot = new UPlot(
      {
        ...{ width: div.clientWidth, height: HEIGHT, legend: { show: false }, cursor: { show: false } },
        scales: {
          x: { range: (_plot, min, max) => [Math.min(min, max - WINDOW_SECONDS_MIN), max] },
          y: { range: (_plot, _min, max) => [0, Math.max(max, 1)] },
        },
        axes: [
          { ...axis, values: (_plot, seconds) => seconds.map(clockText) },
          { ...axis, size: 70, values: (_plot, seconds) => seconds.map((one) => formatMs(one * 1_000)) },
        ],
        series: [{}, { stroke: LINE[scheme], width: 2, points: { show: false } }],
      },
      [[], []],
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
  }, [scheme])
  // biome-ignore lint/correctness/useExhaustiveDependencies: with another scheme the chart is made anew, and is empty.
  useEffect(() => {
    chart.current?.setData([samples.map(({ atMs }) => atMs / 1_000), samples.map(({ lagMs }) => toSeconds(lagMs))])
  }, [samples, scheme])
  return <div ref={place} role="img" aria-label={saidOf(samples)} />
}

function clockText(seconds: number): string {
  return formatMoment(new Date(seconds * 1_000).toISOString()).slice(-'18:04:11'.length)
}

function toSeconds(lagMs: number | null): number | null {
  return lagMs === null ? null : lagMs / 1_000
}

function saidOf(samples: readonly LagSample[]): string {
  const lags = samples.map(({ lagMs }) => lagMs).filter((lagMs) => lagMs !== null)
  const last = lags.at(-1)
  if (last === undefined) return 'No lag was measured yet.'
  return `The standby is ${formatMs(last)} behind; ${formatMs(Math.max(...lags))} at most since this page was opened.`
}
