// One request and what its answer must be, contain and lack.
import assert from 'node:assert/strict'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import type { TestAnswer, TestCall } from './runtime-process.ts'

export type Expectation = {
  status: number
  contains?: string[]
  lacks?: string[]
  equals?: string
  /** An empty text: the header must not be there. */
  answerHeaders?: Record<string, string | RegExp>
}
export type Scenario = TestCall & Expectation & { is: string }

export const APP = { 'x-zumo-application': 'app-key' }
export const MASTER = { 'x-zumo-master': 'master-key' }

/** Headers as a gateway sends them. */
export function routed(to: RuntimeService, headers: Record<string, string> = {}): Record<string, string> {
  return { 'x-mainstay-service': to.name, 'x-mainstay-epoch': String(to.epoch), ...headers }
}

/** Fails when the answer is not what was expected. */
export function check(expected: Expectation, answer: TestAnswer): void {
  assert.equal(answer.status, expected.status, answer.body)
  for (const text of expected.contains ?? []) assert.ok(answer.body.includes(text), `${answer.body} lacks ${text}`)
  for (const text of expected.lacks ?? []) assert.ok(!answer.body.includes(text), `${answer.body} has ${text}`)
  if (expected.equals !== undefined) assert.equal(answer.body, expected.equals)
  for (const [name, value] of Object.entries(expected.answerHeaders ?? {})) {
    const given = answer.headers[name] ?? ''
    if (value instanceof RegExp) assert.match(given, value)
    else assert.equal(given, value, name)
  }
}

/** The body of a refusal. */
export function errorBody(status: number, text: string): string {
  return JSON.stringify({ code: status, error: `Error: ${text}` })
}
