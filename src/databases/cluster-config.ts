// How our clusters are set up: small, on a local socket only, durable, ready to be followed and decoded.
import { quoteLiteral } from '../kit/identifiers.ts'
import { SLOT_WAL_MB_MAX, WAL_MB_MAX, WAL_MB_MIN } from '../kit/limits.ts'
import { synchronousNames } from './synchronous.ts'

export const SUPERUSER = 'mainstay'
export const REPLICATOR = 'mainstay_replicator'
/** Only a part of the socket's name: nothing listens on a port. */
export const PORT = 5432

/** Where a standby streams from: a local socket folder that leads to its primary, and the slot it uses there. */
export type Upstream = { socketFolder: string; password: string; slot: string }

/**
 * How a restored data folder is rolled forward: WAL from `walFolder` along `timeline`, up to the last commit of a
 * moment, to the end, or only until the backup is whole. Then it opens as a timeline of its own.
 */
export type Recovery = {
  walFolder: string
  timeline: number
  stop: { kind: 'time'; at: Date } | { kind: 'end' } | { kind: 'backup' }
}

/**
 * As what a cluster is started. `reader`: a standby of nobody, to look at what a lost primary holds. Nobody can write to
 * it and it writes no WAL, so that what it is asked for stays as it was. `restored`: a data folder from a vault.
 */
export type ClusterRole =
  | {
      kind: 'primary'
      /** The slot of the standby that every commit waits for, from the first one on. */
      synchronousSlot?: string | null
    }
  | { kind: 'standby'; upstream: Upstream }
  | { kind: 'reader' }
  | { kind: 'restored'; recovery: Recovery }

/** pg_hba.conf: nobody without a password, not even on this machine. */
export const ACCESS_TEXT = 'local all all scram-sha-256\nlocal replication all scram-sha-256\n'

/** postgresql.conf; written anew before each start. `diskBytes`: the size of the file system that it is on, if known. */
export function configText(options: {
  name: string
  socketFolder: string
  role: ClusterRole
  diskBytes: number | null
}): string {
  const lines = [...SETTINGS, ...walSettings(options.diskBytes), `cluster_name = ${quoteLiteral(options.name)}`]
  lines.push(`unix_socket_directories = ${quoteLiteral(options.socketFolder)}`)
  lines.push(...roleSettings(options.role))
  return `${lines.join('\n')}\n`
}

// What is kept of WAL must never fill a small disk: a quarter for those that follow, an eighth between checkpoints.
function walSettings(diskBytes: number | null): string[] {
  const diskMb = diskBytes === null ? Number.POSITIVE_INFINITY : diskBytes / 2 ** 20
  const most = (mb: number, share: number) => `${Math.max(WAL_MB_MIN, Math.min(mb, Math.floor(diskMb * share)))}MB`
  return [`max_slot_wal_keep_size = ${most(SLOT_WAL_MB_MAX, 1 / 4)}`, `max_wal_size = ${most(WAL_MB_MAX, 1 / 8)}`]
}

function roleSettings(role: ClusterRole): string[] {
  switch (role.kind) {
    case 'primary': {
      const names = synchronousNames(role.synchronousSlot ?? null)
      return [`synchronous_standby_names = ${quoteLiteral(names)}`]
    }
    case 'standby': {
      const { socketFolder, password, slot } = role.upstream
      const primary = `host=${socketFolder} port=${PORT} user=${REPLICATOR} password=${password} application_name=${slot}`
      return [`primary_conninfo = ${quoteLiteral(primary)}`, `primary_slot_name = ${quoteLiteral(slot)}`]
    }
    case 'reader':
      // It stays on its own timeline, wherever others went on. The last of a setting counts: a slot that is to be read
      // must not be given up for being far behind.
      return ["primary_conninfo = ''", "recovery_target_timeline = 'current'", 'max_slot_wal_keep_size = -1']
    case 'restored':
      return recoveryLines(role.recovery)
  }
}

function recoveryLines({ walFolder, timeline, stop }: Recovery): string[] {
  const lines = [
    `restore_command = ${quoteLiteral(`cp "${walFolder}/%f" "%p"`)}`,
    `recovery_target_timeline = '${timeline}'`,
    "recovery_target_action = 'promote'",
  ]
  if (stop.kind === 'backup') return [...lines, "recovery_target = 'immediate'"]
  if (stop.kind === 'end') return lines
  // PostgreSQL refuses the form with T and Z.
  const moment = stop.at.toISOString().replace('T', ' ').replace('Z', '+00')
  return [...lines, `recovery_target_time = '${moment}'`]
}

// Small by default: a cloud on a laptop runs three of these. Durability is never traded.
const SETTINGS = [
  "listen_addresses = ''",
  'unix_socket_permissions = 0777',
  'password_encryption = scram-sha-256',
  'max_connections = 130',
  // Whoever asked is gone: nobody wants the rest.
  'client_connection_check_interval = 10s',
  'shared_buffers = 32MB',
  'io_method = sync',
  'jit = off',
  // We start it anew, as a new process. PostgreSQL 18 that starts over within itself may wait for ever for a checkpoint
  // whose process has just died: its postmaster takes that for a part of the first crash.
  'restart_after_crash = off',
  'fsync = on',
  'full_page_writes = on',
  'synchronous_commit = on',
  'wal_level = logical',
  'max_wal_senders = 10',
  'max_replication_slots = 20',
  'wal_keep_size = 64MB',
  'hot_standby = on',
  'wal_sender_timeout = 10s',
  'wal_receiver_timeout = 10s',
  'wal_receiver_status_interval = 1s',
  'wal_retrieve_retry_interval = 500ms',
  "timezone = 'UTC'",
  "log_timezone = 'UTC'",
  "datestyle = 'iso'",
  "lc_messages = 'C'",
  "log_line_prefix = '%m [%p] %u@%d '",
  'log_checkpoints = off',
]
