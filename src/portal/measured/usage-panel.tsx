// What apps asked of a service: requests and errors, latency, data out, devices, over an hour to 90 days.
import { SimpleGrid, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { formatBytes, formatCount, formatMs, type Unit } from '../../contract/amounts.ts'
import type { UsageView } from '../../contract/api.ts'
import type { Span } from '../../contract/span.ts'
import { usageQuery } from '../calls/queries.ts'
import { Loaded } from '../kit/loaded.tsx'
import { Pairs } from '../kit/pairs.tsx'
import { Panel } from '../kit/panel.tsx'
import { TimeChart } from './chart.tsx'
import { usageColumns } from './columns.ts'
import { SpanSelect } from './span-select.tsx'

type Chart = { title: string; unit: Unit; lines: Parameters<typeof usageColumns>[1] }

const CHARTS: Chart[] = [
  {
    title: 'Requests',
    unit: 'count',
    lines: [
      { label: 'requests', of: ({ requests }) => requests },
      { label: 'errors', of: ({ errors }) => errors },
    ],
  },
  {
    title: 'Latency',
    unit: 'ms',
    lines: [
      { label: 'median', of: ({ medianMs }) => medianMs },
      { label: 'p99', of: ({ p99Ms }) => p99Ms },
    ],
  },
  { title: 'Data out', unit: 'bytes', lines: [{ label: 'data out', of: ({ bytesOut }) => bytesOut }] },
  { title: 'Active devices', unit: 'count', lines: [{ label: 'devices', of: ({ devices }) => devices }] },
]

export function UsagePanel({ service }: { service: string }) {
  const [over, setOver] = useState<Span>('1h')
  const usage = useQuery(usageQuery(service, over))
  return (
    <Panel
      title="Usage"
      about="As the gateways counted it; what is under way comes within half a minute."
      actions={<SpanSelect over={over} onChange={setOver} />}
    >
      <Loaded query={usage} what="the usage">
        {(data) => (
          <Stack gap="md">
            <Pairs pairs={totals(data.total)} />
            <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
              {CHARTS.map(({ title, unit, lines }) => (
                <div key={title}>
                  <Text size="sm" fw={600}>
                    {title}
                  </Text>
                  <TimeChart title={title} unit={unit} columns={usageColumns(data, lines)} />
                </div>
              ))}
            </SimpleGrid>
          </Stack>
        )}
      </Loaded>
    </Panel>
  )
}

function totals({ requests, errors, medianMs, p99Ms, bytesOut, devices }: UsageView['total']): [string, string][] {
  const latency = medianMs === null || p99Ms === null ? '–' : `${formatMs(medianMs)} (p99 ${formatMs(p99Ms)})`
  return [
    ['Requests', formatCount(requests)],
    ['Errors', formatCount(errors)],
    ['Latency', latency],
    ['Data out', formatBytes(bytesOut)],
    ['Active devices', formatCount(devices)],
  ]
}
