// The management API as an HTTP application: who calls, may they now, and the routes.
import type { FastifyRequest } from 'fastify'
import type { Accounts, Caller } from '../accounts/accounts.ts'
import { API } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { buildTlsApp, type HttpApp, type TlsFiles } from '../kit/http-server.ts'
import type { Log } from '../kit/log.ts'
import { cloudRoutes } from './cloud-routes.ts'
import type { ApiDeps } from './compose.ts'
import { fleetRoutes } from './fleet-routes.ts'
import { historyRoutes } from './history-routes.ts'
import { scriptRoutes } from './script-routes.ts'
import { serviceRoutes } from './service-routes.ts'
import { tableRoutes } from './table-routes.ts'

export type ManagementOptions = {
  accounts: Accounts
  log: Log
  tls: TlsFiles | null
  /** Why nothing may be changed now, or null. */
  heldBy: () => Fault | null
  deps: Omit<ApiDeps, 'callerOf'>
}

const ROUTES = [serviceRoutes, tableRoutes, scriptRoutes, cloudRoutes, fleetRoutes, historyRoutes]

/** Builds it, ready to listen. */
export async function buildManagementApi({ accounts, log, tls, heldBy, deps }: ManagementOptions): Promise<HttpApp> {
  const api = buildTlsApp(log, tls)
  const callers = new WeakMap<FastifyRequest, Caller>()
  const callerOf = (request: FastifyRequest) => {
    const caller = callers.get(request)
    if (!caller) throw new Fault('account.no_token', 401, 'the management API wants a token')
    return caller
  }
  api.app.get(API.live, async () => ({ mainstay: 'control' }))
  api.app.register(async (scope) => {
    scope.addHook('onRequest', async (request) => {
      callers.set(request, await accounts.authenticate(request.headers.authorization))
      const fault = request.method === 'GET' ? null : heldBy()
      if (fault) throw fault
    })
    for (const routes of ROUTES) await scope.register(routes, { ...deps, callerOf })
  })
  await api.app.ready()
  return api
}
