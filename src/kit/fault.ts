// The one error that we throw on purpose.

/** What a Fault may carry besides its message. `hint` is the next thing to do; `cause` stays private to logs. */
export type FaultExtras = { hint?: string; cause?: unknown }

/**
 * An expected failure: what is so (message), what to do next (hint), and a stable dotted code that clients match.
 * `status` is the HTTP status it is answered with. Anything else that is thrown is a bug.
 */
export class Fault extends Error {
  readonly code: string
  readonly status: number
  readonly hint: string | undefined

  constructor(code: string, status: number, message: string, extras: FaultExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause })
    this.name = 'Fault'
    this.code = code
    this.status = status
    this.hint = extras.hint
  }
}

/** The shape in which a fault crosses a process border. */
export type FaultBody = { code: string; message: string; hint?: string }

/** Renders a fault for the wire; never includes the cause. */
export function faultBody(fault: Fault): FaultBody {
  return fault.hint === undefined
    ? { code: fault.code, message: fault.message }
    : { code: fault.code, message: fault.message, hint: fault.hint }
}

/** Reads a fault back from an answer of another process; anything else becomes a generic one with the given status. */
export function faultFromBody(body: unknown, status: number): Fault {
  if (typeof body === 'object' && body !== null && 'code' in body && 'message' in body) {
    const { code, message } = body
    const hint = 'hint' in body && typeof body.hint === 'string' ? { hint: body.hint } : {}
    if (typeof code === 'string' && typeof message === 'string') return new Fault(code, status, message, hint)
  }
  return new Fault('remote.failed', status, `the other side answered ${status}`)
}

/** The texts of what was thrown and of what led to it, the outermost first, for who has to find out why. */
export function reasonsOf(thrown: unknown): string {
  const reasons: string[] = []
  for (let one = thrown; one !== undefined && reasons.length < REASONS_MAX; one = causeOf(one)) {
    const text = messageOf(one)
    if (!reasons.includes(text)) reasons.push(text)
  }
  return reasons.join(': ')
}

const REASONS_MAX = 5

function causeOf(thrown: unknown): unknown {
  return thrown instanceof Error ? (thrown.cause ?? undefined) : undefined
}

/** The text of anything thrown, for a log line or a `problem` field. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  // An AggregateError of refused connections has an empty message; its code says more.
  if (thrown.message === '' && 'code' in thrown) return String(thrown.code)
  return thrown.message
}
