// The answer of a call whose script left the end of it to the runtime: what the script would have made of it.
import { messageOf } from '../kit/fault.ts'
import type { AskOutcome, ScriptAnswer } from './messages.ts'

/** As in script-side.ts. */
const LEFT_LENGTH_MAX = 1_000_000

/** `body`: the item as JSON before its operation, which adds the id and the system properties that were asked for. */
export function answerOfLeft(outcome: AskOutcome, body: string | null): ScriptAnswer {
  if (outcome.kind === 'failed' || outcome.kind === 'conflict') return { kind: 'execute_failed' }
  if (outcome.kind !== 'row' || body === null) return { kind: 'default', body: null }
  // It comes from a sandbox: anything may be in it.
  try {
    if (typeof body !== 'string') throw new TypeError('it left no text')
    if (body.length > LEFT_LENGTH_MAX) throw new RangeError('it left too much')
    const item: unknown = JSON.parse(body)
    if (typeof item !== 'object' || item === null || Array.isArray(item)) throw new TypeError('it left no item')
    return { kind: 'default', body: JSON.stringify(Object.assign(item, outcome.row)) }
  } catch (error) {
    return { kind: 'failed', message: messageOf(error) }
  }
}
