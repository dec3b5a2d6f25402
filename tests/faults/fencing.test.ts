// A sample of the fencing campaign (docs/campaigns.md): nothing is acknowledged under the old epoch after a promotion.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { TestCloud } from '../support/cloud.ts'
import { type FencingRun, nameOf, runFencing } from '../support/fencing.ts'

describe('after a promotion nothing is acknowledged under the old epoch', () => {
  let cloud: TestCloud
  // In turn: while one region dies, the other's new server gets its standby.
  const regions = ['West US', 'East US']
  const runs: Pick<FencingRun, 'cut' | 'trouble' | 'stopMs'>[] = [
    { cut: 'network', trouble: 'host and guard stopped', stopMs: 9_000 },
    { cut: 'network', trouble: 'PostgreSQL stopped', stopMs: 7_000 },
    { cut: 'inbound', trouble: 'control killed', stopMs: 0 },
    { cut: 'network', trouble: 'all stopped', stopMs: 9_000 },
    { cut: 'outbound', trouble: 'guard killed', stopMs: 0 },
  ]

  before(async () => {
    cloud = await TestCloud.start()
  })
  after(async () => await cloud.dispose())

  for (const [number, run] of runs.entries()) {
    test(nameOf({ ...run, clockSeconds: 0 }), async () => {
      const region = regions[number % regions.length] ?? ''
      const ledger = await runFencing(cloud, { ...run, clockSeconds: 0, region, number })
      assert.ok(ledger.promotedAt !== null && ledger.old.length > 5)
    })
  }
})
