// What the portal reads, each under a key that says which news make it old.
import { type QueryClient, queryOptions } from '@tanstack/react-query'
import type {
  AccountView,
  ArchiveView,
  AuditView,
  AuthorityView,
  AuthProviderView,
  BackupsView,
  CertificateView,
  CustomApiView,
  DashboardSettings,
  DeploymentView,
  DivergencePreviewView,
  DivergenceView,
  DomainView,
  IncidentView,
  JobRunView,
  JobView,
  LogView,
  MachineView,
  ManagementCertificateView,
  MeasuresView,
  NoticeTargetView,
  OperationView,
  PreviewView,
  PushSendView,
  PushView,
  RecoveryPlanView,
  ScriptTextView,
  ScriptVersionView,
  ScriptView,
  ServerView,
  ServiceSettings,
  ServiceView,
  SignInView,
  StatusPostView,
  StatusView,
  SubscriptionView,
  TableView,
  TokenView,
  UsageView,
} from '../../contract/api.ts'
import { API } from '../../contract/api-routes.ts'
import type { Span } from '../../contract/span.ts'
import type { ApiDocument } from '../reference/api-document.ts'
import { call, pathOf } from './call.ts'

/** How long one watch of an operation hangs; control allows 20 s. */
const WATCH_MS = 15_000
/** Between two watches: an operation that changes often is not asked for more often. */
const WATCH_AGAIN_MS = 250
/** How often what no event tells of is read. */
const REFRESH_MS = 15_000
/** Of stranded changes; the command line shows them all. */
const CHANGES_SHOWN = 50
/** Runs of a job, of which more can be had by the command line. */
const RUNS_SHOWN = 20
/** A log that somebody looks at goes on. */
const LOG_MS = 2_000
/** A plan that an operator looks at follows the lag. */
const PLAN_MS = 10_000

const live = { refetchInterval: REFRESH_MS }

const read = <T>(key: readonly unknown[], path: string, query?: Record<string, string | number | boolean>) =>
  queryOptions({
    queryKey: key,
    queryFn: ({ signal }) => call<T>(path, { signal, ...(query ? { query } : {}) }),
  })

export const signInQuery = () => read<SignInView>(['sign-in'], API.signIn)
export const statusQuery = () => ({ ...read<StatusView>(['status', 'cloud'], API.status), ...live })
export const serversQuery = () => ({ ...read<ServerView[]>(['status', 'servers'], API.servers), ...live })
export const machinesQuery = () => ({ ...read<MachineView[]>(['status', 'machines'], API.machines), ...live })
export const incidentsQuery = (query: { isOpen?: boolean; subject?: string; top?: number } = {}) => ({
  ...read<IncidentView[]>(['status', 'incidents', query], API.incidents, query),
  ...live,
})

export const serviceQuery = (service: string) => ({
  ...read<ServiceView>(['services', service, 'view'], pathOf(API.service, { service })),
  ...live,
})
export const usageQuery = (service: string, over: Span) => ({
  ...read<UsageView>(['usage', service, over], pathOf(API.usage, { service }), { over }),
  ...live,
})
export const measuresQuery = (of: { server: string } | { machine: string }, over: Span) => {
  const path = 'server' in of ? pathOf(API.serverMeasures, of) : pathOf(API.machineMeasures, of)
  return { ...read<MeasuresView>(['measures', of, over], path, { over }), ...live }
}
export const settingsQuery = (service: string) =>
  read<ServiceSettings>(['services', service, 'settings'], pathOf(API.settings, { service }))
// A certificate may be issued meanwhile, which no event tells of.
export const domainsQuery = (service: string) => ({
  ...read<DomainView[]>(['services', service, 'domains'], pathOf(API.domains, { service })),
  ...live,
})
export const certificatesQuery = (service: string) =>
  read<CertificateView[]>(['services', service, 'certificates'], pathOf(API.certificates, { service }))
// Pushes come from elsewhere, and no event tells of them.
export const previewsQuery = (service: string) =>
  read<PreviewView[]>(['services', service, 'previews'], pathOf(API.previews, { service }))
export const deploymentsQuery = (service: string) => ({
  ...read<DeploymentView[]>(['services', service, 'deployments'], pathOf(API.deployments, { service })),
  ...live,
})
export const archivesQuery = () => read<ArchiveView[]>(['services', 'archives'], API.archives)

// Tables and scripts are changed by people; no event tells of them.
export const tablesQuery = (service: string) => read<TableView[]>(['tables', service], pathOf(API.tables, { service }))
export const scriptsQuery = (service: string) =>
  read<ScriptView[]>(['scripts', service], pathOf(API.scripts, { service }))
export const scriptVersionsQuery = (service: string, script: string) =>
  read<ScriptVersionView[]>(['scripts', service, script, 'versions'], pathOf(API.scriptVersions, { service, script }))
