// Who sends a request: a program by its token, or a person by the session of their browser.
import type { FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import type { KnownCaller } from '../accounts/caller.ts'
import type { Session, Sessions } from '../accounts/sessions.ts'
import { callerOfToken } from '../accounts/tokens.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { type Portal, readCookie, requireHost, requireOwnPage, sessionCookie } from './http-session.ts'

export type Authentication = { db: Kysely<ControlDatabase>; sessions: Sessions; portal: Portal }
/** `secret` is what the browser holds. */
export type BrowserSession = Session & { secret: string }

/** Faults with 401 when nobody shows who they are, and with 403 where a session is used from elsewhere. */
export async function authenticate(
  { db, sessions, portal }: Authentication,
  request: FastifyRequest,
): Promise<{ caller: KnownCaller; session: BrowserSession | null }> {
  const token = request.headers.authorization?.match(/^Bearer\s+(\S+)$/i)?.[1]
  if (token) return { caller: await callerOfToken(db, token), session: null }
  const secret = readCookie(request.headers, sessionCookie(portal, request.host))
  if (secret === null) {
    throw new Fault('account.no_token', 401, 'the management API wants a token, or a person who is signed in', {
      hint: 'Send it as "authorization: Bearer TOKEN"; it is in operator.token of the home folder.',
    })
  }
  requireHost(portal, request.host)
  if (request.method !== 'GET') requireOwnPage(request.headers, request.host)
  const session = await sessions.find(secret)
  if (!session) throw new Fault('account.no_session', 401, 'this session has ended', { hint: 'Sign in again.' })
  return { caller: session.caller, session: { ...session, secret } }
}
