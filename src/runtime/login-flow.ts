// The server flow of a sign-in: a browser goes to a provider and comes back. What has to be known again then, it
// carries itself, sealed: so it may come back to another process, or another region.
import { createHash, randomBytes } from 'node:crypto'
import { DEFAULT_INTAKE } from '../contract/assignment.ts'
import { NO_AUTH } from '../contract/auth-provider.ts'
import { isOriginAllowed } from '../kit/cors.ts'
import { AUTH_CODE_MS, AUTH_QUERY_MAX, AUTH_TRY_MS, AUTH_URL_MAX } from '../kit/limits.ts'
import { isSameSecret } from '../kit/same-secret.ts'
import { refused, shortened } from '../sign-in/identity.ts'
import { framePage, type LoginResult, messagePage, type PageAnswer } from '../sign-in/pages.ts'
import type { Provider } from '../sign-in/provider.ts'
import { allowedRedirect } from '../sign-in/redirects.ts'
import { seal, unseal } from '../sign-in/sealed.ts'
import { type Answer, emptyAnswer } from './answer.ts'
import { badRequest } from './app-faults.ts'
import type { AppRequest } from './app-request.ts'
import type { ClientGeneration } from './client-generation.ts'
import { prefixOf, secureOriginOf } from './own-url.ts'
import type { ServedService } from './services.ts'

/** What an app gets of a sign-in. */
export type LoginToken = { user: { userId: string }; authenticationToken: string }

/** How the app hears of the end. `challenge`: the token is had for a code, by who began (RFC 7636). */
type End =
  | { kind: 'done' }
  | { kind: 'postMessage' | 'iframe'; origin: string }
  | { kind: 'redirect'; url: string; challenge: string | null }
/** A sign-in under way. `kept`: for its provider. */
export type LoginTry = { provider: string; state: string; kept: Record<string, string>; end: End; untilMs: number }
export type FlowContext = { request: AppRequest; service: ServedService }
/** `name`: of the provider. */
export type Flow = { generation: ClientGeneration; name: string }

const COOKIE = 'wams_state'
const RETURNED = ['code', 'state', 'error', 'oauth_token', 'oauth_verifier', 'denied']
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/
// https://www.rfc-editor.org/rfc/rfc7636#section-4.1
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/
/** Any app of a device may say that another scheme is its own. */
const OWNED_SCHEMES = new Set(['https:', 'http:', 'ms-app:'])

/** True for a browser that comes back from a provider. */
export function isReturn({ query }: AppRequest): boolean {
  return RETURNED.some((name) => query.has(name))
}

/** Sends the browser to the provider. Faults as the provider does, and for an end that is not allowed. */
export async function leave(context: FlowContext, flow: Flow, provider: Provider): Promise<Answer> {
  const { request, service } = context
  if (request.query.toString().length > AUTH_QUERY_MAX) throw badRequest('The query of this sign-in is too long.')
  const end = endOf(context)
  const state = randomBytes(24).toString('base64url')
  const wanted = { redirectUri: redirectUriOf(request, flow), state, parameters: request.query }
  const { url, kept } = await provider.begin(wanted)
  const begun: LoginTry = { provider: flow.name, state, kept, end, untilMs: Date.now() + AUTH_TRY_MS }
  const sealed = seal(service.assignment.masterKey, 'try', JSON.stringify(begun))
  return emptyAnswer(302, { location: url, 'set-cookie': cookie(request, sealed, AUTH_TRY_MS / 1_000), ...NO_STORE })
}

/**
 * The sign-in that this browser began here, not too long ago, and that has come to its end; null when it did not. A
 * site beside this one may have put cookies of the same name there: each is looked at.
 */
export function tryOf({ request, service }: FlowContext, name: string): LoginTry | null {
  const prefix = `${cookieName(request)}=`
  const tries = cookiesOf(request)
    .filter((one) => one.startsWith(prefix))
    .flatMap((one) => unseal(service.assignment.masterKey, 'try', one.slice(prefix.length)) ?? [])
    .map((text) => JSON.parse(text) as LoginTry)
  const state = request.query.get('state') ?? ''
  const isOurs = ({ provider, untilMs }: LoginTry) => provider === name && untilMs > Date.now()
  return tries.filter(isOurs).find((one) => name === 'twitter' || isSameSecret(state, one.state)) ?? null
}

/** Who came back, with what the provider said. Faults with the reason. */
export async function comeBack(context: FlowContext, flow: Flow, begun: LoginTry | null, provider: Provider) {
  const { request } = context
  const { query } = request
  const said = query.get('error_description') ?? query.get('error') ?? (query.has('denied') ? 'access_denied' : null)
  if (begun === null) throw refused(`Redirect from ${flow.name} does not contain a valid state parameter.`)
  if (said !== null) throw refused(shortened(said, 300))
  return await provider.finish({
    redirectUri: redirectUriOf(request, flow),
    query,
    state: begun.state,
    kept: begun.kept,
  })
}

