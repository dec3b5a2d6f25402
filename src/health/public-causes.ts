// What the public is told of each cause of an incident: which component it is about, and a sentence without names.
import type { StatusComponent } from '../contract/status-page.ts'

type PublicCause = { components: [StatusComponent, ...StatusComponent[]]; text: string }

const CAUSES: Record<string, PublicCause> = {
  region_unreachable: { components: ['compute', 'database'], text: 'The region cannot be reached.' },
  host_unreachable: { components: ['compute', 'database'], text: 'A machine of the region cannot be reached.' },
  capacity_short: { components: ['compute'], text: 'The region has less capacity than was promised.' },
  runtime_down: { components: ['compute'], text: 'Requests of apps are not answered as they should be.' },
  runtime_crash_loop: { components: ['compute'], text: 'What answers requests of apps ends again and again.' },
  database_unreachable: { components: ['database'], text: 'A database cannot be reached.' },
  database_auth_failed: { components: ['database'], text: 'A database does not let services in.' },
  database_full: { components: ['database'], text: 'A database has no room left.' },
  standby_behind: { components: ['database'], text: 'The copy of a database in another region is behind.' },
  vault_unreachable: { components: ['database'], text: 'Backups of a database are behind.' },
  gateway_unreachable: { components: ['gateway'], text: 'An entrance for apps is not heard.' },
  gateway_overloaded: { components: ['gateway'], text: 'An entrance for apps has more to do than it can.' },
  certificate_expiring: { components: ['management'], text: 'A certificate was not renewed in time.' },
}

/** Null for what is a service's own affair, such as scripts that fail. */
export function publicCause(cause: string): PublicCause | null {
  return CAUSES[cause] ?? null
}
