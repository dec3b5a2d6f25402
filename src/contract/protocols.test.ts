import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  isSpoken,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_MIN,
  PROTOCOL_VERSION_UNNAMED,
  versionProblem,
  versionToSpeak,
} from './protocols.ts'

const ROWS: [what: string, version: number, problem: 'too_old' | 'too_new' | null][] = [
  ['its own version', PROTOCOL_VERSION, null],
  ['the version before', PROTOCOL_VERSION - 1, null],
  ['the one before that', PROTOCOL_VERSION - 2, 'too_old'],
  ['the next version', PROTOCOL_VERSION + 1, 'too_new'],
  ['no version', Number.NaN, 'too_old'],
  ['half a version', 1.5, 'too_old'],
]
for (const [what, version, problem] of ROWS) {
  test(`${problem === null ? 'speaks' : 'does not speak'} ${what}`, () => {
    assert.equal(versionProblem(version), problem)
    assert.equal(isSpoken(version), problem === null)
  })
}

test('serves the version before its own, and writes to each machine what that one can read', () => {
  assert.equal(PROTOCOL_VERSION_MIN, PROTOCOL_VERSION - 1)
  assert.equal(versionToSpeak(PROTOCOL_VERSION_UNNAMED), PROTOCOL_VERSION_UNNAMED)
  assert.equal(versionToSpeak(PROTOCOL_VERSION + 1), PROTOCOL_VERSION)
})
