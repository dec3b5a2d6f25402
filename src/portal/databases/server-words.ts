// Servers in words: how they are protected, how far their standbys are.

import { formatBytes, formatMs } from '../../contract/amounts.ts'
import type { Protection, ServerView } from '../../contract/api.ts'

export const PROTECTIONS: { value: Protection; label: string }[] = [
  { value: 'none', label: 'none: nothing keeps its data' },
  { value: 'vault', label: 'vault: backups' },
  { value: 'async', label: 'async: a standby, which may lack the last moment' },
  { value: 'sync', label: 'sync: a standby with every acknowledged commit' },
]

type Member = ServerView['members'][number]

/** Of the first standby: where it is and how far behind. */
export function standbyText({ kind, members, external }: Pick<ServerView, 'kind' | 'members' | 'external'>): string {
  if (kind === 'external') {
    const standbys = external?.standbys ?? null
    return standbys === null ? 'theirs' : standbys.length === 0 ? 'none seen' : `${standbys.length} seen`
  }
  const standby = members.find(({ role }) => role === 'standby')
  if (!standby) return 'none'
  const behind = lagText(standby)
  return standby.standing === 'ready'
    ? `${standby.region}, ${behind}`
    : `${standby.region}, ${standby.standing ?? standby.state}`
}

/** `in step`, `0.4 s, 2.0 KiB behind`. */
export function lagText({ lagBytes, lagMs }: Pick<Member, 'lagBytes' | 'lagMs'>): string {
  if (lagBytes === null) return 'not measured'
  if (lagBytes === 0) return 'in step'
  return `${lagMs === null ? '' : `${formatMs(lagMs)}, `}${formatBytes(lagBytes)} behind`
}
