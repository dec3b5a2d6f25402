// Causes of trouble in words, for people who do not know the codes. The codes: docs/watching.md.
import type { HealthView } from '../../contract/api.ts'

const WORDS: Record<string, string> = {
  region_unreachable: 'Its region cannot be reached: dead or cut off',
  host_unreachable: 'Its machine does not answer',
  runtime_crash_loop: 'Its runtime ends again and again',
  runtime_down: 'Its runtime does not serve',
  database_unreachable: 'Its database server is lost or down',
  database_auth_failed: 'Its database server refuses its login',
  database_full: 'The disk of its database server is full',
  scripts_failing: 'Half of the runs of its scripts fail',
  capacity_short: 'The region has less than was promised in it',
  standby_behind: 'The standby is behind its primary',
  vault_unreachable: 'The vault refuses backups',
  gateway_unreachable: 'Control does not hear the gateway',
  gateway_overloaded: 'The gateway is overloaded',
  certificate_expiring: 'Its certificate was not renewed',
}

/** The message of control where there is one: it has the names. A newer control's code is shown as it is. */
export function troubleText({ cause, message }: Pick<HealthView, 'cause' | 'message'>): string | null {
  return message ?? (cause === null ? null : causeText(cause))
}

export function causeText(cause: string): string {
  return WORDS[cause] ?? cause.replaceAll('_', ' ')
}
