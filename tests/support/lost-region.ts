// A region that is lost under load: its service is recovered elsewhere, and whatever was acknowledged must be there.
import assert from 'node:assert/strict'
import { waitFor } from '../../src/kit/clock.ts'
import type { TestCloud } from './cloud.ts'
import { SteadyWriters } from './steady-writers.ts'

export type RegionLoss = {
  service: string
  how: 'killed' | 'cut off'
  /** So many rows are written by so many writers before it happens. */
  rows: number
  writers: number
}

const WITHIN = { withinMs: 60_000, everyMs: 50 }
const AFTER_ROWS = 20

/**
 * Loses the region of a service that waits for its standby, recovers the service into its secondary, brings the region
 * back, and gives the ids that were acknowledged. Fails when one of them is missing, or something went backwards.
 */
export async function loseRegion(cloud: TestCloud, loss: RegionLoss): Promise<string[]> {
  const service = await cloud.service(loss.service)
  await untilInForce(cloud, service.server)
  const writers = SteadyWriters.start(cloud, service, loss.writers)
  await writers.untilWritten(loss.rows)
  const cut = loss.how === 'cut off' ? ['--only', 'network'] : []
  await cloud.ok(['dev', 'outage', 'start', service.region, ...cut])
  await cloud.untilState(service.name, 'Unhealthy', 30_000)
  const shown = await cloud.ok(['mobile', 'recover', service.name, service.secondary ?? '', '-q'])
  assert.match(shown, /Predicted loss +none: every write that was acknowledged/)
  assert.match(shown, /Measured loss +none: every write/)
  await writers.untilWritten(AFTER_ROWS)
  const { acknowledged } = await writers.stop()
  await requireRows(cloud, service.name, acknowledged)
  await writers.requireOrder()
  await cloud.ok(['dev', 'outage', 'stop', service.region])
  await cloud.untilRegionsReady()
  return acknowledged
}

/** Waits until what was asked for the protection of a server is in force, or is not any more. */
export async function untilInForce(cloud: TestCloud, server: string, isInForce = true): Promise<void> {
  const isSo = async () => ((await cloud.server(server)).isProtected === isInForce ? true : undefined)
  await waitFor(`the protection of ${server} to be ${isInForce ? '' : 'not '}in force`, isSo, WITHIN)
}

/** Requires that rows of these ids are in the service's table. */
export async function requireRows(cloud: TestCloud, name: string, ids: string[]): Promise<void> {
  const there = new Set(await cloud.readIds(await cloud.service(name)))
  assert.deepEqual(
    ids.filter((id) => !there.has(id)),
    [],
    'acknowledged rows are missing',
  )
}
