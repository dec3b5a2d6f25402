// The routes by which people sign in and out: without a token, for our own page alone.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import { Type } from 'typebox'
import type { OpenId } from '../accounts/openid.ts'
import type { Seal } from '../accounts/seal.ts'
import type { Begun, Sessions } from '../accounts/sessions.ts'
import { AcceptInvitation, SessionView, SignIn, SignInView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { readRelease } from '../kit/release.ts'
import { type Portal, readCookie, requireHost, requireOwnPage, sessionCookie, writeCookie } from './http-session.ts'
import { openIdRoutes } from './openid-routes.ts'

type SignInDeps = { db: Kysely<ControlDatabase>; seal: Seal; sessions: Sessions; portal: Portal; openId: OpenId | null }

/** How to sign in here; sign in, by a password or an invitation; sign out. */
export const signInRoutes: FastifyPluginAsyncTypebox<SignInDeps> = async (app, deps) => {
  const { sessions, portal, openId } = deps
  const release = readRelease()
  app.addHook('onRequest', async (request) => {
    requireHost(portal, request.host)
    if (request.method !== 'GET') requireOwnPage(request.headers, request.host)
  })
  const give = (request: FastifyRequest, reply: FastifyReply, { secret, view }: Begun) => {
    reply.header('set-cookie', writeCookie(sessionCookie(portal, request.host), secret))
    return view
  }

  app.get(API.signIn, { schema: { response: { 200: SignInView } } }, async () => {
    return { oidc: openId && { label: openId.label, url: API.oidcBegin }, release }
  })
  if (openId) await app.register(openIdRoutes, { ...deps, openId })

  app.post(API.session, { schema: { body: SignIn, response: { 200: SessionView } } }, async (request, reply) => {
    return give(request, reply, await sessions.signIn(request.body))
  })

  const accept = { body: AcceptInvitation, response: { 200: SessionView } }
  app.post(API.invitation, { schema: accept }, async (request, reply) => {
    const { token, password } = request.body
    return give(request, reply, await sessions.accept(token, password))
  })

  app.delete(API.session, { schema: { response: { 204: Type.Null() } } }, async (request, reply) => {
    const cookie = sessionCookie(portal, request.host)
    const secret = readCookie(request.headers, cookie)
    if (secret !== null) await sessions.end(secret)
    reply.header('set-cookie', writeCookie(cookie, null))
    return reply.code(204).send(null)
  })
}
