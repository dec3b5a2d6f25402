// When a certificate is to be renewed: at a third before its end, and again until it worked.
import { X509Certificate } from 'node:crypto'
import { pause } from './clock.ts'
import { RENEW_LOOK_MS_MAX, RENEW_LOOK_MS_MIN } from './limits.ts'

/** The times of a certificate, in milliseconds of the wall clock. */
export type CertificateLife = { fromMs: number; untilMs: number }

/** What is due: nothing yet, a new certificate, or too late for one. `lookAgainMs` is when to ask this again. */
export type Renewal = { kind: 'fresh' | 'due' | 'over'; lookAgainMs: number }

/** Reads the times of a certificate in PEM. */
export function lifeOf(certificate: string): CertificateLife {
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  return { fromMs: validFromDate.getTime(), untilMs: validToDate.getTime() }
}

/** What is due at `nowMs`. */
export function renewalOf(life: CertificateLife, nowMs: number): Renewal {
  const leftMs = life.untilMs - nowMs
  if (leftMs <= 0) return { kind: 'over', lookAgainMs: RENEW_LOOK_MS_MAX }
  const dueInMs = leftMs - (life.untilMs - life.fromMs) / 3
  // Many tries fit into what is left, also when that is seconds; a clock that was set is noticed within a minute.
  const lookAgainMs = Math.max(
    RENEW_LOOK_MS_MIN,
    Math.min(RENEW_LOOK_MS_MAX, (dueInMs > 0 ? dueInMs : leftMs / 10) + 1),
  )
  return { kind: dueInMs > 0 ? 'fresh' : 'due', lookAgainMs: Math.round(lookAgainMs) }
}

/** Renews a certificate whenever it is due, until aborted. A failure goes to `onError`, and it is tried again. */
export async function keepRenewed(options: {
  certificate: () => string
  renew: () => Promise<void>
  /** Its end has come: nothing that we show is accepted any more. */
  onOver: () => void
  onError: (error: unknown) => void
  signal: AbortSignal
}): Promise<void> {
  while (!options.signal.aborted) {
    const { kind } = renewalOf(lifeOf(options.certificate()), Date.now())
    if (kind === 'over') options.onOver()
    else if (kind === 'due') await options.renew().catch(options.onError)
    const { lookAgainMs } = renewalOf(lifeOf(options.certificate()), Date.now())
    await pause(lookAgainMs, options.signal)
  }
}
