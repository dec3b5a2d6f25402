// What is to be restored, from how it is written in an assignment or order.
import type { RestoreTarget } from '../backups/restore-plan.ts'
import type { BackupTarget } from '../contract/backup.ts'

/** A target as the planner takes it. */
export function targetOf(target: BackupTarget): RestoreTarget {
  return target.kind === 'time' ? { kind: 'time', at: new Date(target.at) } : target
}
