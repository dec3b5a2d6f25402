// Decides whether a service may be changed to another database, and what a person should know first.
import { newestOf, type ServiceContents, type TableContents } from '../contract/service-contents.ts'
import { Fault } from '../kit/fault.ts'

export type DatabaseFacts = {
  service: string
  homeRegionName: string
  /** Tables that are defined. */
  defined: string[]
  /** `contents` null: it cannot be looked into. `seenMs`: when it was last known to be open, by control's clock. */
  from: { server: string; regionName: string; contents: ServiceContents | null; seenMs: number | null }
  to: { server: string; regionName: string; contents: ServiceContents }
  /** Between the service's home and each of the two, and back; null where it could not be measured. */
  roundTripMs: { from: number | null; to: number | null }
  /** Writes of so long may be left behind; null: of any time. */
  acceptedLossMs: number | null
}

type Difference = { text: string; isNewer: boolean }

/**
 * `lossMs`: how much older the newest row is over there; null when nobody can tell. `isSame`: as many rows, and as new, in
 * every table.
 */
export type DatabaseFinding = { schema: string; lossMs: number | null; isSame: boolean; changes: string[] }

/** What was found. Faults with `database.same`, `database.empty`, `database.foreign` or `database.older`. */
export function checkDatabase(facts: DatabaseFacts): DatabaseFinding {
  const { service, from, to } = facts
  if (from.server === to.server) {
    throw new Fault('database.same', 409, `'${service}' is on ${to.server} already`, {
      hint: 'See where it may go: mainstay sql server list',
    })
  }
  const schema = requireOwnSchema(facts)
  const differing = differences(from.contents, to.contents)
  const lossMs = measure(facts)
  const isSame = from.contents !== null && differing.length === 0
  requireAccepted(facts, { lossMs, isSame, differing })
  const changes = [
    `Use ${to.server} in ${to.regionName} for the data of '${service}', instead of ${from.server} in ${from.regionName}`,
    ...(isSame ? ['It has the same rows'] : differing.map(({ text }) => text)),
    ...lossText(facts, lossMs, isSame),
    ...tableText(facts),
    ...distanceText(facts),
    'Hold requests meanwhile, as a rule for under 2 s',
  ]
  return { schema, lossMs, isSame, changes }
}

function requireOwnSchema({ service, to }: DatabaseFacts): string {
  const { schema, foreignOwner } = to.contents
  if (schema !== null) return schema
  if (foreignOwner !== null) {
    const message = `${to.server} has a schema of that name, which belongs to ${foreignOwner} and not to '${service}'`
    throw new Fault('database.foreign', 409, message, {
      hint: 'Name a server that was restored from a backup of its own: mainstay sql restore SERVER --to TIME',
    })
  }
  throw new Fault('database.empty', 409, `${to.server} holds no data of '${service}'`, {
    hint: 'Name a server that was restored from a backup of its own: mainstay sql restore SERVER --to TIME',
  })
}

// One sentence for each table that is not the same in both.
function differences(from: ServiceContents | null, to: ServiceContents): Difference[] {
  const names = [...new Set([...(from?.tables ?? []), ...to.tables].map(({ name }) => name))].sort()
  return names.flatMap((name) => {
    const [here, there] = [from?.tables, to.tables].map((tables) => tables?.find((table) => table.name === name))
    if (from !== null && here?.rows === there?.rows && here?.newestMs === there?.newestMs) return []
    const before = from === null ? '' : `, instead of ${contentText(here)}`
    const isNewer = here !== undefined && (there?.newestMs ?? 0) > (here.newestMs ?? 0)
    return [{ text: `${name}: ${contentText(there)}${before}`, isNewer }]
  })
}

function contentText(table: TableContents | undefined): string {
  if (!table) return 'not there'
  if (table.newestMs === null) return 'no rows'
  return `${table.rows} row(s), the newest of ${new Date(table.newestMs).toISOString()}`
}

function measure({ from, to }: DatabaseFacts): number | null {
  const there = newestOf(to.contents)
  // Of one that cannot be looked into: had there been a write until it was last seen, it would be missing.
  const here = from.contents === null ? from.seenMs : newestOf(from.contents)
  if (here === null) return from.contents === null ? null : 0
  return there === null ? null : Math.max(0, here - there)
}

function requireAccepted(
  { service, to, acceptedLossMs }: DatabaseFacts,
  found: { lossMs: number | null; isSame: boolean; differing: Difference[] },
): void {
  const { lossMs, isSame, differing } = found
  if (isSame || acceptedLossMs === null || (lossMs === 0 && differing.every(({ isNewer }) => isNewer))) return
  // Deletions leave no stamp: what differs without being older may lack some.
  if (lossMs !== null && lossMs <= acceptedLossMs && acceptedLossMs > 0) return
  const flag = lossMs === null ? 'any' : `${Math.max(1, Math.ceil(lossMs / 1000))}s`
  const how = lossMs === null ? 'nobody can tell by how much' : `by ${(lossMs / 1000).toFixed(1)} s`
  const message = `${to.server} does not have all that '${service}' has now: it is behind (${how}). ${differing.map(({ text }) => text).join('; ')}`
  throw new Fault('database.older', 409, message, { hint: `To leave behind what is newer, add: --accept-loss ${flag}` })
}

function lossText({ from }: DatabaseFacts, lossMs: number | null, isSame: boolean): string[] {
  if (isSame) return []
  const what = `what is only on ${from.server} is left behind`
  if (from.contents !== null) return [`Writes of the last ${((lossMs ?? 0) / 1000).toFixed(1)} s: ${what}`]
  const bound = lossMs === null ? '' : `, of ${(lossMs / 1000).toFixed(1)} s at most`
  return [`${from.server} cannot be looked into: ${what}${bound}`]
}

function tableText({ service, defined, to }: DatabaseFacts): string[] {
  const there = to.contents.tables.map(({ name }) => name)
  const missing = defined.filter((name) => !there.includes(name))
  const unknown = there.filter((name) => !defined.includes(name))
  return [
    ...(missing.length > 0 ? [`Make empty what is defined and not there: ${missing.join(', ')}`] : []),
    ...unknown.map(
      (name) => `${name} is there and not defined; to serve it: mainstay mobile table create ${service} ${name}`,
    ),
  ]
}

function distanceText({ homeRegionName, to, roundTripMs }: DatabaseFacts): string[] {
  if (to.regionName === homeRegionName) return []
  const before = roundTripMs.from === null ? '' : `, instead of ${roundTripMs.from.toFixed(1)} ms`
  const ms = roundTripMs.to === null ? '' : `: ${roundTripMs.to.toFixed(1)} ms there and back${before}`
  return [`Warning: it is not in ${homeRegionName}, where the service is; every statement goes a long way${ms}`]
}
