// What an operation does, as a sentence without its end.
import type { OperationView } from '../../contract/api.ts'

type Kind = OperationView['kind']

const KINDS: Record<Kind, string> = {
  create: 'Create',
  delete: 'Delete',
  recover: 'Recover',
  scale: 'Scale',
  restore: 'Bring back',
  create_server: 'Create the server',
  delete_server: 'Delete the server',
  protect_server: 'Protect the server',
  switchover_server: 'Move the server',
  apply_divergence: 'Apply stranded writes of',
  backup: 'Back up',
  verify_backups: 'Verify the backups of',
  restore_server: 'Restore from the backups of',
  switchover: 'Move',
  change_database: 'Change the database of',
  promote_server: 'Promote the standby of',
  restore_table: 'Restore a table of',
  verify_service: 'Verify',
  reprotect: 'Protect again',
  failback: 'Take home',
  issue_certificate: 'Have a certificate issued for',
}

/** `Recover PrimaryService`; the kind of a newer control is shown as it is. */
export function kindText({ kind, service, server }: Pick<OperationView, 'kind' | 'service' | 'server'>): string {
  const subject = service ?? server
  const words: string = KINDS[kind] ?? kind
  return subject === null ? words : `${words} ${subject}`
}

/** Milliseconds that it took, or takes by now. */
export function durationOf({ startedAt, finishedAt }: Pick<OperationView, 'startedAt' | 'finishedAt'>, nowMs: number) {
  return Math.max(0, (finishedAt === null ? nowMs : Date.parse(finishedAt)) - Date.parse(startedAt))
}
