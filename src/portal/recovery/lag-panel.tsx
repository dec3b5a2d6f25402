// The lag of the standby, drawn while somebody looks.
import { Text } from '@mantine/core'
import { lazy, Suspense, useEffect, useState } from 'react'
import type { ServerView } from '../../contract/api.ts'
import { Border } from '../kit/border.tsx'
import { Panel } from '../kit/panel.tsx'
import { type LagSample, lagOf, withSample } from './lag-samples.ts'

// The chart is a library of its own: it is fetched by who looks at a recovery.
const LagChart = lazy(async () => ({ default: (await import('./lag-chart.tsx')).LagChart }))

/** `readAtMs`: when the server was read; a new one is a new sample. */
export function LagPanel({ server, readAtMs }: { server: ServerView; readAtMs: number }) {
  const [samples, setSamples] = useState<readonly LagSample[]>([])
  const lagMs = lagOf(server)
  useEffect(() => {
    setSamples((before) => withSample(before, { atMs: readAtMs, lagMs }))
  }, [readAtMs, lagMs])
  return (
    <Panel title="Lag of the standby" about="Since this page was opened.">
      <Border what="The chart">
        <Suspense fallback={<Text size="sm">Fetching the chart…</Text>}>
          <LagChart samples={samples} />
        </Suspense>
      </Border>
    </Panel>
  )
}
