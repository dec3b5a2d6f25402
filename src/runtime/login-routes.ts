// Signing in through a provider, for clients of both generations: `/login/…` and `/.auth/login/…`.
import { isKnownProvider, NO_AUTH } from '../contract/auth-provider.ts'
import { Fault, reasonsOf } from '../kit/fault.ts'
import { AUTH_ACCESS_TOKEN_MAX } from '../kit/limits.ts'
import { type Identity, refused, shortened } from '../sign-in/identity.ts'
import { nameForScripts, nameInTokens, providerNamed, providerOfName } from '../sign-in/names.ts'
import { bridgePage, type PageAnswer, receiverPage } from '../sign-in/pages.ts'
import type { Provider } from '../sign-in/provider.ts'
import type { Providers } from '../sign-in/providers.ts'
import { type Answer, jsonAnswer, methodNotAllowed } from './answer.ts'
import { answerOfError, badRequest, notFound } from './app-faults.ts'
import type { AppRequest } from './app-request.ts'
import { identify } from './credentials.ts'
import {
  allowedOrigin,
  comeBack,
  type Flow,
  type FlowContext,
  handOver,
  isReturn,
  type LoginToken,
  leave,
  tokenFor,
  tryOf,
} from './login-flow.ts'
import type { Scripts } from './scripts.ts'
import { credentialsIn, makeToken } from './user-token.ts'

type Context = FlowContext & { scripts: Scripts; providers: Providers }

/** Answers below `/login` of the first generation; `segments` are what follows, decoded. */
export async function answerLogin(context: Context, segments: string[]): Promise<Answer> {
  return await answerLoginOf(context, 1, segments)
}

/** Answers below `/.auth` of the second, whose clients do not say there that they are. */
export async function answerAuth(context: Context, [word = '', ...rest]: string[]): Promise<Answer> {
  try {
    if (word.toLowerCase() === 'login') return await answerLoginOf(context, 2, rest)
    if (word.toLowerCase() === 'me' && rest.length === 0) return answerMe(context)
    if (word.toLowerCase() === 'refresh' && rest.length === 0) return answerRefresh(context)
    throw notFound()
  } catch (error) {
    if (error instanceof Fault) return answerOfError(error, 2)
    throw error
  }
}

async function answerLoginOf(
  context: Context,
  generation: Flow['generation'],
  [word, ...rest]: string[],
): Promise<Answer> {
  const { request } = context
  const { method } = request
  const first = word?.toLowerCase()
  const below = rest.join('/').toLowerCase()
  if (first === 'done' && below === '') return ofPage(request, () => EMPTY_PAGE)
  if (generation === 2 && first === 'iframereceiver' && below === '') return answerReceiver(context)
  // Without a word it is the provider that clients had before there were others.
  const name = word === undefined ? 'microsoftaccount' : providerNamed(word)
  const flow = { generation, name }
  if (generation === 2 && below === 'token') return answerCode(context, flow)
  const isCallback = generation === 2 && below === 'callback'
  if (below !== '' && !isCallback) throw notFound()
  if (method === 'POST' && below === '') return await answerClientFlow(context, flow)
  if (method === 'GET' && word !== undefined) {
    return await answerServerFlow(context, flow, isCallback || isReturn(context.request))
  }
  return methodNotAllowed(word === undefined ? 'POST' : below === '' ? 'GET, POST' : 'GET')
}

/** The pages for old browsers: `/crossdomain/bridge` and `/crossdomain/loginreceiver`. */
export function answerCrossDomain(context: Context, segments: string[]): Answer {
  const what = segments.join('/').toLowerCase()
  if (what === 'loginreceiver') return answerReceiver(context)
  if (what !== 'bridge') throw notFound()
  return ofPage(context.request, () => bridgePage(allowedOrigin(context, context.request.query.get('origin') ?? '')))
}

// Who the bearer of the token is, as the later product's servers ask for it.
function answerMe({ request, service }: FlowContext): Answer {
  if (request.method !== 'GET') return methodNotAllowed('GET')
  const { assignment } = service
  const { id, claims } = identify({ ...request, clientGeneration: 2 }, assignment)
  if (id === null || claims === null) throw refused('Nobody is signed in.')
  const credentials = credentialsIn(claims, assignment.masterKey) ?? {}
  const [[provider, about] = ['custom', {}]] = Object.entries(credentials)
  const { accessToken, accessTokenSecret, ...others } = about as Record<string, unknown>
  const told = Object.entries(others).map(([typ, val]) => ({ typ, val: String(val) }))
  const me = { provider_name: providerOfName(provider), user_id: id, access_token: accessToken, user_claims: told }
  return jsonAnswer(200, JSON.stringify([me]), { 'cache-control': 'no-store' })
}

