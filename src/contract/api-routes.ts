// The routes of the management API. Apart from the schemas: a client that only calls need not load those.

/** Control → clients, with every answer: its release. */
export const RELEASE_HEADER = 'x-mainstay-release'

/** The routes, by name; `:x` is filled in by the client. */
export const API = {
  live: '/api/v1/live',
  /** For Prometheus, which wants it there. */
  metrics: '/metrics',
  status: '/api/v1/status',
  regions: '/api/v1/regions',
  region: '/api/v1/regions/:region',
  services: '/api/v1/services',
  service: '/api/v1/services/:service',
  tables: '/api/v1/services/:service/tables',
  table: '/api/v1/services/:service/tables/:table',
  permissions: '/api/v1/services/:service/tables/:table/permissions',
  column: '/api/v1/services/:service/tables/:table/columns/:column',
  index: '/api/v1/services/:service/tables/:table/indexes/:column',
  data: '/api/v1/services/:service/tables/:table/data',
  truncate: '/api/v1/services/:service/tables/:table/truncate',
  scripts: '/api/v1/services/:service/scripts',
  runningScripts: '/api/v1/services/:service/running-scripts',
  script: '/api/v1/services/:service/scripts/:script',
  scriptVersions: '/api/v1/services/:service/scripts/:script/versions',
  recover: '/api/v1/services/:service/recover',
  switchService: '/api/v1/services/:service/switchover',
  scale: '/api/v1/services/:service/scale',
  key: '/api/v1/services/:service/keys/:type',
  restart: '/api/v1/services/:service/restart',
  archives: '/api/v1/archives',
  restore: '/api/v1/archives/:service/restore',
  operations: '/api/v1/operations',
  operation: '/api/v1/operations/:operation',
  audit: '/api/v1/audit',
  servers: '/api/v1/servers',
  server: '/api/v1/servers/:server',
  protectServer: '/api/v1/servers/:server/protect',
  switchServer: '/api/v1/servers/:server/switchover',
  joinTokens: '/api/v1/join-tokens',
  settleWithout: '/api/v1/control/settle/:machine',
  machines: '/api/v1/machines',
  machine: '/api/v1/machines/:machine',
  machineJoinTokens: '/api/v1/machines/:machine/join-tokens',
  machineRevoke: '/api/v1/machines/:machine/revoke',
} as const
