// The control database's tables as Kysely sees them. Two control processes of neighbouring versions share them.
import type { ColumnType, Generated } from 'kysely'
import type { Schedule } from '../kit/interval.ts'
import type {
  FaultView,
  Mode,
  OperationView,
  Protection,
  RecoveryPlanView,
  RecoveryReportView,
  Role,
  SyncPolicy,
} from './api.ts'
import type { BackupTarget } from './backup.ts'
import type { DeploymentKind } from './deployment.ts'
import type { BundleApplied, BundleSummary } from './divergence.ts'
import type { NoticeEvent } from './notice.ts'
import type { NpmPackage } from './npm-modules.ts'
import type { ApiPermissions, ApiRoutes, TablePermissions } from './permissions.ts'
import type { Missed, Overlap } from './scheduled-job.ts'
import type { IdType } from './table-format.ts'

/** A 64-bit number: text from the driver, a number to it. Epochs and versions stay far below 2^53. */
type Big = ColumnType<string, number | string, number | string>
type When = ColumnType<Date, Date | undefined, Date>
type WhenOrNull = ColumnType<Date | null, Date | null | undefined, Date | null>
type Json<T> = ColumnType<T, string, string>

export type OperationState = OperationView['state']
export type StoredStep = OperationView['steps'][number]

/**
 * Where a service is in its life; health is judged, not stored. `recovering`: served nowhere; `activating`: served in its
 * new home, not yet routed to. `archived`: ended, data kept; `deleted`: ended, data dropped.
 */
export type ServiceState = 'creating' | 'ready' | 'recovering' | 'activating' | 'deleting' | 'archived' | 'deleted'

/** `streaming` copies; `arming` waits for the primary's first proof; `ready` may be promoted; `released` may not. */
export type Standing = 'building' | 'streaming' | 'arming' | 'ready' | 'released'

