// The answer of a call whose script left the end of it to the runtime: what the script would have made of it.
import { messageOf } from '../kit/fault.ts'
import type { AskOutcome, LeftBody, ScriptAnswer, TableAsk } from './messages.ts'

/** Of an item as JSON, in characters. As in script-side.ts, which can import nothing. */
export const LEFT_LENGTH_MAX = 1_000_000

/** `body`: what the script left of it; `what`: the operation, which adds the id and the system properties asked for. */
export function answerOfLeft(outcome: AskOutcome, body: LeftBody, what: TableAsk): ScriptAnswer {
  if (outcome.kind === 'failed' || outcome.kind === 'conflict') return { kind: 'execute_failed' }
  if (outcome.kind !== 'row' || body === null) return { kind: 'default', body: null }
  // It comes from a sandbox: anything may be in it.
  try {
    const item: unknown = body === true && 'item' in what ? what.item : itemIn(body)
    if (typeof item !== 'object' || item === null || Array.isArray(item)) throw new TypeError('it left no item')
    return { kind: 'default', body: JSON.stringify(Object.assign(item, outcome.row)) }
  } catch (error) {
    return { kind: 'failed', message: messageOf(error) }
  }
}

function itemIn(body: unknown): unknown {
  if (typeof body !== 'string') throw new TypeError('it left no text')
  if (body.length > LEFT_LENGTH_MAX) throw new RangeError('it left too much')
  return JSON.parse(body)
}
