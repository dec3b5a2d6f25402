// The chain of the audit: each entry's hash covers the entry and the hash before it, so that what was changed, taken out
// or put in shows to whoever has kept a later hash.
import { createHash } from 'node:crypto'
import type { AuditView } from './api.ts'

/** What stands before the first entry. */
export const FIRST_HASH = '0'.repeat(64)

/** What a hash covers. */
export type AuditEntry = Omit<AuditView, 'link' | 'hash'>

/** Where a chain breaks. `upTo`: how many entries before that are good. */
export type ChainCheck = { isWhole: boolean; upTo: number; problem: string | null; head: string }

/** SHA-256, hex, of an entry at its place behind the entry whose hash is `before`. */
export function hashOfEntry(before: string, link: number, entry: AuditEntry): string {
  const { id, at, principal, action, subject, before: was, after, operation } = entry
  const covered = [before, link, id, at, principal, action, subject, was, after, operation]
  return createHash('sha256').update(textOf(covered)).digest('hex')
}

/** Follows a chain from its beginning, entry by entry. */
export class ChainFollower {
  check: ChainCheck = { isWhole: true, upTo: 0, problem: null, head: FIRST_HASH }

  /** Takes the next entry; false where the chain breaks, and nothing after that counts. */
  take({ link, hash, ...entry }: AuditView): boolean {
    const { head, upTo, isWhole } = this.check
    if (!isWhole) return false
    const problem =
      link !== upTo + 1
        ? `entry ${upTo + 1} is missing: the next one is ${link}`
        : hash !== hashOfEntry(head, link, entry)
          ? `entry ${link} (${entry.action}) is not what it was`
          : null
    if (problem !== null || link === null || hash === null) this.check = { ...this.check, isWhole: false, problem }
    else this.check = { ...this.check, upTo: link, head: hash }
    return problem === null
  }
}

// One text for one value, whatever the order that its keys came in (RFC 8785, as far as JSON from PostgreSQL needs it).
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const pairs = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
  return `{${pairs.map(([key, one]) => `${JSON.stringify(key)}:${textOf(one)}`).join(',')}}`
}
