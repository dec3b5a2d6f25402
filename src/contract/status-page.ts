// The Service Dashboard as anybody may read it: what works where, now and for 90 days. It names no service unless its
// owner wants that; gateways keep a copy.

export const STATUS_PATHS = { page: '/status', json: '/status.json', feed: '/status.atom' } as const

export type StatusState = 'Ready' | 'Degraded' | 'Unhealthy'

/** What a person asks about a region: do apps run, is their data there. The other two belong to no region. */
export type StatusComponent = 'compute' | 'database' | 'gateway' | 'management'

/** A day (UTC, `YYYY-MM-DD`) on which not all was well; `downMinutes`: how long it was Unhealthy. */
export type StatusDay = { day: string; worst: 'Degraded' | 'Unhealthy'; downMinutes: number }

/** One component of one area: a region, or the failure domain that a gateway or control is in. */
export type StatusRow = {
  area: string
  component: StatusComponent
  state: StatusState
  /** Since when it is in that state, where that is not Ready; ISO 8601, like all times here. */
  since: string | null
  /** Of the last 90 days, only those on which something was wrong. */
  days: StatusDay[]
}

export type StatusIncident = {
  id: string
  area: string
  component: StatusComponent
  state: 'Degraded' | 'Unhealthy'
  title: string
  openedAt: string
  closedAt: string | null
  /** Services that it concerns; their names only where the owner wants them shown. */
  services: { count: number; names: string[] | null }
  /** Oldest first. */
  updates: { at: string; text: string }[]
}

/** Written by an operator. `html` is made from `text` (markdown) by control, which lets no markup of the author through. */
export type StatusPost = {
  id: string
  at: string
  title: string
  text: string
  html: string
  /** Of scheduled maintenance. */
  window: { from: string; to: string } | null
}

export type StatusPage = {
  writtenAt: string
  /** The first day that is known of. */
  since: string
  rows: StatusRow[]
  /** Open ones, and those of the last 90 days; the newest first. */
  incidents: StatusIncident[]
  posts: StatusPost[]
  /** Regions whose services should be recovered elsewhere. */
  advice: { area: string; services: { count: number; names: string[] | null } }[]
}

/** What a gateway keeps: the page, and which region each of the machines is in that it probes. */
export type StatusCopy = { page: StatusPage; regions: Record<string, string> }

/** What control answers a gateway: nothing before there ever was a page. */
export type DashboardAnswer = { copy: StatusCopy | null; ageMs: number }
