// The demo, as a newcomer runs it.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { TestCloud } from '../support/cloud.ts'

describe('the demo', () => {
  let cloud: TestCloud
  before(async () => {
    cloud = await TestCloud.prepare()
  })
  after(async () => await cloud.dispose())

  test('plays a disaster and its recovery without losing a row, and says so', async () => {
    const result = await cloud.typed(['demo', '--json'])
    assert.equal(result.code, 0, result.stdout + result.stderr)
    const told = JSON.parse(result.stdout) as { acked: number; lost: number; downMs: number; tookMs: number }
    assert.ok(told.acked > 100)
    assert.equal(told.lost, 0)
    assert.ok(told.downMs > 0)
    assert.match(result.stderr, /Recovery complete/)
    assert.match(result.stderr, /acked [\d,]+ · lost 0 · down/)
  })
})
