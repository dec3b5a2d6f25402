// Where control answers the original's tools, from its options: an HTTPS port of its own, under a certificate that is
// given or that control's own authority makes.
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { Fault, messageOf } from '../kit/fault.ts'
import type { TlsFiles } from '../kit/http-server.ts'
import { hostInUrl, isLoopback, parseHost, parsePort } from '../kit/role-options.ts'

export const MANAGEMENT_OPTIONS = {
  'management-port': { type: 'string' },
  'management-address': { type: 'string' },
  'management-url': { type: 'string' },
  'management-cert': { type: 'string' },
  'management-key': { type: 'string' },
  'management-http': { type: 'boolean', default: false },
} as const

/** Unless told otherwise; when another program has it, nobody is refused for that. */
export const MANAGEMENT_PORT = 8443

export const MANAGEMENT_USAGE = [
  `--management-port NUMBER where the original's tools are answered, by HTTPS (default ${MANAGEMENT_PORT}; none: nowhere; MAINSTAY_MANAGEMENT_PORT)`,
  '--management-address HOST  the address of that port (default: that of the management API)',
  '--management-url URL     what such tools are told to call, when that differs: https://control.example.com:8443',
  '--management-cert, --management-key  files of its certificate (with its chain) and key, PEM (default: self-made)',
  '--management-http        in clear, for tests on this machine: tools can show no certificate then, only tokens',
]

type Values = {
  'management-port'?: string | undefined
  'management-address'?: string | undefined
  'management-url'?: string | undefined
  'management-cert'?: string | undefined
  'management-key'?: string | undefined
  'management-http': boolean
}

/** `given`: a certificate from files; `made`: one of control's own; `none`: in clear. */
export type ManagementTls = { kind: 'given'; files: TlsFiles } | { kind: 'made' } | { kind: 'none' }

export type ManagementListening = {
  address: string
  port: number
  /** Somebody chose the port: that it is taken is then a fault. */
  isPortChosen: boolean
  tls: ManagementTls
  /** Null: by the port's address. */
  url: string | null
}

/** Reads the options; null: the tools are answered nowhere. Faults with an `options.` code. */
export async function readManagementListening(
  values: Values,
  { port, apiAddress }: { port: string | null; apiAddress: string },
): Promise<ManagementListening | null> {
  const chosen = values['management-port'] ?? port
  if (chosen === 'none') return null
  const address = parseHost('--management-address', values['management-address'] ?? apiAddress)
  const tls = await readTls(values)
  if (tls.kind === 'none' && !isLoopback(address)) {
    throw new Fault('options.insecure', 400, `--management-http would serve tools in clear on ${address}`, {
      hint: 'Leave it out: they are answered by HTTPS then. In clear they are answered on loopback only.',
    })
  }
  return {
    ...{ address, tls, url: parseUrl(values['management-url']) },
    port: chosen === null ? MANAGEMENT_PORT : parsePort('--management-port', chosen, { isAnyAllowed: true }),
    isPortChosen: chosen !== null,
  }
}

/** What tools are told to call, once the port is known; without a slash at its end. */
export function managementUrlOf(listening: ManagementListening, port: number): string {
  if (listening.url !== null) return listening.url
  const isEvery = listening.address === '0.0.0.0' || listening.address === '::'
  const host = isEvery ? hostname() : listening.address
  return `${listening.tls.kind === 'none' ? 'http' : 'https'}://${hostInUrl(host)}:${port}`
}

/** The names that a self-made certificate is for. */
export function namesOf({ address, url }: ManagementListening): string[] {
  const named = url === null ? [] : [new URL(url).hostname.replace(/^\[|\]$/g, '')]
  return [...new Set(['localhost', '127.0.0.1', '::1', hostname(), address, ...named])]
}

async function readTls(values: Values): Promise<ManagementTls> {
  const [certFile, keyFile] = [values['management-cert'], values['management-key']]
  if (certFile === undefined && keyFile === undefined) return { kind: values['management-http'] ? 'none' : 'made' }
  if (certFile === undefined || keyFile === undefined) {
    throw new Fault('options.missing', 400, '--management-cert and --management-key belong together', {
      hint: 'Give both, or neither: then a certificate is made.',
    })
  }
  const read = async (option: string, path: string) => {
    const text = await readFile(path, 'utf8').catch(messageOf)
    if (text.includes('-----BEGIN ')) return text
    throw new Fault('options.bad_file', 400, `${option}: cannot use ${path}`, { hint: 'Give a file in PEM.' })
  }
  const [cert, key] = [await read('--management-cert', certFile), await read('--management-key', keyFile)]
  return { kind: 'given', files: { cert, key } }
}

function parseUrl(text: string | undefined): string | null {
  if (text === undefined) return null
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.hostname !== '') return url.origin
  throw new Fault('options.bad_url', 400, `'${text}' is not a URL that tools could call`, {
    hint: 'Write it without a path: --management-url https://control.example.com:8443',
  })
}
