// Whether the cloud would answer a request: decided from its status, and waited for.
import type { StatusView } from '../contract/api.ts'
import type { Outage } from '../contract/local-cloud.ts'
import { waitFor } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { CLOUD_READY_MS_MAX } from '../kit/limits.ts'
import { outageOf } from './outages.ts'

/** What is not ready yet, in words; empty when a request would succeed. Regions in an outage are not waited for. */
export function missingOf(status: StatusView, regions: string[], outages: Outage[]): string[] {
  const wanted = regions.filter((region) => outageOf(outages, region) === null)
  const missingRegions = wanted.filter(
    (name) => status.regions.find((region) => region.name === name)?.health.state !== 'Ready',
  )
  const missingServices = status.services.filter(
    (service) => wanted.includes(service.region) && service.health.state === 'Starting',
  )
  return [...missingRegions, ...missingServices.map((service) => service.name)]
}

export type ServingFacts = {
  regions: string[]
  /** Read each time: an outage may begin while we wait. */
  outages: () => Outage[]
  logs: string
}

/** Waits until nothing is missing. Faults with `cloud.not_ready`, naming what is. */
export async function waitUntilServing(
  calls: { status(): Promise<StatusView> },
  facts: ServingFacts,
  signal: AbortSignal,
): Promise<void> {
  let missing: string[] = []
  const check = async () => {
    // Control may be restarting; what is missing then is told by the time limit.
    const status = await calls.status().catch(() => null)
    missing = status ? missingOf(status, facts.regions, facts.outages()) : ['control']
    return missing.length === 0 ? true : undefined
  }
  try {
    await waitFor('all regions to be ready', check, { withinMs: CLOUD_READY_MS_MAX, everyMs: 50, signal })
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'wait.timed_out') throw error
    const text = `not ready after ${CLOUD_READY_MS_MAX / 1_000} s: ${missing.join(', ')}`
    throw new Fault('cloud.not_ready', 500, text, { hint: `Read the logs in ${facts.logs}`, cause: error })
  }
}
