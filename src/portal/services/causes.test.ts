import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { causeText, troubleText } from './causes.ts'

test('has words for every cause that the docs know', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/watching.md'), 'utf8')
  const causes = [...docs.matchAll(/^\| `(\w+)` \|/gm)].map(([, cause = '']) => cause)
  assert.ok(causes.length > 10)
  assert.deepEqual(
    causes.filter((cause) => causeText(cause) === cause.replaceAll('_', ' ')),
    [],
  )
})

test('the message of control goes first, and an unknown code is still readable', () => {
  assert.equal(troubleText({ cause: 'runtime_down', message: 'west-us-1 says so' }), 'west-us-1 says so')
  assert.equal(troubleText({ cause: 'moon_fell', message: null }), 'moon fell')
  assert.equal(troubleText({ cause: null, message: null }), null)
})
