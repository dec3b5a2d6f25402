// What the options of a role say: ports, addresses, lengths of time. Nonsense is a fault with a hint, and exit code 2.
import { isIP } from 'node:net'
import { Fault } from './fault.ts'

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
// A DNS name, or what stands for this machine in /etc/hosts.
const HOST_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i
const HOST_NAME_LENGTH_MAX = 253

/** A port from an option; 0 where any free one will do. Faults with `options.bad_port`. */
export function parsePort(option: string, text: string, limits: { isAnyAllowed: boolean }): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port <= 65_535 && port >= (limits.isAnyAllowed ? 0 : 1)) return port
  throw new Fault('options.bad_port', 400, `${option} takes a port, not '${text}'`, {
    hint: `Give a number from 1 to 65535${limits.isAnyAllowed ? ', or 0 for any free port' : ''}.`,
  })
}

/** An IP address or host name from an option. Faults with `options.bad_address`. */
export function parseHost(option: string, text: string): string {
  if (isIP(text) !== 0 || (HOST_NAME.test(text) && text.length <= HOST_NAME_LENGTH_MAX && !/^[\d.]+$/.test(text))) {
    return text
  }
  throw new Fault('options.bad_address', 400, `${option} takes an address or a host name, not '${text}'`, {
    hint: `Write it without a port: ${option} 10.0.0.1`,
  })
}

/** Where to listen, and what others are told. */
export type Listening = { address: string; advertise: string }

/**
 * Reads `--address` and `--advertise`. An address that means "all of them" cannot be told to others: then the second is
 * needed. Faults with `options.bad_address` or `options.missing`.
 */
export function parseListening(values: { address: string; advertise?: string | undefined }): Listening {
  const address = parseHost('--address', values.address)
  if (values.advertise !== undefined) {
    const advertise = parseHost('--advertise', values.advertise)
    if (!isEveryAddress(advertise)) return { address, advertise }
    throw new Fault('options.bad_address', 400, `nobody can reach this machine at ${advertise}`, {
      hint: 'Give the address at which the other machines reach this one: --advertise 10.0.0.1',
    })
  }
  if (!isEveryAddress(address)) return { address, advertise: address }
  throw new Fault('options.missing', 400, `--address ${address} does not say where others reach this machine`, {
    hint: 'Add it: --advertise 10.0.0.1',
  })
}

/** A length of time such as `90s`, `15m`, `1h`, `30d`, in milliseconds. Faults with `options.bad_time`. */
export function parseTime(option: string, text: string, limits: { minMs: number; maxMs: number }): number {
  const [, count = '', unit = ''] = text.match(/^(\d{1,6})([smhd])$/) ?? []
  const ms = Number(count) * (UNITS[unit] ?? 0)
  if (count !== '' && ms >= limits.minMs && ms <= limits.maxMs) return ms
  throw new Fault('options.bad_time', 400, `${option} takes a length of time, not '${text}'`, {
    hint: `Write it as 90s, 15m, 1h or 30d; from ${limits.minMs / 1_000}s to ${limits.maxMs / 86_400_000}d.`,
  })
}

/** A name of a region or failure domain. Faults with `options.bad_name`. */
export function parseName(option: string, text: string): string {
  const name = text.trim()
  if (/[a-z0-9]/i.test(name) && name.length <= 60) return name
  throw new Fault('options.bad_name', 400, `${option} takes a name, not '${text}'`, {
    hint: 'A name has letters or digits, at most 60 characters: "West US"',
  })
}

/** True for addresses that no other machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** A host as a part of a URL: IPv6 in brackets, loopback by the name that browsers know. */
export function hostInUrl(host: string): string {
  if (host === '127.0.0.1') return 'localhost'
  return isIP(host) === 6 ? `[${host}]` : host
}

function isEveryAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
