// What is worth keeping of the newest facts, as numbers.
import type { GatewayFacts, HostFacts } from '../contract/facts.ts'
import type { Measure } from '../contract/measure.ts'
import type { MeasureOf, Sample } from '../history/measures.ts'
import { HEARTBEAT_SILENT_MS } from '../kit/limits.ts'

type Heard<T> = { facts: T; silentMs: number }

/** The numbers of this moment. What a silent host said last is not how its servers stand now. Pure. */
export function samplesOf(hosts: Heard<HostFacts>[], gateways: Heard<GatewayFacts>[]): Sample[] {
  return [
    ...hosts.flatMap(({ facts, silentMs }) => [
      ...numbers({ kind: 'machine', subject: facts.machine }, { silent_ms: silentMs }),
      ...(silentMs < HEARTBEAT_SILENT_MS ? serverSamples(facts) : []),
    ]),
    ...gateways.flatMap(({ facts, silentMs }) => {
      const busy = silentMs < HEARTBEAT_SILENT_MS ? facts.load?.busy : undefined
      return numbers({ kind: 'machine', subject: facts.machine }, { silent_ms: silentMs, busy_ratio: busy })
    }),
  ]
}

function serverSamples({ servers }: HostFacts): Sample[] {
  return servers
    .filter(({ role, state }) => role === 'primary' && state === 'running')
    .flatMap(({ name, standby, dataBytes, disk }) =>
      numbers(
        { kind: 'server', subject: name },
        {
          standby_lag_ms: standby?.lagMs,
          standby_lag_bytes: standby?.lagBytes,
          data_bytes: dataBytes,
          disk_free_bytes: disk?.freeBytes,
        },
      ),
    )
}

function numbers(
  of: Omit<MeasureOf, 'measure'>,
  values: Partial<Record<Measure, number | null | undefined>>,
): Sample[] {
  return Object.entries(values).flatMap(([measure, value]) =>
    typeof value === 'number' ? [{ ...of, measure: measure as Measure, value }] : [],
  )
}
