// Things by name of a service that are replaced all at once: each that is new, other or gone stands in the audit.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'

/**
 * Notes them as `COMMAND set` or `COMMAND delete` of `SERVICE/NAME`, without what they are: it may be secret. False when
 * nothing is another.
 */
export async function auditReplaced(
  trx: Kysely<ControlDatabase>,
  caller: Caller,
  about: { service: string; command: string; before: Record<string, unknown>; after: Record<string, unknown> },
): Promise<boolean> {
  const { service, command, before, after } = about
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  const touched = [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  for (const name of touched) {
    const action = `${command} ${Object.hasOwn(after, name) ? 'set' : 'delete'}`
    await audit(trx, caller, { action, subject: `${service}/${name}` })
  }
  return touched.length > 0
}
