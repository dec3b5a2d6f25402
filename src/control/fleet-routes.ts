// The management API's routes for machines: join tokens, the list, revocation.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { revokedFault } from '../accounts/accounts.ts'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import { JoinTokenRequest, JoinTokenView, MachineView, RevocationView, RevokeRequest } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { slugOf } from '../kit/identifiers.ts'
import { parseName } from '../kit/role-options.ts'
import { ensureRegion, getMachine, listMachines, listRegions } from '../regions/regions.ts'
import type { ApiDeps } from './compose.ts'
import { viewMachine } from './machine-views.ts'
import { revokeMachine } from './revocation.ts'

const Params = Type.Object({ machine: Type.String({ maxLength: 100 }) })

/** Everything about machines. */
export const fleetRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const { board } = deps.views

  const joinSchema = { body: JoinTokenRequest, response: { 201: JoinTokenView } }
  app.post(API.joinTokens, { schema: joinSchema, config: { role: 'owner' } }, async (request, reply) => {
    const { role } = request.body
    const domain = await domainOf(deps, request.body)
    // The region is named here for the first time: regions keep the order in which people name them.
    if (role === 'host') await ensureRegion(deps.db, domain)
    return reply.code(201).send(await makeToken(deps, deps.callerOf(request), { role, domain }))
  })

  const againSchema = { params: Params, response: { 201: JoinTokenView } }
  app.post(API.machineJoinTokens, { schema: againSchema, config: { role: 'owner' } }, async (request, reply) => {
    const { name, role, domain, revoked_at } = await getMachine(deps.db, request.params.machine)
    if (revoked_at !== null) throw revokedFault(name)
    const wanted = { role: role === 'gateway' ? ('gateway' as const) : ('host' as const), domain, machine: name }
    return reply.code(201).send(await makeToken(deps, deps.callerOf(request), wanted))
  })

  app.get(API.machines, { schema: { response: { 200: Type.Array(MachineView) } } }, async () => {
    return (await listMachines(deps.db)).map((machine) => viewMachine(board, machine))
  })

  app.get(API.machine, { schema: { params: Params, response: { 200: MachineView } } }, async (request) => {
    return viewMachine(board, await getMachine(deps.db, request.params.machine))
  })

  const revokeSchema = { params: Params, body: RevokeRequest, response: { 200: RevocationView } }
  app.post(API.machineRevoke, { schema: revokeSchema, config: { role: 'owner' } }, async (request) => {
    const answer = await revokeMachine({ db: deps.db, board }, deps.callerOf(request), {
      ...request.body,
      name: request.params.machine,
    })
    if (request.body.isDryRun !== true) await deps.field.push()
    return answer
  })
}

async function makeToken(
  deps: ApiDeps,
  caller: Caller,
  wanted: { role: 'host' | 'gateway'; domain: string; machine?: string },
): Promise<JoinTokenView> {
  const { token, expiresAt } = await deps.accounts.createJoinToken(wanted)
  const { role, domain, machine = null } = wanted
  const after = { role, domain, machine, expiresAt }
  await audit(deps.db, caller, { action: 'join-token create', subject: machine ?? domain, after })
  return { token, role, domain, machine, expiresAt: expiresAt.toISOString(), controlUrl: deps.controlUrl }
}

// A region that is named by its slug, or in other letters, is the region that is there already.
async function domainOf(deps: ApiDeps, wanted: JoinTokenRequest): Promise<string> {
  const name = parseName(wanted.role === 'host' ? 'region' : 'domain', wanted.domain)
  if (wanted.role !== 'host') return name
  const known = (await listRegions(deps.db)).find((region) => region.slug === slugOf(name))
  return known?.name ?? name
}
