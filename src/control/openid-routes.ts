// The routes by which a browser goes to an OpenID provider and comes back from it.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Kysely } from 'kysely'
import { type OpenId, type OpenIdTry, signInBound } from '../accounts/openid.ts'
import type { Seal } from '../accounts/seal.ts'
import { API } from '../contract/api-routes.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { SIGN_IN_FAILED } from '../contract/portal-page.ts'
import { Fault } from '../kit/fault.ts'
import { OIDC_TRY_MS } from '../kit/limits.ts'
import { type Portal, readCookie, sessionCookie, tryCookie, writeCookie } from './http-session.ts'

type OpenIdDeps = { db: Kysely<ControlDatabase>; seal: Seal; portal: Portal; openId: OpenId }
type Kept = OpenIdTry & { untilMs: number }

/** Away, and back: each is a page that a browser goes to, so each answers with another page. */
export const openIdRoutes: FastifyPluginAsyncTypebox<OpenIdDeps> = async (app, { db, seal, portal, openId }) => {
  app.get(API.oidcBegin, async (request, reply) => {
    try {
      const { url, kept } = await openId.begin()
      const sealed = seal.seal(JSON.stringify({ ...kept, untilMs: Date.now() + OIDC_TRY_MS } satisfies Kept))
      return reply.header('set-cookie', writeCookie(tryCookie(portal, request.host), sealed)).redirect(url)
    } catch (error) {
      return reply.redirect(failed(error))
    }
  })

  app.get(API.oidcDone, async (request, reply) => {
    const cookie = tryCookie(portal, request.host)
    const given = readCookie(request.headers, cookie)
    const ended = writeCookie(cookie, null)
    try {
      const kept = readTry(seal, given)
      const person = await openId.finish(new URL(request.url, portal.url).search, kept)
      const { secret } = await signInBound(db, person)
      return reply.header('set-cookie', [ended, writeCookie(sessionCookie(portal, request.host), secret)]).redirect('/')
    } catch (error) {
      return reply.header('set-cookie', ended).redirect(failed(error))
    }
  })
}

// A bug stays one: only what is a fault is told to the browser.
function failed(error: unknown): string {
  if (error instanceof Fault) return `/${SIGN_IN_FAILED}${error.code}`
  throw error
}

function readTry(seal: Seal, given: string | null): Kept {
  const old = () =>
    new Fault('account.oidc_refused', 403, 'this sign-in was not begun in this browser, or too long ago', {
      hint: 'Begin again.',
    })
  if (given === null) throw old()
  let kept: Kept
  try {
    kept = JSON.parse(seal.open(given)) as Kept
  } catch {
    throw old()
  }
  if (kept.untilMs < Date.now()) throw old()
  return kept
}
