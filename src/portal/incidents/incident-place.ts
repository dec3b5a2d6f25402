// Which page shows more of what an incident is about.
import type { IncidentView } from '../../contract/api.ts'

/** Null: no page has more of it. */
export function placeOf({ kind, subject }: Pick<IncidentView, 'kind' | 'subject'>): string | null {
  if (kind === 'service') return `/services/${encodeURIComponent(subject)}/recovery`
  if (kind === 'region' || kind === 'gateway') return '/regions'
  if (kind === 'standby' || kind === 'vault') return `/databases/${encodeURIComponent(subject)}`
  return null
}