export type ControlDatabase = {
  /** `protocol_id`: what the original's tools call it in their paths; nobody can guess it. */
  subscriptions: { id: string; name: string; created_at: When; protocol_id: Generated<string> }
  secrets: { name: string; sealed: string }
  operator_tokens: {
    id: string
    subscription_id: string
    principal: string
    token_hash: string
    role: Generated<Role>
    created_at: When
    expires_at: WhenOrNull
    last_used_at: WhenOrNull
  }
  /** Client certificates of the original's tools. */
  management_certificates: {
    id: string
    subscription_id: string
    name: string
    role: Role
    /** SHA-256, lower-case hex. */
    fingerprint: string
    issued_by: string
    created_at: When
    expires_at: Date
    last_used_at: WhenOrNull
    revoked_at: WhenOrNull
  }
  /** What they may ask the outcome of, by the id of the request; null: nothing had to be done. */
  management_requests: { id: string; subscription_id: string; operation_id: string | null; created_at: When }
  /** The last recovery that they asked for, by the name of the service whose capacity it was to use. */
  management_recoveries: {
    subscription_id: string
    secondary: string
    primary_name: string
    operation_id: string | null
    state: 'running' | 'failed'
    changed_at: When
  }
  accounts: {
    id: string
    subscription_id: string
    name: string
    role: Role
    password_hash: string | null
    oidc_subject: string | null
    created_at: When
    last_seen_at: WhenOrNull
  }
  sessions: { id_hash: string; account_id: string; created_at: When; seen_at: When }
  invitations: { account_id: string; token_hash: string; expires_at: When }
  join_tokens: {
    id: string
    secret_hash: string
    role: string
    domain: string
    expires_at: When
    used_by: string | null
    /** Only for a machine that joins again under its own name. */
    machine: string | null
    /** Hash of the public key that it was exchanged for. */
    used_key: string | null
  }
  machines: {
    name: string
    role: string
    domain: string
    address: string | null
    port: number | null
    public_url: string | null
    joined_at: When
    /** What it last said of itself; null before it ever spoke. */
    protocol: number | null
    release: string | null
    certificate_until: WhenOrNull
    revoked_at: WhenOrNull
  }
  regions: {
    slug: string
    name: string
    reserved_units: number
    shared_slots: number
    is_capacity_set: Generated<boolean>
    ordinal: Generated<number>
  }
  desired: { only_row: Generated<boolean>; version: Big }
  /** Made when it is first needed. */
  cloud: { only_row: Generated<boolean>; id: Generated<string>; shows_names: Generated<boolean> }
  servers: {
    name: string
    home_region: string
    is_default: boolean
    epoch: Big
    superuser_password: string
    replication_password: string
    is_initialized: Generated<boolean>
    created_at: When
    protection: Generated<Protection>
    sync_policy: Generated<SyncPolicy>
    lease_term: Generated<number>
    made_for: string | null
    operation_id: string | null
    ended_at: WhenOrNull
    switching_to: string | null
    is_stopping: Generated<boolean>
    restored_from: string | null
    restore_target: Json<BackupTarget | null> | null
    kind: Generated<'managed' | 'external'>
    /** Sealed JSON of an ExternalEndpoint. */
    endpoint: string | null
    backups_removed_at: WhenOrNull
  }
  divergences: {
    server: string
    epoch: Big
    machine: string
    state: 'kept' | 'applied' | 'discarded'
    summary: Json<BundleSummary>
    applied: Json<BundleApplied | null> | null
    found_at: When
  }
  /** Where services had their data before; `kept_until` null: until somebody drops it by hand. */
  former_schemas: {
    service_id: string
    server: string
    schema_name: string
    left_at: When
    kept_until: WhenOrNull
    is_dropping: Generated<boolean>
  }
  server_drops: { server: string; machine: string; version: Big }
  server_members: {
    server: string
    machine: string
    role: 'primary' | 'standby' | 'quarantined'
    standing: Standing | null
    lease_term: Generated<number>
    slot: string | null
    is_old_primary_stopped: Generated<boolean>
    is_leaving: Generated<boolean>
    is_synchronous: Generated<boolean>
    rejoin_epoch: ColumnType<string | null, number | string | null | undefined, number | string | null>
    rejoin_lsn: string | null
    replaces_epoch: ColumnType<string | null, number | string | null | undefined, number | string | null>
    is_replaced_kept: Generated<boolean>
    fork_lsn: string | null
  }
  operations: {
    id: string
    subscription_id: string
    principal: string
    kind: OperationView['kind']
    service_id: string | null
    service_name: string | null
    server: string | null
    state: OperationState
    input: Json<Record<string, unknown>>
    plan: Json<RecoveryPlanView | null> | null
    steps: Json<StoredStep[]>
    facts: Json<Record<string, unknown>>
    error: Json<FaultView | null> | null
    report: Json<RecoveryReportView | null> | null
    next: string | null
    revision: Generated<number>
    idempotency_key: string | null
    holder: string | null
    held_until: WhenOrNull
    started_at: When
    finished_at: WhenOrNull
  }
  services: {
    id: string
    subscription_id: string
    name: string
    schema_name: string
    region: string
    machine: string
    mode: Mode
    units: number
    epoch: Big
    server: string
    state: ServiceState
    application_key: string
    master_key: string
    login_password: string
    is_schema_dynamic: Generated<boolean>
    is_key_required: Generated<boolean>
    secondary_for: string | null
    operation_id: string | null
    created_at: When
    ended_at: WhenOrNull
    is_data_dropped: Generated<boolean>
    /** Archived, and to be dropped then; null: kept. */
    drop_data_at: WhenOrNull
    also_mode: Generated<Mode | null>
    also_units: Generated<number | null>
    restarts: Generated<number>
    also_machine: string | null
    is_held: Generated<boolean>
    loss_ms_max: Generated<number>
    /** Host names of pages that may call it. */
    cors_origins: ColumnType<string[], string | undefined, string>
    is_https_required: Generated<boolean>
    body_kb: Generated<number>
    is_https_redirected: Generated<boolean>
    /** Zero: browsers are told nothing. */
    hsts_seconds: Generated<number>
    /** Sealed JSON of names and values; null: none. */
    app_settings: string | null
    /** Sealed JSON of the providers by their names; null: none. */
    auth_providers: string | null
    /** URLs to which the result of a sign-in may be handed over. */
    login_redirects: ColumnType<string[], string | undefined, string>
    push_settings: string | null
    /** The hash of the npm modules that its scripts can require; null: none. */
    npm_modules: string | null
  }
  /** npm modules as they were installed. */
  npm_modules: {
    hash: string
    bytes: number
    unpacked_bytes: number
    files: number
    packages: Json<NpmPackage[]>
    lock_text: string
    used_at: When
  }
  /** `source`: the hash of the texts that they were installed from. */
  npm_sources: { source: string; hash: string }
  npm_module_parts: { hash: string; part: number; content: Buffer }
  script_texts: { hash: string; text: string; bytes: number; created_at: When }
  script_versions: {
    service_id: string
    name: string
    version: number
    hash: string | null
    principal: string
    created_at: When
  }
  audit: {
    id: Generated<string>
    at: When
    subscription_id: string
    principal: string
    action: string
    subject: string
    before: Json<unknown> | null
    after: Json<unknown> | null
    operation_id: string | null
    /** Its place in the chain, and the hash of it with the one before; null until control has sealed it. */
    link: Generated<string | null>
    hash: string | null
  }
  service_tables: {
    service_id: string
    name: string
    permissions: Json<TablePermissions>
    is_dropping: Generated<boolean>
    is_made_with_soft_delete: Generated<boolean>
    id_type: Generated<IdType>
    created_at: When
  }
  service_apis: {
    service_id: string
    name: string
    permissions: Json<ApiPermissions>
    /** Null: the permissions hold for all. */
    routes: ColumnType<ApiRoutes | null, string | null | undefined, string | null>
    created_at: When
  }
  service_certificates: {
    service_id: string
    /** SHA-1 of the certificate, upper-case hex, as the original named them. */
    thumbprint: string
    /** PEM, the service's own first. */
    chain: string
    /** Sealed PEM. */
    private_key: string
    expires_at: Date
    /** By the authority that issues certificates for us. */
    is_issued: Generated<boolean>
    created_at: When
  }
  service_domains: {
    /** In lower case; of one service in the whole cloud. */
    name: string
    service_id: string
    thumbprint: string | null
    /** Its certificate is asked for and renewed by itself. */
    is_issued: Generated<boolean>
    issue_failures: Generated<number>
    issue_problem: string | null
    /** When it is asked for next; null: when the one in use has grown old. */
    issue_due_at: WhenOrNull
    created_at: When
  }
  /** What an authority asks for at a domain while an order of ours is under way. */
  certificate_challenges: { token: string; domain: string; answer: string; operation_id: string }
  /** Who issues certificates for us, and who we are to it. */
  certificate_authority: {
    only_row: Generated<boolean>
    directory_url: string
    contact: string | null
    /** Sealed PEM. */
    account_key: string
    account_url: string | null
  }
  service_jobs: {
    service_id: string
    name: string
    schedule: Json<Schedule>
    is_enabled: boolean
    overlap: Overlap
    missed: Missed
    counts_from: When
    created_at: When
  }
  /** A service's repository; `branch` is the one of master and main that is deployed. */
  source_repositories: { service_id: string; branch: string; created_at: When }
  source_refs: { service_id: string; name: string; hash: string }
  /** Packs of git in pieces, by their SHA-256. Archived each by itself. */
  source_chunks: { hash: string; bytes: Buffer }
  source_packs: {
    id: string
    seq: Generated<string>
    service_id: string
    bytes: Big
    /** Its pieces, in order. */
    chunks: string[]
    created_at: When
  }
  source_deployments: {
    service_id: string
    number: number
    kind: DeploymentKind
    /** False for a push that was refused: its commit is not in the repository. */
    is_deployed: boolean
    branch: string
    hash: string
    principal: string
    author: string
    message: string
    changes: Json<string[]>
    log: string
    created_at: When
  }
  deployment_users: {
    subscription_id: string
    /** In lower case. */
    name: string
    password_hash: string
    /** Who set it. */
    principal: string
    created_at: When
    last_used_at: WhenOrNull
  }
  archives: {
    id: string
    subscription_id: string
    service_id: string
    name: string
    reason: string
    content: Json<Record<string, unknown>>
    created_at: When
  }
  incidents: {
    id: string
    kind: string
    subject: string
    state: string
    cause: string
    message: string
    evidence: Json<string[]>
    opened_at: When
    closed_at: WhenOrNull
    /** The name of a region, or the failure domain of a machine; null from a control process of before. */
    area: string | null
  }
  notice_targets: {
    id: string
    subscription_id: string
    kind: 'webhook' | 'email'
    target: string
    secret: string | null
    severity: 'Degraded' | 'Unhealthy'
    created_at: When
  }
  notices: {
    id: string
    target_id: string
    event: Json<NoticeEvent>
    created_at: When
    attempts: Generated<number>
    due_at: WhenOrNull
    sent_at: WhenOrNull
    problem: string | null
  }
  status_posts: {
    id: string
    at: When
    principal: string
    title: string
    text: string
    window_from: WhenOrNull
    window_to: WhenOrNull
  }
  usage: {
    service_id: string
    period_s: number
    at: When
    source: string
    requests: Big
    errors: Big
    bytes_out: Big
    latencies: number[]
    devices: Buffer | null
  }
  measures: {
    kind: string
    subject: string
    measure: string
    period_s: number
    at: When
    n: number
    total: number
    low: number
    high: number
  }
  controls: {
    id: string
    name: string
    domain: string
    version: string
    is_key_exported: Generated<boolean>
    vaults: Generated<number>
    archived_at: WhenOrNull
    archive_problem: string | null
    started_at: When
    seen_at: When
  }
  executor: { only_row: Generated<boolean>; term: Big; holder: string | null; since: When }
  restores: {
    id: string
    archive: string
    taken_at: When
    restored_at: When
    settled_at: WhenOrNull
    epoch: Big
    is_explained: Generated<boolean>
    heard: ColumnType<string[], string | undefined, string>
  }
  unknown_holdings: {
    machine: string
    kind: 'machine' | 'server' | 'schema' | 'service'
    server: string
    name: string
    seen_at: When
  }
}
