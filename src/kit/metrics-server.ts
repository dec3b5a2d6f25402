// Where a role answers `/metrics` by itself: a plain listener beside its real ones, off unless asked for.
import { createServer, type Server } from 'node:http'
import { listenOn } from './door.ts'
import { Fault } from './fault.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { isLoopback, parseHost, parsePort } from './role-options.ts'

export const METRICS_OPTIONS = {
  'metrics-address': { type: 'string' },
  'insecure-metrics': { type: 'boolean', default: false },
} as const

export const METRICS_USAGE = [
  '--metrics-address HOST:PORT  answer GET /metrics there, in clear and without a token (MAINSTAY_METRICS_ADDRESS;',
  '                         default: nowhere). Beyond loopback it needs --insecure-metrics',
]

export type MetricsAddress = { address: string; port: number }

/**
 * Reads `--metrics-address`, or what the environment says; null without either. Faults with `options.bad_address`,
 * `options.bad_port`, or `options.insecure` where others could read it.
 */
export function parseMetricsAddress(
  values: { 'metrics-address'?: string | undefined; 'insecure-metrics': boolean },
  fromEnvironment: string | null,
): MetricsAddress | null {
  const text = values['metrics-address'] ?? fromEnvironment
  if (text === null) return null
  const [, host = '', port = ''] = text.match(/^(.*):([^:\]]*)$/) ?? []
  if (host === '') {
    throw new Fault('options.bad_address', 400, `--metrics-address takes an address and a port, not '${text}'`, {
      hint: 'Write it with both: --metrics-address 127.0.0.1:9464',
    })
  }
  const address = parseHost('--metrics-address', host.replace(/^\[(.*)\]$/, '$1'))
  const place = { address, port: parsePort('--metrics-address', port, { isAnyAllowed: true }) }
  if (isLoopback(address) || values['insecure-metrics']) return place
  throw new Fault('options.insecure', 400, `the metrics would be readable by everybody who reaches ${address}`, {
    hint: 'Listen on 127.0.0.1, or accept it with --insecure-metrics in a network that is yours alone.',
  })
}

/** Listens, and says where; null when nothing was asked for. The caller closes it. */
export async function serveMetrics(
  metrics: Metrics,
  place: MetricsAddress | null,
  log: Log,
): Promise<{ close: () => void } | null> {
  if (!place) return null
  const server = buildServer(metrics, log)
  const port = await listenOn(server, place)
  log.info({ address: place.address, port }, 'metrics are served')
  return {
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function buildServer(metrics: Metrics, log: Log): Server {
  return createServer((request, response) => {
    const isAsked = request.method === 'GET' && request.url?.split('?')[0] === '/metrics'
    if (!isAsked) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('GET /metrics\n')
      return
    }
    metrics.read().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      (error: unknown) => {
        log.error({ err: error }, 'the metrics cannot be read')
        response.writeHead(500).end()
      },
    )
  })
}
