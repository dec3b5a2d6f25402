// Where control listens, from its options: its door for machines, and the management API for people.
import { readFile } from 'node:fs/promises'
import type { Lives } from '../accounts/accounts.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import type { TlsFiles } from '../kit/http-server.ts'
import {
  CERTIFICATE_MS,
  CERTIFICATE_MS_MAX,
  CERTIFICATE_MS_MIN,
  JOIN_TOKEN_MS,
  JOIN_TOKEN_MS_MAX,
  JOIN_TOKEN_MS_MIN,
} from '../kit/limits.ts'
import {
  hostInUrl,
  isLoopback,
  type Listening,
  parseHost,
  parseListening,
  parsePort,
  parseTime,
} from '../kit/role-options.ts'

export const LISTENING_OPTIONS = {
  address: { type: 'string', default: '127.0.0.1' },
  advertise: { type: 'string' },
  'machine-port': { type: 'string', default: '8082' },
  'api-address': { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '8081' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'insecure-http': { type: 'boolean', default: false },
  'certificate-life': { type: 'string' },
  'join-token-life': { type: 'string' },
} as const

export const LISTENING_USAGE = [
  '--address HOST           address of its door, for hosts and gateways (default 127.0.0.1)',
  '--advertise HOST         where they reach it, when that differs from --address',
  '--machine-port NUMBER    port of its door (default 8082)',
  '--api-address HOST       address of the management API (default 127.0.0.1); beyond loopback it needs one of:',
  '--tls-cert, --tls-key    files of a certificate (with its chain) and its key, PEM: the API is served over https',
  '--insecure-http          serve the API in clear although others can listen in: tokens, keys and data with it',
  '--port NUMBER            port of the management API (default 8081)',
  '--certificate-life TIME  how long certificates of machines are good: 90s, 1h, 30d (default 30d)',
  '--join-token-life TIME   how long join tokens are good (default 1h)',
]

type Values = {
  address: string
  advertise?: string | undefined
  'machine-port': string
  'api-address': string
  port: string
  'tls-cert'?: string | undefined
  'tls-key'?: string | undefined
  'insecure-http': boolean
  'certificate-life'?: string | undefined
  'join-token-life'?: string | undefined
}

export type ControlListening = {
  door: Listening & { port: number }
  api: { address: string; port: number; tls: TlsFiles | null }
  /** Where other machines find the door. */
  controlUrl: string
  lives: Lives
}

/** Reads the options. Faults with an `options.` code for what makes no sense, `options.insecure` for what is not safe. */
export async function readListening(values: Values): Promise<ControlListening> {
  const door = {
    ...parseListening(values),
    port: parsePort('--machine-port', values['machine-port'], { isAnyAllowed: false }),
  }
  const api = {
    address: parseHost('--api-address', values['api-address']),
    port: parsePort('--port', values.port, { isAnyAllowed: true }),
    tls: await readTls(values),
  }
  requireSafe(api, { isInsecureAccepted: values['insecure-http'] })
  return { door, api, controlUrl: `https://${urlHost(door.advertise)}:${door.port}`, lives: readLives(values) }
}

/** What to type for the management API. */
export function apiUrlOf(api: ControlListening['api'], port: number): string {
  return `${api.tls ? 'https' : 'http'}://${hostInUrl(api.address)}:${port}`
}

/** Faults with `options.insecure` when tokens would cross a network in clear. */
export function requireSafe(
  api: { address: string; tls: TlsFiles | null },
  options: { isInsecureAccepted: boolean },
): void {
  if (api.tls || isLoopback(api.address) || options.isInsecureAccepted) return
  throw new Fault(
    'options.insecure',
    400,
    `the management API would be served in clear on ${api.address}, with tokens, keys and data`,
    {
      hint: 'Add --tls-cert FILE --tls-key FILE, or leave --api-address out and work on this machine or through ssh; --insecure-http accepts it.',
    },
  )
}

/** What the URLs of services begin with. Faults with `options.bad_url`. */
export function parseGatewayUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.hostname !== '') return url.origin
  throw new Fault('options.bad_url', 400, `'${text}' is not the URL of a gateway`, {
    hint: 'Write it without a path: --gateway-url https://apps.example.com',
  })
}

async function readTls(values: Values): Promise<TlsFiles | null> {
  const certFile = values['tls-cert']
  const keyFile = values['tls-key']
  if (certFile === undefined && keyFile === undefined) return null
  if (certFile === undefined || keyFile === undefined) {
    throw new Fault('options.missing', 400, '--tls-cert and --tls-key belong together', {
      hint: 'Give both: --tls-cert FILE --tls-key FILE',
    })
  }
  return { cert: await readPem('--tls-cert', certFile), key: await readPem('--tls-key', keyFile) }
}

async function readPem(option: string, path: string): Promise<string> {
  const bad = (reason: string) =>
    new Fault('options.bad_file', 400, `${option}: cannot use ${path}: ${reason}`, { hint: 'Give a file in PEM.' })
  const text = await readFile(path, 'utf8').catch((error) => {
    throw bad(messageOf(error))
  })
  if (!text.includes('-----BEGIN ')) throw bad('it is not PEM')
  return text
}

function readLives(values: Values): Lives {
  const certificate = { minMs: CERTIFICATE_MS_MIN, maxMs: CERTIFICATE_MS_MAX }
  const token = { minMs: JOIN_TOKEN_MS_MIN, maxMs: JOIN_TOKEN_MS_MAX }
  const certificateLife = values['certificate-life']
  const tokenLife = values['join-token-life']
  return {
    certificateMs:
      certificateLife === undefined ? CERTIFICATE_MS : parseTime('--certificate-life', certificateLife, certificate),
    joinTokenMs: tokenLife === undefined ? JOIN_TOKEN_MS : parseTime('--join-token-life', tokenLife, token),
  }
}

// Machines dial addresses, not names that browsers know.
function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
