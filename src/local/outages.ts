// Which outages are on: pure changes of a list that lies in a file.
import type { Outage, OutageKind } from '../contract/local-cloud.ts'
import { Fault } from '../kit/fault.ts'
import { slugOf } from '../kit/identifiers.ts'

/** The region's own name for what a person typed: name or slug, any case. Faults with `region.unknown`. */
export function regionNamed(regions: string[], typed: string): string {
  const found = regions.find((region) => slugOf(region) === slugOf(typed))
  if (found !== undefined) return found
  throw new Fault('region.unknown', 404, `this cloud has no region '${typed}'`, {
    hint: `Its regions are ${regions.map((region) => `"${region}"`).join(', ')}.`,
  })
}

/** The outage of a region, or null. */
export function outageOf(outages: Outage[], region: string): Outage | null {
  return outages.find((outage) => outage.region === region) ?? null
}

/** The list with this outage on; it replaces another one of the same region. */
export function withOutage(outages: Outage[], region: string, kind: OutageKind): Outage[] {
  return [...withoutOutage(outages, region), { region, kind }]
}

/** The list without a region's outage. */
export function withoutOutage(outages: Outage[], region: string): Outage[] {
  return outages.filter((outage) => outage.region !== region)
}

/** What a host's process must be told about its region's outage; a dead region has nobody to tell. */
export function toldOutage(outages: Outage[], region: string): OutageKind | null {
  const kind = outageOf(outages, region)?.kind ?? null
  return kind === 'all' ? null : kind
}
