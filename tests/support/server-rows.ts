// Rows of servers and of their members for tests of decisions, each field as it usually is.
import type { Member, Server } from '../../src/databases/servers.ts'

/** A server's row. */
export function serverRow(given: Partial<Server> & { name: string }): Server {
  return {
    home_region: 'west-us',
    is_default: true,
    epoch: '1',
    superuser_password: '',
    replication_password: '',
    is_initialized: true,
    created_at: new Date(0),
    protection: 'async',
    sync_policy: 'degrade',
    lease_term: 0,
    made_for: null,
    operation_id: null,
    ended_at: null,
    switching_to: null,
    is_stopping: false,
    restored_from: null,
    restore_target: null,
    kind: 'managed',
    endpoint: null,
    backups_removed_at: null,
    ...given,
  }
}

/** A member's row. */
export function memberRow(given: Partial<Member> & Pick<Member, 'server' | 'machine' | 'role'>): Member {
  return {
    standing: null,
    lease_term: 0,
    slot: null,
    is_old_primary_stopped: false,
    is_leaving: false,
    is_synchronous: false,
    rejoin_epoch: null,
    rejoin_lsn: null,
    replaces_epoch: null,
    is_replaced_kept: false,
    fork_lsn: null,
    ...given,
  }
}
