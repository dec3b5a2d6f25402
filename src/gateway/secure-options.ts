// What the options and the environment of a gateway say about HTTPS, and about proxies in front of it.
import type { Environment } from '../kit/environment.ts'
import { Fault } from '../kit/fault.ts'
import { type Networks, networksOf } from '../kit/networks.ts'
import { parsePort } from '../kit/role-options.ts'
import type { CertificatePlaces } from './certificate-files.ts'

export const SECURE_OPTIONS = {
  'tls-port': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'tls-public-port': { type: 'string' },
  'trust-proxy': { type: 'string', multiple: true },
} as const

export const SECURE_USAGE = [
  '--tls-port NUMBER   port for apps by HTTPS (MAINSTAY_TLS_PORT; default: none)',
  '--tls-cert FILE     certificate for names that have none of their own, PEM (MAINSTAY_TLS_CERT)',
  '--tls-key FILE      its private key, PEM (MAINSTAY_TLS_KEY); both are read again when they change',
  '--tls-public-port NUMBER  under which apps reach that port, when that differs (MAINSTAY_TLS_PUBLIC_PORT)',
  '--trust-proxy NETWORK     a proxy in front, as 10.1.0.0/16, whose X-Forwarded-Proto is believed; may be repeated',
  '                    (MAINSTAY_TRUST_PROXY)',
]

/** `publicPort`: null: the same as `port`, which may be any free one. */
export type SecureOptions = { port: number; publicPort: number | null; files: CertificatePlaces | null }

type Values = { [Name in Exclude<keyof typeof SECURE_OPTIONS, 'trust-proxy'>]?: string | undefined } & {
  'trust-proxy'?: string[] | undefined
}
type Surroundings = Pick<Environment, 'tlsPort' | 'tlsCert' | 'tlsKey' | 'tlsPublicPort' | 'trustProxy'>

/** Null: no HTTPS. Faults with `options.*`. */
export function readSecureOptions(values: Values, env: Surroundings): SecureOptions | null {
  const port = values['tls-port'] ?? env.tlsPort
  const [cert, key] = [values['tls-cert'] ?? env.tlsCert, values['tls-key'] ?? env.tlsKey]
  const publicPort = values['tls-public-port'] ?? env.tlsPublicPort
  if ((cert === null) !== (key === null)) {
    throw new Fault('options.missing', 400, '--tls-cert and --tls-key belong together', {
      hint: 'Give both: --tls-cert FILE --tls-key FILE',
    })
  }
  if (port === null) {
    if (cert === null && publicPort === null) return null
    throw new Fault('options.missing', 400, 'a certificate for HTTPS needs a port for it', {
      hint: 'Add it: --tls-port 8443',
    })
  }
  return {
    port: parsePort('--tls-port', port, { isAnyAllowed: true }),
    publicPort: publicPort === null ? null : parsePort('--tls-public-port', publicPort, { isAnyAllowed: false }),
    files: cert === null || key === null ? null : { cert, key },
  }
}

/** Faults with `options.bad_network`. */
export function readProxies(values: Values, env: Surroundings): { isAny: boolean; networks: Networks } {
  const texts = [...(values['trust-proxy'] ?? []).flatMap((text) => text.split(',')), ...env.trustProxy]
  return { isAny: texts.length > 0, networks: networksOf(texts) }
}
