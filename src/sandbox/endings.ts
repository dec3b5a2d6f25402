// Why a sandbox ended. Pure: what its process left behind comes in.

export type EndCause =
  | { kind: 'blocked' }
  | { kind: 'memory'; detail: string }
  /** A script ended it: an exception that nobody caught, or process.exit(). */
  | { kind: 'script'; detail: string; source: string | null }
  | { kind: 'died'; detail: string }
  | { kind: 'broken_channel'; detail: string }
  /** `isLate`: it might have, with more time. */
  | { kind: 'not_started'; detail: string; isLate?: boolean }
  /** We ended it: idle, replaced, or our own end. */
  | { kind: 'stopped' }

const OUT_OF_MEMORY = /out of memory|heap limit|Allocation failed|bad_alloc/i

/** The cause that an exit tells by itself. */
export function endOf(exit: { code: number | null; signal: string | null; wasReady: boolean; tail: string }): EndCause {
  const how = exit.signal ? `signal ${exit.signal}` : `exit code ${exit.code ?? 0}`
  const [line = ''] = exit.tail.trim().split('\n').slice(-1)
  if (!exit.wasReady) return { kind: 'not_started', detail: line === '' ? how : `${how}: ${line}` }
  const exhausted = exit.tail.split('\n').find((one) => OUT_OF_MEMORY.test(one))
  if (exhausted !== undefined) return { kind: 'memory', detail: exhausted.replace(/^#?\s*/, '').trim() }
  return { kind: 'died', detail: how }
}

/** What an app is told of a request that was lost with its sandbox. */
export function refusalText(cause: EndCause): string {
  switch (cause.kind) {
    case 'blocked':
      return 'A script of this service blocked it and was ended.'
    case 'memory':
      return 'The scripts of this service used more memory than they may and were ended.'
    case 'script':
    case 'died':
    case 'broken_channel':
      return 'The scripts of this service were ended by one of them.'
    case 'not_started':
      return 'The scripts of this service could not be started.'
    case 'stopped':
      return 'The scripts of this service are being replaced.'
  }
}

/** The same for the log, with what only its owner should know. */
export function logText(cause: EndCause): string {
  switch (cause.kind) {
    case 'blocked':
      return 'One of your scripts caused the service to become unresponsive and was ended.'
    case 'memory':
      return `Your scripts used more memory than they may and were ended (${cause.detail}).`
    case 'script':
      return `A script ended all scripts of the service that were running: ${cause.detail}`
    case 'died':
      return `The process of your scripts ended (${cause.detail}).`
    case 'broken_channel':
      return `The process of your scripts was ended, since it sent ${cause.detail}.`
    case 'not_started':
      return `The process of your scripts could not be started: ${cause.detail}.`
    case 'stopped':
      return 'The process of your scripts was stopped.'
  }
}
