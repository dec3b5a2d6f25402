// Makes the public status from rows of incidents: decided here, read and shown elsewhere. Pure.
import type {
  StatusComponent,
  StatusDay,
  StatusIncident,
  StatusPage,
  StatusPost,
  StatusRow,
  StatusState,
} from '../contract/status-page.ts'
import { DASHBOARD_DAYS, DASHBOARD_INCIDENTS_MAX, DASHBOARD_MERGE_MS } from '../kit/limits.ts'
import { publicCause } from './public-causes.ts'

const DAY_MS = 86_400_000

/**
 * An incident as the row has it; `service`: the name of the service that it is about, if it is about one. `isSecondary`:
 * that one stands by for another, so that nothing is to be recovered of it.
 */
export type IncidentFacts = {
  id: string
  area: string | null
  state: 'Degraded' | 'Unhealthy'
  cause: string
  service: string | null
  isSecondary: boolean
  openedAt: Date
  closedAt: Date | null
}

export type PublicFacts = {
  now: Date
  /** When the first machine joined: before that nothing is known. */
  since: Date
  /** What there is, in the order in which it is shown. */
  places: { area: string; component: StatusComponent }[]
  incidents: IncidentFacts[]
  posts: StatusPost[]
  areNamesShown: boolean
}

/** The whole page. */
export function makeStatusPage(facts: PublicFacts): StatusPage {
  const { now, places, posts } = facts
  const first = new Date(Math.max(facts.since.getTime(), startOfDay(now) - (DASHBOARD_DAYS - 1) * DAY_MS))
  const told = facts.incidents.filter(({ cause, area }) => publicCause(cause) !== null && area !== null)
  return {
    writtenAt: now.toISOString(),
    since: dayOf(first.getTime()),
    rows: places.map((place) => rowOf(place, told, { first, now })),
    incidents: groupIncidents(told, facts).slice(0, DASHBOARD_INCIDENTS_MAX),
    posts,
    advice: adviceOf(told, facts),
  }
}

function rowOf(
  { area, component }: { area: string; component: StatusComponent },
  incidents: IncidentFacts[],
  span: { first: Date; now: Date },
): StatusRow {
  const own = incidents.filter(
    (one) => one.area === area && publicCause(one.cause)?.components.includes(component) === true,
  )
  const open = own.filter(({ closedAt }) => closedAt === null)
  const state = worstOf(open)
  const since = open.filter((one) => one.state === state).map(({ openedAt }) => openedAt.getTime())
  return {
    ...{ area, component, state },
    since: since.length === 0 ? null : new Date(Math.min(...since)).toISOString(),
    days: daysOf(own, span),
  }
}

function worstOf(incidents: { state: 'Degraded' | 'Unhealthy' }[]): StatusState {
  if (incidents.some(({ state }) => state === 'Unhealthy')) return 'Unhealthy'
  return incidents.length > 0 ? 'Degraded' : 'Ready'
}

function daysOf(incidents: IncidentFacts[], { first, now }: { first: Date; now: Date }): StatusDay[] {
  const days: StatusDay[] = []
  for (let from = startOfDay(first); from <= now.getTime(); from += DAY_MS) {
    const to = from + DAY_MS
    const within = incidents.filter(
      ({ openedAt, closedAt }) => openedAt.getTime() < to && (closedAt ?? now).getTime() > from,
    )
    if (within.length === 0) continue
    const down = within.filter(({ state }) => state === 'Unhealthy')
    const spans = down.map(({ openedAt, closedAt }): [number, number] => [
      Math.max(from, openedAt.getTime()),
      Math.min(to, (closedAt ?? now).getTime()),
    ])
    const worst = down.length > 0 ? 'Unhealthy' : 'Degraded'
    days.push({ day: dayOf(from), worst, downMinutes: Math.ceil(coveredMs(spans) / 60_000) })
  }
  return days
}

/** How much the spans cover together: what two of them cover counts once. */
function coveredMs(spans: [number, number][]): number {
  let [covered, until] = [0, Number.NEGATIVE_INFINITY]
  for (const [from, to] of spans.toSorted(([left], [right]) => left - right)) {
    covered += Math.max(0, to - Math.max(from, until))
    until = Math.max(until, to)
  }
  return covered
}

type Group = { key: string; members: IncidentFacts[]; until: number }

// Many services that fall with one region are one incident to whoever reads this.
function groupIncidents(incidents: IncidentFacts[], facts: PublicFacts): StatusIncident[] {
  const groups: Group[] = []
  const newest = new Map<string, Group>()
  for (const one of incidents.toSorted((left, right) => left.openedAt.getTime() - right.openedAt.getTime())) {
    const key = `${one.area} ${publicCause(one.cause)?.components[0]}`
    const until = (one.closedAt ?? new Date(8.64e15)).getTime()
    const group = newest.get(key)
    if (group && one.openedAt.getTime() <= group.until + DASHBOARD_MERGE_MS) {
      group.members.push(one)
      group.until = Math.max(group.until, until)
      continue
    }
    const made = { key, members: [one], until }
    groups.push(made)
    newest.set(key, made)
  }
  return groups.map((group) => incidentOf(group, facts)).reverse()
}

function incidentOf({ members }: Group, facts: PublicFacts): StatusIncident {
  const [first] = members
  if (!first) throw new TypeError('a group has a member')
  const isOpen = members.some(({ closedAt }) => closedAt === null)
  const closedAt = isOpen ? null : new Date(Math.max(...members.map((one) => one.closedAt?.getTime() ?? 0)))
  const worst = members.find(({ state }) => state === 'Unhealthy') ?? first
  const said = new Map<string, Date>()
  for (const { cause, openedAt } of members) {
    const { text } = publicCause(cause) ?? { text: '' }
    if (!said.has(text)) said.set(text, openedAt)
  }
  const updates = [...said].map(([text, at]) => ({ at: at.toISOString(), text }))
  if (closedAt) updates.push({ at: closedAt.toISOString(), text: 'All is well again.' })
  return {
    id: first.id,
    area: first.area ?? '',
    component: publicCause(first.cause)?.components[0] ?? 'compute',
    state: worst.state,
    title: publicCause(worst.cause)?.text ?? '',
    openedAt: first.openedAt.toISOString(),
    closedAt: closedAt?.toISOString() ?? null,
    services: servicesOf(members, facts),
    updates,
  }
}

// Another region is no better place, or a hand on the spot is sooner.
const MENDS_ITSELF = new Set(['database_full'])

function adviceOf(incidents: IncidentFacts[], facts: PublicFacts): StatusPage['advice'] {
  const unhealthy = incidents.filter(
    ({ service, isSecondary, state, cause, closedAt }) =>
      service !== null && !isSecondary && state === 'Unhealthy' && closedAt === null && !MENDS_ITSELF.has(cause),
  )
  const byArea = Map.groupBy(unhealthy, ({ area }) => area ?? '')
  return [...byArea].map(([area, members]) => ({ area, services: servicesOf(members, facts) }))
}

function servicesOf(members: IncidentFacts[], { areNamesShown }: PublicFacts): StatusIncident['services'] {
  const names = [...new Set(members.flatMap(({ service }) => service ?? []))].sort()
  return { count: names.length, names: areNamesShown ? names : null }
}

function startOfDay(at: Date): number {
  return Math.floor(at.getTime() / DAY_MS) * DAY_MS
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
