// What a service has, in the original's management protocol: each kind in a file of its own.
import { customApiRoutes } from './custom-api-routes.ts'
import { domainRoutes } from './domain-routes.ts'
import { jobRoutes } from './job-routes.ts'
import { logRoutes } from './log-routes.ts'
import { previewRoutes } from './preview-routes.ts'
import type { ProtocolRoutes } from './protocol.ts'
import { pushRoutes } from './push-routes.ts'
import { scriptRoutes } from './script-routes.ts'
import { settingRoutes } from './setting-routes.ts'
import { tableRoutes } from './table-routes.ts'

const ROUTES = [
  settingRoutes,
  pushRoutes,
  domainRoutes,
  previewRoutes,
  logRoutes,
  tableRoutes,
  scriptRoutes,
  jobRoutes,
  customApiRoutes,
]

/** All of them, below a service. */
export const resourceRoutes: ProtocolRoutes = async (scope, deps) => {
  // The prefix is the scope's already; and a tool has no session.
  const given = { ...deps, sessionOf: () => null, prefix: '' }
  for (const routes of ROUTES) await scope.register(routes, given)
}
