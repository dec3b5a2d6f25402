import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AwayHosts } from './away-hosts.ts'

test('a host that was not reached is not asked again at once; others are', async () => {
  const hosts = new AwayHosts()
  let asked = 0
  const fails = async () => {
    asked += 1
    throw new Error('away')
  }
  await assert.rejects(hosts.guarded('a', fails), /^Error: away/)
  await assert.rejects(hosts.guarded('a', fails), {
    code: 'egress.failed',
    message: /a could not be reached a moment ago/,
  })
  assert.equal(asked, 1)
  assert.equal(await hosts.guarded('b', async () => 'well'), 'well')
})
