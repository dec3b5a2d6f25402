// A sample of the fencing campaign (docs/campaigns.md): nothing is acknowledged under the old epoch after a promotion.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { TestCloud } from '../support/cloud.ts'
import { type FencingRun, runFencing } from '../support/fencing.ts'

describe('after a promotion nothing is acknowledged under the old epoch', () => {
  let cloud: TestCloud
  // Always the same region: it gets a new, protected server each time, while what was promoted elsewhere gets none.
  const region = 'West US'
  const runs: Pick<FencingRun, 'trouble' | 'stopMs'>[] = [
    { trouble: 'cut, host and guard stopped', stopMs: 9_000 },
    { trouble: 'cut, PostgreSQL stopped', stopMs: 7_000 },
    { trouble: 'cut, control killed', stopMs: 0 },
    { trouble: 'all stopped', stopMs: 9_000 },
    { trouble: 'cut, guard killed', stopMs: 0 },
  ]

  before(async () => {
    cloud = await TestCloud.start()
  })
  after(async () => await cloud.dispose())

  for (const [number, run] of runs.entries()) {
    test(run.trouble, async () => {
      const ledger = await runFencing(cloud, { ...run, region, number })
      assert.ok(ledger.promotedAt !== null && ledger.old.length > 5)
    })
  }
})
