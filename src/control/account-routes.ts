// The routes for who may sign in and what they may do: one's own session, accounts of people, tokens.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import {
  type Invitation,
  inviteAccount,
  inviteAgain,
  listAccounts,
  removeAccount,
  setRole,
} from '../accounts/people.ts'
import { createToken, listTokens, revokeToken } from '../accounts/tokens.ts'
import {
  AccountView,
  ChangePassword,
  CreateToken,
  InvitationView,
  InviteAccount,
  NewTokenView,
  SessionView,
  SetRole,
  TokenView,
} from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { WELCOME_PATH } from '../contract/portal-page.ts'
import { Fault } from '../kit/fault.ts'
import type { ApiDeps } from './compose.ts'

const ByAccount = Type.Object({ account: Type.String({ maxLength: 100 }) })
const NOTHING = { 204: Type.Null() }
const config = { role: 'owner' } as const

/** Session: see, change the password. Accounts and tokens: list, make, change, remove; for owners. */
export const accountRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const { db, callerOf } = deps
  const viewInvitation = ({ name, role, token, expiresAt }: Invitation): InvitationView => {
    // Behind the hash it is sent to nobody, and stands in no log.
    return { name, role, url: `${deps.portal.url}${WELCOME_PATH}#${token}`, expiresAt: expiresAt.toISOString() }
  }

  app.get(API.session, { schema: { response: { 200: SessionView } } }, async (request) => {
    const session = requireSession(deps, request)
    const { principal: name, role } = session.caller
    return { name, role, expiresAt: session.expiresAt.toISOString() }
  })

  const password = { schema: { body: ChangePassword, response: NOTHING }, config: { role: 'reader' } as const }
  app.put(API.password, password, async (request, reply) => {
    const session = requireSession(deps, request)
    await deps.sessions.changePassword(session, session.secret, request.body)
    return reply.code(204).send(null)
  })

  app.get(API.accounts, { schema: { response: { 200: Type.Array(AccountView) } }, config }, async (request) => {
    return await listAccounts(db, callerOf(request).subscriptionId)
  })

  const invite = { schema: { body: InviteAccount, response: { 201: InvitationView } }, config }
  app.post(API.accounts, invite, async (request, reply) => {
    return reply.code(201).send(viewInvitation(await inviteAccount(db, callerOf(request), request.body)))
  })

  const again = { schema: { params: ByAccount, response: { 201: InvitationView } }, config }
  app.post(API.invite, again, async (request, reply) => {
    return reply.code(201).send(viewInvitation(await inviteAgain(db, callerOf(request), request.params.account)))
  })

  const change = { schema: { params: ByAccount, body: SetRole, response: { 200: AccountView } }, config }
  app.patch(API.account, change, async (request) => {
    const { account } = request.params
    await setRole(db, callerOf(request), account, request.body.role)
    const all = await listAccounts(db, callerOf(request).subscriptionId)
    const view = all.find(({ name }) => name.toLowerCase() === account.toLowerCase())
    if (!view) throw new Fault('account.unknown', 404, `the account '${account}' was removed`)
    return view
  })

  app.delete(API.account, { schema: { params: ByAccount, response: NOTHING }, config }, async (request, reply) => {
    await removeAccount(db, callerOf(request), request.params.account)
    return reply.code(204).send(null)
  })

  app.get(API.tokens, { schema: { response: { 200: Type.Array(TokenView) } }, config }, async (request) => {
    return await listTokens(db, callerOf(request).subscriptionId)
  })

  const create = { schema: { body: CreateToken, response: { 201: NewTokenView } }, config }
  app.post(API.tokens, create, async (request, reply) => {
    return reply.code(201).send(await createToken(db, callerOf(request), request.body))
  })

  const byToken = Type.Object({ token: Type.String({ maxLength: 100 }) })
  app.delete(API.token, { schema: { params: byToken, response: NOTHING }, config }, async (request, reply) => {
    await revokeToken(db, callerOf(request), request.params.token)
    return reply.code(204).send(null)
  })
}

function requireSession({ sessionOf }: ApiDeps, request: Parameters<ApiDeps['sessionOf']>[0]) {
  const session = sessionOf(request)
  if (session) return session
  throw new Fault('account.no_session', 401, 'a token has no session and no password', {
    hint: 'Sign in in a browser.',
  })
}
