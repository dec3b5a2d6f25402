// Which certificate a gateway shows to whom: a domain's own, as control says, or that of its files.
import { createSecureContext, type SecureContext } from 'node:tls'
import type { CertificateAssignment, DomainAssignment } from '../contract/assignment.ts'
import type { Log } from '../kit/log.ts'

/** PEM. */
export type CertificatePair = { cert: string; key: string }

export const TLS_VERSION_MIN = 'TLSv1.2'

export class ShownCertificates {
  readonly #log: Log
  #byDomain = new Map<string, CertificateAssignment>()
  /** By thumbprint; each is made when it is first asked for, and kept for as long as it is shown. */
  readonly #contexts = new Map<string, SecureContext>()

  constructor(log: Log) {
    this.#log = log
  }

  /** The certificates that are shown, each for its domain. */
  get all(): Map<string, CertificateAssignment> {
    return this.#byDomain
  }

  /** Takes the complete lists. Connections that are open stay as they are. */
  follow(domains: DomainAssignment[], certificates: CertificateAssignment[]): void {
    const known = new Map(certificates.map((one) => [one.thumbprint, one]))
    this.#byDomain = new Map(
      domains.flatMap(({ name, certificate }) => {
        const found = certificate === null ? undefined : known.get(certificate)
        return found ? [[name, found] as const] : []
      }),
    )
    for (const thumbprint of this.#contexts.keys()) if (!known.has(thumbprint)) this.#contexts.delete(thumbprint)
  }

  /** What is shown to whoever asks for that name; null: the gateway's own. */
  contextFor(name: string): SecureContext | null {
    const found = this.#byDomain.get(name.toLowerCase())
    if (!found) return null
    const known = this.#contexts.get(found.thumbprint)
    if (known) return known
    try {
      const made = contextOf({ cert: found.chain, key: found.key })
      this.#contexts.set(found.thumbprint, made)
      return made
    } catch (error) {
      // Control has checked it; a release with other rules may have.
      this.#log.error({ domain: name, thumbprint: found.thumbprint, err: error }, 'a certificate cannot be used')
      return null
    }
  }
}

/** Faults as Node does for what is no pair. */
export function contextOf(pair: CertificatePair): SecureContext {
  return createSecureContext({ ...pair, minVersion: TLS_VERSION_MIN })
}
