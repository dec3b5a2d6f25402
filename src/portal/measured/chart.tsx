// A chart that is fetched when somebody looks: its library is not part of the first load.
import { Text } from '@mantine/core'
import { type ComponentProps, lazy, Suspense } from 'react'
import { Border } from '../kit/border.tsx'

const Lines = lazy(async () => ({ default: (await import('./time-chart.tsx')).Lines }))

export function TimeChart(props: ComponentProps<typeof Lines>) {
  return (
    <Border what="The chart">
      <Suspense fallback={<Text size="sm">Fetching the chart…</Text>}>
        <Lines {...props} />
      </Suspense>
    </Border>
  )
}
