// Whether the cloud would answer a request: decided from its status, and waited for.
import type { StatusView } from '../contract/api.ts'
import type { Outage } from '../contract/local-cloud.ts'
import { waitFor } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { CLOUD_READY_MS_MAX, SERVICES_READY_MS_MAX } from '../kit/limits.ts'
import { outageOf } from './outages.ts'

/** The regions that are not ready yet. Those in an outage are not waited for. */
export function missingRegions(status: StatusView, regions: string[], outages: Outage[]): string[] {
  const wanted = regions.filter((region) => outageOf(outages, region) === null)
  return wanted.filter((name) => status.regions.find((region) => region.name === name)?.health.state !== 'Ready')
}

/** The services that are not well although neither they nor their database are in an outage. */
export function illServices(status: StatusView, outages: Outage[]): string[] {
  const isOut = (region: string) => outageOf(outages, region) !== null
  const expected = status.services.filter((service) => !isOut(service.region) && !isOut(service.serverRegion))
  return expected.filter((service) => service.health.state !== 'Ready').map((service) => service.name)
}

export type ServingFacts = {
  regions: string[]
  /** Read each time: an outage may begin while we wait. */
  outages: () => Outage[]
  logs: string
}

/**
 * Waits until every region is ready, then a while for the services; returns those that are still ill. Faults with
 * `cloud.not_ready`, naming the regions that are missing.
 */
export async function waitUntilServing(
  calls: { status(): Promise<StatusView> },
  facts: ServingFacts,
  signal: AbortSignal,
): Promise<string[]> {
  // Control may be restarting; then nothing is known and we ask again.
  const read = async () => await calls.status().catch(() => null)
  let missing: string[] = []
  await until('all regions to be ready', CLOUD_READY_MS_MAX, signal, async () => {
    const status = await read()
    missing = status ? missingRegions(status, facts.regions, facts.outages()) : ['control']
    return missing.length === 0
  }).catch((error: unknown) => {
    if (!isTimeout(error)) throw error
    const text = `not ready after ${CLOUD_READY_MS_MAX / 1_000} s: ${missing.join(', ')}`
    throw new Fault('cloud.not_ready', 500, text, { hint: `Read the logs in ${facts.logs}`, cause: error })
  })
  let ill: string[] = []
  await until('all services to be well', SERVICES_READY_MS_MAX, signal, async () => {
    const status = await read()
    if (status) ill = illServices(status, facts.outages())
    return status !== null && ill.length === 0
  }).catch((error: unknown) => {
    // The caller tells which; the cloud is of use without them.
    if (!isTimeout(error)) throw error
  })
  return ill
}

// Each look costs control a dozen queries, at a moment when every process of the cloud wants the cores.
const LOOK_EVERY_MS = 150

async function until(what: string, withinMs: number, signal: AbortSignal, isSo: () => Promise<boolean>): Promise<void> {
  await waitFor(what, async () => ((await isSo()) ? true : undefined), { withinMs, everyMs: LOOK_EVERY_MS, signal })
}

function isTimeout(error: unknown): boolean {
  return error instanceof Fault && error.code === 'wait.timed_out'
}
