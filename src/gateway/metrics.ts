// What a gateway says of itself to Prometheus.
import type { Route } from '../contract/assignment.ts'
import type { ProbeFacts } from '../contract/facts.ts'
import { METRIC_SERVICES_MAX } from '../kit/limits.ts'
import type { Measure, Sample } from '../kit/metrics.ts'
import type { RequestCount } from '../kit/request-counts.ts'
import { REFUSALS, type Refusal } from './traffic.ts'

export type GatewayNumbers = {
  requests: RequestCount[]
  refusals: Record<Refusal, number>
  inFlight: number
  version: number
  highestEpoch: number
  routes: Route[]
  probes: ProbeFacts[]
  busy: number
  /** The certificates that it shows: for which name (`*`: its own), and until when, milliseconds since 1970. */
  certificates: { domain: string; untilMs: number }[]
  /** The files of its own certificate are broken as they lie there; null: it has none. */
  isCertificateBroken: boolean | null
}

/** Of the time from a request's head to the end of its answer; an app gives up somewhere in the upper ones. */
export const REQUEST_DURATIONS = {
  name: 'mainstay_gateway_request_duration_seconds',
  help: 'Time from the head of a request to the end of its answer.',
  buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
}

export const GATEWAY_MEASURES: Measure<GatewayNumbers>[] = [
  {
    kind: 'counter',
    name: 'mainstay_gateway_requests_total',
    help: 'Requests of apps, by service and class of status.',
    labels: ['service', 'status'],
    of: ({ requests }) => requests.map(({ service, status, count }) => ({ value: count, labels: { service, status } })),
  },
  {
    kind: 'counter',
    name: 'mainstay_gateway_refusals_total',
    help: 'Requests that the gateway answered with 503 by itself, or broke off, by reason.',
    labels: ['reason'],
    of: ({ refusals }) => REFUSALS.map((reason) => ({ value: refusals[reason], labels: { reason } })),
  },
  {
    kind: 'gauge',
    name: 'mainstay_gateway_requests_in_flight',
    help: 'Requests of apps under way.',
    of: ({ inFlight }) => inFlight,
  },
  {
    kind: 'gauge',
    name: 'mainstay_gateway_route_version',
    help: 'Version of the routes in use; behind mainstay_desired_version: it has not heard of a change.',
    of: ({ version }) => version,
  },
  {
    kind: 'gauge',
    name: 'mainstay_gateway_routes',
    help: 'Routes, and how many of them are closed.',
    labels: ['state'],
    of: ({ routes }) => {
      const closed = routes.filter((route) => route.closed).length
      return [
        { value: routes.length - closed, labels: { state: 'open' } },
        { value: closed, labels: { state: 'closed' } },
      ]
    },
  },
  {
    kind: 'gauge',
    name: 'mainstay_gateway_route_epoch',
    help: 'Epoch that requests of a service are sent under.',
    labels: ['service'],
    of: ({ routes }) =>
      routes.slice(0, METRIC_SERVICES_MAX).map(({ service, epoch }) => ({ value: epoch, labels: { service } })),
  },
  {
    kind: 'gauge',
    name: 'mainstay_gateway_highest_epoch',
    help: 'Highest epoch that this machine ever saw.',
    of: ({ highestEpoch }) => highestEpoch,
  },
  {
    kind: 'gauge',
    name: 'mainstay_gateway_busy_ratio',
    help: "Share of the last seconds that the gateway's process was busy; overloaded from 0.95 on.",
    of: ({ busy }) => busy,
  },
  {
    kind: 'gauge',
    name: 'mainstay_gateway_certificate_expiry_timestamp_seconds',
    help: 'When a certificate that is shown to apps ends, by domain; * is the one of the files.',
    labels: ['domain'],
    of: ({ certificates }) =>
      certificates.map(({ domain, untilMs }) => ({ value: untilMs / 1_000, labels: { domain } })),
  },
  {
    kind: 'gauge',
    name: 'mainstay_gateway_certificate_files_broken',
    help: '1 while the files of the own certificate cannot be used as they lie there: the one of before is shown.',
    of: ({ isCertificateBroken }) => (isCertificateBroken === null ? null : Number(isCertificateBroken)),
  },
  {
    kind: 'gauge',
    name: 'mainstay_gateway_probe_silence_seconds',
    help: 'Time since a host, or the worst of its runtimes, last answered a probe.',
    labels: ['machine', 'target'],
    of: ({ probes }) => worstSilences(probes),
  },
]

// One value for all runtimes of a machine: a reserved service has one of its own, and there may be many.
function worstSilences(probes: ProbeFacts[]): Sample[] {
  const worst = new Map<string, Sample>()
  for (const { machine, runtime, silentMs } of probes) {
    const target = runtime === null ? 'host' : 'runtime'
    const key = `${machine} ${target}`
    const value = Math.max(worst.get(key)?.value ?? 0, silentMs / 1_000)
    worst.set(key, { value, labels: { machine, target } })
  }
  return [...worst.values()]
}
