// What a client of the original asks of a log: an OData filter that it makes itself, of two words at most.
import { LOG_TYPES, type LogQuery, type LogType } from '../contract/service-log.ts'
import { Fault } from '../kit/fault.ts'
import { SERVICE_LOG_TOP_MAX } from '../kit/limits.ts'

const TOP_USUAL = 10
const CLAUSE = /^(type|source)\s+eq\s+'((?:[^']|'')*)'(?:\s+and\s+|$)/i
const TOKEN = /^[0-9]{16}$/

/** The lines that are wanted. Faults with `http.bad_request` for what it does not know. */
export function logQueryOf(query: Record<string, string | undefined>): LogQuery {
  const { $filter: filter, $top: top, continuationToken: before } = query
  if (before !== undefined && before !== '' && !TOKEN.test(before)) {
    throw bad(`'${before}' is no continuation token`, 'Send back the one of the page before.')
  }
  return { ...filterOf(filter), top: topOf(top), ...(before ? { before } : {}) }
}

function filterOf(text = ''): Pick<LogQuery, 'type' | 'source'> {
  const wanted: { type?: LogType; source?: string } = {}
  let rest = text.trim()
  while (rest !== '') {
    const [clause, field, quoted = ''] = CLAUSE.exec(rest) ?? []
    if (clause === undefined || field === undefined) {
      throw bad(`the filter '${rest}' is not known`, "Use Type eq 'error' and Source eq '/table/TodoItem.insert.js'.")
    }
    const value = quoted.replaceAll("''", "'")
    if (field.toLowerCase() === 'type') wanted.type = typeOf(value)
    else wanted.source = value
    rest = rest.slice(clause.length)
  }
  return wanted
}

function typeOf(value: string): LogType {
  const found = LOG_TYPES.find((type) => type === value.toLowerCase())
  if (found) return found
  throw bad(`'${value}' is no type of lines`, `Use one of ${LOG_TYPES.join(', ')}.`)
}

function topOf(text: string | undefined): number {
  if (text === undefined || text === '') return TOP_USUAL
  const top = Number(text)
  if (Number.isInteger(top) && top > 0) return Math.min(top, SERVICE_LOG_TOP_MAX)
  throw bad(`'${text}' is no number of lines`, `Use a whole number from 1 to ${SERVICE_LOG_TOP_MAX}.`)
}

function bad(message: string, hint: string): Fault {
  return new Fault('http.bad_request', 400, message, { hint })
}
