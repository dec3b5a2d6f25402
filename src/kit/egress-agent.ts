// HTTP to where an operator says, within limits: each address is judged after its name was resolved, as it is dialled.
import { lookup as resolve } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent } from 'undici'
import { egressTo } from './egress.ts'
import { Fault } from './fault.ts'
import { networksOf } from './networks.ts'

const KEEP_ALIVE_MS = 4_000

export type EgressPolicy = {
  /** Why an address may not be dialled; null when it may. */
  refusalOf: (address: string) => string | null
}

/**
 * The policy with exceptions: networks (`10.1.0.0/16`, `fd00::/8`) that may be dialled although they are private.
 * Faults with `options.bad_network`.
 */
export function egressPolicy(allowed: string[]): EgressPolicy {
  const exceptions = networksOf(allowed)
  return {
    refusalOf(address) {
      if (exceptions.has(address)) return null
      const verdict = egressTo(address)
      return verdict.isAllowed ? null : verdict.reason
    },
  }
}

/** A client that dials only what the policy allows. Redirects are not followed. Refusals fault with `egress.refused`. */
export function egressAgent(policy: EgressPolicy, options: { connectMs: number }): Agent {
  // Whatever a server asks for: connections to whom nobody talks are not kept.
  const connect = { lookup: egressLookup(policy), timeout: options.connectMs, autoSelectFamily: true }
  return new Agent({ connect, keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: KEEP_ALIVE_MS })
}

/** Resolves names for a connection to what the policy allows only. Refusals fault with `egress.refused`. */
export function egressLookup(policy: EgressPolicy): LookupFunction {
  return (hostname, { family, all }, done) => {
    resolve(hostname, { all: true, family: family === 4 || family === 6 ? family : 0 }, (error, found) => {
      if (error) return done(error, [])
      const allowed = found.filter(({ address }) => policy.refusalOf(address) === null)
      const [first] = found
      const [usable] = allowed
      if (usable) return all ? done(null, allowed) : done(null, usable.address, usable.family)
      done(refused(hostname, first ? policy.refusalOf(first.address) : 'it has no address'), [])
    })
  }
}

/** Faults with `egress.refused` for a URL whose host is an address that may not be dialled: no name is resolved then. */
export function requireAllowedHost(policy: EgressPolicy, url: URL): void {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const reason = isIP(host) === 0 ? null : policy.refusalOf(host)
  if (reason !== null) throw refused(host, reason)
}

function refused(host: string, reason: string | null): Fault {
  return new Fault('egress.refused', 400, `${host} may not be reached from here: ${reason}`, {
    hint: 'Where it is yours: --egress-allow NETWORK where control or a host is started, or MAINSTAY_EGRESS_ALLOW.',
  })
}
