// Tests of how long a runtime has been up, as the original's clients show it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uptimeText } from './diagnostics.ts'

test('seconds become days, hours, minutes and seconds of two digits', () => {
  const cases: [number, string][] = [
    [0, '00.00:00:00'],
    [59.9, '00.00:00:59'],
    [3_661, '00.01:01:01'],
    [86_399, '00.23:59:59'],
    [86_400 * 123 + 1, '123.00:00:01'],
  ]
  for (const [seconds, text] of cases) assert.equal(uptimeText(seconds), text)
})
