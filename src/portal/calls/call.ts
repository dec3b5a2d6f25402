// One call of the management API, as the portal makes it: same origin, with the session's cookie.
import type { FaultView } from '../../contract/api.ts'
import { PORTAL_HEADER } from '../../contract/portal-page.ts'

/** What control refused, with its code, message and hint; or that it could not be reached. */
export class CallFault extends Error {
  readonly status: number
  readonly code: string
  readonly hint: string | undefined

  constructor(status: number, fault: FaultView) {
    super(fault.message)
    this.status = status
    this.code = fault.code
    this.hint = fault.hint
  }
}

export type Call = {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  signal?: AbortSignal
  /** Asked again with the same key, control begins an operation once. */
  key?: string
}

/** The answer's body; undefined where there is none. Throws a CallFault. */
export async function call<T>(path: string, { method = 'GET', query, body, signal, key }: Call = {}): Promise<T> {
  const response = await reach(path + queryText(query), {
    method,
    credentials: 'same-origin',
    headers: headersOf({ method, hasBody: body !== undefined, key }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  })
  const text = await response.text()
  const answer: unknown = text === '' ? undefined : parse(text)
  if (response.ok) return answer as T
  throw new CallFault(response.status, isFault(answer) ? answer : strangeFault(response.status))
}

/** `/services/:service` and `{ service: 'A' }` → `/services/A`. */
export function pathOf(route: string, names: Record<string, string> = {}): string {
  return route.replace(/:(\w+)/g, (_whole, name: string) => encodeURIComponent(names[name] ?? ''))
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new CallFault(0, {
      code: 'control.silent',
      message: 'Control does not answer.',
      hint: 'The apps go on without it. Is it running, and is this machine connected?',
    })
  }
}

function headersOf({ method, hasBody, key }: { method: string; hasBody: boolean; key: string | undefined }) {
  return {
    accept: 'application/json',
    // A page elsewhere cannot send it without being allowed to: that is what tells our requests from forged ones.
    ...(method === 'GET' ? {} : { [PORTAL_HEADER]: '1', 'idempotency-key': key ?? crypto.randomUUID() }),
    ...(hasBody ? { 'content-type': 'application/json' } : {}),
  }
}

function queryText(query: Call['query']): string {
  const entries = Object.entries(query ?? {}).filter(([, value]) => value !== undefined)
  if (entries.length === 0) return ''
  return `?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString()}`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function isFault(answer: unknown): answer is FaultView {
  if (typeof answer !== 'object' || answer === null) return false
  return 'message' in answer && typeof answer.message === 'string' && 'code' in answer
}

function strangeFault(status: number): FaultView {
  return { code: 'control.strange_answer', message: `Control answered ${status} without saying why.` }
}