/** Tells the app how it ended, in the way that it asked for. */
export function handOver(
  { request, service }: FlowContext,
  { generation, name }: Flow,
  end: End,
  outcome: { token: LoginToken } | { error: string },
): Answer {
  const result: LoginResult =
    'token' in outcome ? { oauth: outcome.token, error: null } : { oauth: null, error: outcome.error }
  const ended = { 'set-cookie': cookie(request, '', 0), ...NO_STORE }
  if (end.kind === 'postMessage') return ofPage(messagePage(result, end.origin), ended)
  if (end.kind === 'iframe') return ofPage(framePage(result), ended)
  const fragment = 'token' in outcome ? `token=${encodeURIComponent(JSON.stringify(outcome.token))}` : null
  const failure = 'error' in outcome ? `error=${encodeURIComponent(outcome.error)}` : ''
  if (end.kind === 'redirect') {
    const { url, challenge } = end
    const { masterKey } = service.assignment
    const code =
      'token' in outcome && challenge !== null
        ? codeFor(masterKey, { provider: name, token: outcome.token, challenge })
        : null
    const told = code === null ? (fragment ?? failure) : `authorization_code=${encodeURIComponent(code)}`
    return emptyAnswer(302, { location: `${url}#${told}`, ...ended })
  }
  const done = `${secureOriginOf(request)}${prefixOf(request)}${rootOf(generation)}/done`
  return emptyAnswer(302, { location: `${done}#${fragment ?? failure}`, ...ended })
}

/** The token for a provider's code, to who knows what the challenge was made of. Faults with `auth.refused`. */
export function tokenFor({ request, service }: FlowContext, name: string): LoginToken {
  const text = unseal(service.assignment.masterKey, 'code', request.query.get('authorization_code') ?? '')
  const bad = () => refused('The authorization code is not valid, or it is too old.')
  if (text === null) throw bad()
  const { provider, token, challenge, untilMs } = JSON.parse(text) as Code
  const verifier = request.query.get('code_verifier') ?? ''
  const given = createHash('sha256').update(verifier).digest('base64url')
  if (provider !== name || untilMs < Date.now() || !VERIFIER.test(verifier) || !isSameSecret(given, challenge))
    throw bad()
  return token
}

/** The origin of a page as browsers write it. Faults with `auth.refused` where it is not allowed. */
export function allowedOrigin({ service }: FlowContext, origin: string): string {
  const { origins } = service.assignment.intake ?? DEFAULT_INTAKE
  // A page of a file has no origin that a message could be meant for.
  if (origin !== 'null' && origin.length <= AUTH_URL_MAX && isOriginAllowed(origin, origins)) {
    const { protocol, host } = new URL(origin)
    return `${protocol}//${host}`
  }
  throw refused(`Not a whitelisted origin: ${shortened(origin, 200)}`)
}

const NO_STORE = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }

function endOf(context: FlowContext): End {
  const { query } = context.request
  const type = query.get('completion_type')
  if (type !== null) {
    const kind =
      type.toLowerCase() === 'postmessage' ? 'postMessage' : type.toLowerCase() === 'iframe' ? 'iframe' : null
    if (kind === null) throw badRequest("The completion_type must be 'postMessage' or 'iframe'.")
    return { kind, origin: allowedOrigin(context, query.get('completion_origin') ?? '') }
  }
  const wanted = query.get('sso_end_uri') ?? query.get('post_login_redirect_url')
  if (wanted === null) return { kind: 'done' }
  const { redirects, providers } = context.service.assignment.auth ?? NO_AUTH
  const url = allowedRedirect(wanted, redirects, providers.microsoftaccount?.packageSid)
  if (url === null || url.length > AUTH_URL_MAX) {
    throw refused(`Not a whitelisted URL to redirect to: ${shortened(wanted, 200)}`)
  }
  const challenge = query.get('code_challenge')
  const isHashed = challenge !== null && CHALLENGE.test(challenge) && query.get('code_challenge_method') === 'S256'
  if (challenge !== null && !isHashed) throw badRequest('The code_challenge must be one of the method S256.')
  if (challenge === null && !OWNED_SCHEMES.has(new URL(url).protocol)) {
    throw badRequest('A redirect to a scheme of an app needs a code_challenge.')
  }
  return { kind: 'redirect', url, challenge }
}

type Code = { provider: string; token: LoginToken; challenge: string; untilMs: number }

function codeFor(masterKey: string, what: Omit<Code, 'untilMs'>): string {
  return seal(masterKey, 'code', JSON.stringify({ ...what, untilMs: Date.now() + AUTH_CODE_MS }))
}

function redirectUriOf(request: AppRequest, { generation, name }: Flow): string {
  const path = generation === 1 ? `/login/${name}` : `/.auth/login/${name}/callback`
  return `${secureOriginOf(request)}${prefixOf(request)}${path}`
}

function rootOf(generation: ClientGeneration): string {
  return generation === 1 ? '/login' : '/.auth/login'
}

function ofPage({ body, headers }: PageAnswer, ended: Record<string, string>): Answer {
  return { status: 200, headers: { ...ended, ...headers }, body }
}

function cookie(request: AppRequest, value: string, maxAge: number): string {
  const secure = isSecureHere(request) ? ' Secure;' : ''
  const name = cookieName(request)
  return `${name}=${value}; Path=${prefixOf(request) || '/'}; Max-Age=${maxAge}; HttpOnly;${secure} SameSite=Lax`
}

// With that prefix no other host can put it there (RFC 6265bis, part 4.1.3).
function cookieName(request: AppRequest): string {
  return isSecureHere(request) && prefixOf(request) === '' ? `__Host-${COOKIE}` : COOKIE
}

function isSecureHere(request: AppRequest): boolean {
  return secureOriginOf(request).startsWith('https:')
}

function cookiesOf({ headers }: AppRequest): string[] {
  return (headers.cookie ?? '').split(/;\s*/)
}