export const scriptTextQuery = (service: string, script: string, version?: number) =>
  read<ScriptTextView>(
    ['scripts', service, script, 'text', version ?? 'newest'],
    pathOf(API.script, { service, script }),
    version === undefined ? {} : { version },
  )

// Beside the scripts: another version of one is news of them, too.
export const customApisQuery = (service: string) =>
  read<CustomApiView[]>(['scripts', service, 'apis'], pathOf(API.customApis, { service }))
export const authProvidersQuery = (service: string) =>
  read<AuthProviderView[]>(['scripts', service, 'auth-providers'], pathOf(API.authProviders, { service }))
export const jobsQuery = (service: string) => ({
  ...read<JobView[]>(['scripts', service, 'jobs'], pathOf(API.jobs, { service })),
  ...live,
})
export const jobRunsQuery = (service: string, job: string) => ({
  ...read<JobRunView[]>(['scripts', service, 'jobs', job, 'runs'], pathOf(API.jobRuns, { service, job }), {
    top: RUNS_SHOWN,
  }),
  refetchInterval: LOG_MS,
})
export const pushQuery = (service: string) => ({
  ...read<PushView>(['scripts', service, 'push'], pathOf(API.push, { service })),
  ...live,
})
export const pushSendsQuery = (service: string) => ({
  ...read<PushSendView[]>(['scripts', service, 'push', 'sends'], pathOf(API.pushSends, { service }), {
    top: RUNS_SHOWN,
  }),
  refetchInterval: LOG_MS,
})
export const logQuery = (service: string, query: Record<string, string | number>) => ({
  ...read<LogView>(['log', service, query], pathOf(API.log, { service }), query),
  refetchInterval: LOG_MS,
})

export const backupsQuery = (server: string) => read<BackupsView>(['backups', server], pathOf(API.backups, { server }))
export const divergencesQuery = () => read<DivergenceView[]>(['operations', 'divergences'], API.divergences)
export const divergenceQuery = (server: string, epoch: number) =>
  read<DivergencePreviewView>(['divergence', server, epoch], pathOf(API.divergence, { server }), {
    epoch,
    count: CHANGES_SHOWN,
  })
export const operationsQuery = (query: { service?: string; server?: string; top?: number } = {}) => ({
  ...read<OperationView[]>(['operations', query], API.operations, query),
  ...live,
})

/** An operation as it goes on: asked for what is newer than what is known, again and again until it ended. */
export const operationQuery = (operation: string) => {
  const queryKey = ['operation', operation]
  return queryOptions({
    queryKey,
    queryFn: ({ signal, client }) => {
      const known = (client as QueryClient).getQueryData<OperationView>(queryKey)
      const query = known?.state === 'running' ? { after: known.revision, waitMs: WATCH_MS } : {}
      return call<OperationView>(pathOf(API.operation, { operation }), { query, signal })
    },
    refetchInterval: ({ state }) => (state.data && state.data.state !== 'running' ? false : WATCH_AGAIN_MS),
  })
}

/** What a recovery would do now. */
export const recoveryPlanQuery = (service: string, request: { secondary: string; isForced?: boolean }) =>
  queryOptions({
    queryKey: ['services', service, 'recovery-plan', request],
    queryFn: ({ signal }) =>
      call<RecoveryPlanView>(pathOf(API.recover, { service }), {
        method: 'POST',
        body: { ...request, isDryRun: true },
        signal,
      }),
    refetchInterval: PLAN_MS,
    retry: false,
  })

export const accountsQuery = () => read<AccountView[]>(['accounts'], API.accounts)
export const subscriptionQuery = () => read<SubscriptionView>(['subscription'], API.subscription)
export const authorityQuery = () => read<AuthorityView>(['authority'], API.authority)
export const toolCertificatesQuery = () =>
  read<ManagementCertificateView[]>(['tool-certificates'], API.toolCertificates)
export const tokensQuery = () => read<TokenView[]>(['tokens'], API.tokens)
export const noticeTargetsQuery = () => ({ ...read<NoticeTargetView[]>(['notices'], API.noticeTargets), ...live })
export const statusPostsQuery = () => read<StatusPostView[]>(['status-posts'], API.statusPosts)
export const dashboardSettingsQuery = () => read<DashboardSettings>(['dashboard-settings'], API.dashboard)
export const auditQuery = (query: { subject?: string; top?: number } = {}) => ({
  ...read<AuditView[]>(['operations', 'audit', query], API.audit, query),
  ...live,
})

export function apiDocumentQuery() {
  // It changes with the release of control only.
  return queryOptions({
    queryKey: ['api'],
    queryFn: () => call<ApiDocument>(API.openapi),
    staleTime: Number.POSITIVE_INFINITY,
  })
}
