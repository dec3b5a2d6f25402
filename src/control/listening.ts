// Where control listens, from its options: its door for machines, and the management API for people.
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Lives } from '../accounts/accounts.ts'
import { environment } from '../kit/environment.ts'
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
import type { Portal } from './http-session.ts'

export const LISTENING_OPTIONS = {
  address: { type: 'string', default: '127.0.0.1' },
  advertise: { type: 'string' },
  'machine-port': { type: 'string', default: '8082' },
  'api-address': { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '8081' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'insecure-http': { type: 'boolean', default: false },
  'portal-url': { type: 'string' },
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
  '--portal-url URL         where people find the portal, when that differs: https://control.example.com (MAINSTAY_PORTAL_URL)',
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
  'portal-url'?: string | undefined
  'certificate-life'?: string | undefined
  'join-token-life'?: string | undefined
}

export type ControlListening = {
  door: Listening & { port: number }
  api: { address: string; port: number; tls: TlsFiles | null }
  /** Where people find the portal; null: where the API is. */
  portalUrl: string | null
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
  const portalUrl = parsePortalUrl(values['portal-url'] ?? environment().portalUrl)
  return {
    door,
    api,
    portalUrl,
    controlUrl: `https://${urlHost(door.advertise)}:${door.port}`,
    lives: readLives(values),
  }
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

/** How people reach the portal, once it is known where the API listens. */
export function portalOf({ api, portalUrl }: ControlListening, port: number): Portal {
  const url = portalUrl ?? apiUrlOf(api, port)
  const names = [new URL(url).hostname, ...(api.tls ? namesIn(api.tls.cert) : [])]
  return { url, isSecure: api.tls !== null || url.startsWith('https:'), names }
}

/** What the URLs of services begin with. Faults with `options.bad_url`. */
export function parseGatewayUrl(text: string): string {
  return parseOrigin(text, 'the URL of a gateway', '--gateway-url https://apps.example.com')
}

function parsePortalUrl(text: string | null): string | null {
  const example = '--portal-url https://control.example.com'
  return text === null ? null : parseOrigin(text, 'a URL that people could open', example)
}

function parseOrigin(text: string, what: string, example: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.hostname !== '') return url.origin
  throw new Fault('options.bad_url', 400, `'${text}' is not ${what}`, { hint: `Write it without a path: ${example}` })
}

// What a certificate in PEM is good for; one for all of a domain is `*.example.com`.
function namesIn(certificate: string): string[] {
  const names = new X509Certificate(certificate).subjectAltName?.split(', ') ?? []
  return names.filter((name) => name.startsWith('DNS:')).map((name) => name.slice('DNS:'.length).toLowerCase())
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