// Clients know 401 (sign in, this token is over) and 400 (sign in, there is nothing to prolong it by). A token is
// prolonged by its provider's word or not at all, and none of what providers give for that is kept.
function answerRefresh({ request, service }: FlowContext): Answer {
  if (request.method !== 'GET') return methodNotAllowed('GET')
  const { id } = identify({ ...request, clientGeneration: 2 }, service.assignment)
  if (id === null) throw refused('Nobody is signed in.')
  throw badRequest('A sign-in is not prolonged here: sign in again before the token ends.')
}

async function answerServerFlow(context: Context, flow: Flow, isBack: boolean): Promise<Answer> {
  const provider = findProvider(context, flow.name)
  if (!isBack) return await noting(context, flow, async () => await leave(context, flow, provider))
  const begun = tryOf(context, flow.name)
  const end = begun?.end ?? { kind: 'done' as const }
  try {
    const identity = await noting(context, flow, async () => await comeBack(context, flow, begun, provider))
    return handOver(context, flow, end, { token: tokenOf(context, flow, identity) })
  } catch (error) {
    // The browser shows the app's page: there it has to be told.
    if (error instanceof Fault) return handOver(context, flow, end, { error: error.message })
    throw error
  }
}

async function answerClientFlow(context: Context, flow: Flow): Promise<Answer> {
  const { check } = findProvider(context, flow.name)
  // That of Azure AD came with the second generation.
  if (check === null || (flow.name === 'aad' && flow.generation === 1)) {
    throw new Fault('auth.not_taken', 405, `POST of ${nameInTokens(flow.name)} token is not supported.`)
  }
  const body = await context.request.readBody()
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest('A single (valid) JSON object is expected.')
  }
  const identity = await noting(context, flow, async () => await check(body as Record<string, unknown>))
  return tokenAnswer(tokenOf(context, flow, identity))
}

function answerCode(context: Context, { name }: Flow): Answer {
  findProvider(context, name)
  return context.request.method === 'GET' ? tokenAnswer(tokenFor(context, name)) : methodNotAllowed('GET')
}

function tokenAnswer(token: LoginToken): Answer {
  return jsonAnswer(200, JSON.stringify(token), { 'cache-control': 'no-store' })
}

function answerReceiver(context: Context): Answer {
  const origin = context.request.query.get('completion_origin') ?? ''
  return ofPage(context.request, () => receiverPage(allowedOrigin(context, origin)))
}

const EMPTY_PAGE: PageAnswer = {
  body: '',
  headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
}

function ofPage(request: AppRequest, make: () => PageAnswer): Answer {
  return request.method === 'GET' ? { status: 200, ...make() } : methodNotAllowed('GET')
}

function findProvider({ service, providers }: Context, name: string): Provider {
  const { id, auth = NO_AUTH } = service.assignment
  const provider = providers.find(id, auth, name)
  if (provider) return provider
  if (isKnownProvider(name)) throw refused(`Logging in with ${name} is not enabled.`)
  throw refused(`Authentication with '${shortened(name, 50)}' is not supported.`)
}

function tokenOf({ service }: Context, { generation, name }: Flow, { id, credentials }: Identity): LoginToken {
  const provider = nameInTokens(name)
  const userId = `${provider}:${id}`
  const known = { [nameForScripts(name)]: { userId, ...bearable(credentials) } }
  const who = { generation, provider, userId, credentials: known }
  return { user: { userId }, authenticationToken: makeToken(who, service.assignment.masterKey, Date.now()) }
}

// The token goes along with every request: what is too long for that is left out.
function bearable(credentials: Identity['credentials']): Identity['credentials'] {
  const isShort = ([, value]: [string, unknown]) => String(value).length <= AUTH_ACCESS_TOKEN_MAX
  return Object.fromEntries(Object.entries(credentials).filter(isShort))
}

// Why somebody did not come in is for the service's log: its users are told what they can do about it.
async function noting<T>(context: Context, { name }: Flow, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const why = error.cause === undefined ? '' : ` (${reasonsOf(error.cause)})`
    context.scripts.log(context.service.assignment.name, {
      ...{ source: `/login/${name}`, level: 'warn', requestId: context.request.id },
      message: `${error.message}${why}`,
    })
    throw error
  }
}
