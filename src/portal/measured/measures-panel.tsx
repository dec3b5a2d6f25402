// How a server or a machine stood over time.
import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { MeasuresView } from '../../contract/api.ts'
import { MEASURE_TITLES, type Measure } from '../../contract/measure.ts'
import type { Span } from '../../contract/span.ts'
import { measuresQuery } from '../calls/queries.ts'
import { Loaded } from '../kit/loaded.tsx'
import { Panel } from '../kit/panel.tsx'
import { TimeChart } from './chart.tsx'
import { measureColumns } from './columns.ts'
import { SpanSelect } from './span-select.tsx'

type Props = { of: { server: string } | { machine: string }; title: string; only?: Measure[] }

/** `only`: of all that is measured. */
export function MeasuresPanel({ of, title, only }: Props) {
  const [over, setOver] = useState<Span>('1h')
  const measures = useQuery(measuresQuery(of, over))
  return (
    <Panel title={title} actions={<SpanSelect over={over} onChange={setOver} />}>
      <Loaded query={measures} what="what was measured">
        {(data) => <Charts view={data} only={only} />}
      </Loaded>
    </Panel>
  )
}

function Charts({ view, only }: { view: MeasuresView; only: Measure[] | undefined }) {
  const shown = view.series.filter(({ measure }) => only?.includes(measure) ?? true)
  if (shown.length === 0) return <Text size="sm">Nothing was measured in that time.</Text>
  return (
    <Stack gap="md">
      {shown.map((series) => (
        <div key={series.measure}>
          <Text size="sm" fw={600}>
            {MEASURE_TITLES[series.measure]}
          </Text>
          <TimeChart title={MEASURE_TITLES[series.measure]} unit={series.unit} columns={measureColumns(view, series)} />
        </div>
      ))}
    </Stack>
  )
}
