// How a server is protected, and whether that holds now.
import type { ServerView } from '../../contract/api.ts'
import { ToneBadge } from '../kit/state-badge.tsx'

export function ProtectionBadge({ server: { kind, protection, isProtected } }: { server: ServerView }) {
  if (kind === 'external') return <ToneBadge tone="quiet" icon="circle" word="theirs" />
  if (protection === 'none') return <ToneBadge tone="warning" icon="alert" word="none" />
  if (isProtected) return <ToneBadge tone="good" icon="check" word={protection} />
  return <ToneBadge tone="warning" icon="alert" word={`${protection}, not in force`} />
}
