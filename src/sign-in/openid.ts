// Providers that speak OpenID Connect: Google, Microsoft's, and any that a service names. Authorization code with
// PKCE in the server flow, an ID token in the client flow.
import { createHash } from 'node:crypto'
import { createRemoteJWKSet, errors, customFetch as joseFetch, jwtVerify } from 'jose'
import type * as Library from 'openid-client'
import type { AuthProvider } from '../contract/auth-provider.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { AUTH_ASK_AGAIN_MS, AUTH_CALL_MS_MAX, AUTH_METADATA_MS } from '../kit/limits.ts'
import { away, type Identity, refused, shortened } from './identity.ts'
import type { Provider } from './provider.ts'
import type { Call } from './provider-http.ts'

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
/** What an app may add to the question that its users are asked. */
const PASSED_ON = ['display', 'access_type', 'prompt', 'login_hint', 'domain_hint', 'ui_locales']

type Claims = Record<string, unknown>
type Found = { library: typeof Library; config: Library.Configuration }
/** `staleAt`: asked anew from then on (`performance.now`). */
type Asked = { found: Promise<Found>; staleAt: number }
/**
 * `title`: for messages. `issuers`: whose tokens are taken; the first is asked to sign people in, or `common` where there
 * are several. `alsoIssuedAs`: other names of an issuer in tokens that apps bring. `tokenFields`: where an app puts an ID
 * token. `identityOf`: who its claims say it is.
 */
export type OpenIdPreset = {
  title: string
  issuers: string[]
  common: string | null
  scope: string
  tokenFields: string[]
  alsoIssuedAs?: (issuer: string) => string[]
  identityOf: (claims: Claims, accessToken: string | undefined) => Identity
}

/** `call`: over HTTP, for the service. */
export function openId(
  settings: AuthProvider,
  preset: OpenIdPreset,
  call: (url: string, what: Call) => Promise<Response>,
): Provider {
  const { title } = preset
  const asked = new Map<string, Asked>()
  const keys = new Map<string, ReturnType<typeof createRemoteJWKSet>>()
  const fetchIt = async (url: string, options: { method?: string; headers?: unknown; body?: unknown }) => {
    const headers = Object.fromEntries(new Headers(options.headers as Record<string, string>))
    const body = options.body as string | URLSearchParams | undefined
    const { method = 'GET' } = options
    return await call(url, { method, headers, ...(body === undefined || body === null ? {} : { body }) })
  }

  // One that is away is asked again soon, and not by everybody who comes meanwhile.
  const discover = async (issuer: string): Promise<Found> => {
    const known = asked.get(issuer)
    if (known && performance.now() < known.staleAt) return await known.found
    const found = ask(issuer).catch((error: unknown) => {
      asked.set(issuer, { found, staleAt: performance.now() + AUTH_ASK_AGAIN_MS })
      throw away(title, error)
    })
    asked.set(issuer, { found, staleAt: performance.now() + AUTH_METADATA_MS })
    return await found
  }
  const ask = async (issuer: string): Promise<Found> => {
    const library = await import('openid-client')
    const url = new URL(issuer)
    const timeout = AUTH_CALL_MS_MAX / 1_000
    const execute = url.protocol === 'http:' ? [library.allowInsecureRequests] : []
    const options = { timeout, [library.customFetch]: fetchIt, execute }
    const { appId, secret } = settings
    const config = await library.discovery(url, appId, secret || undefined, undefined, options)
    const metadata = config.serverMetadata()
    // What it leaves out means that (OpenID Connect Discovery 1.0, part 3).
    const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    if (!secret || methods.includes('client_secret_post')) return { library, config }
    const basic = new library.Configuration(metadata, appId, secret, library.ClientSecretBasic(secret))
    basic[library.customFetch] = fetchIt
    basic.timeout = timeout
    for (const extension of execute) extension(basic)
    return { library, config: basic }
  }
  const front = () => {
    const [only] = preset.issuers
    if (only === undefined) throw refused(`Logging in with ${title} lets nobody in yet: no tenant is named.`)
    return preset.issuers.length > 1 ? (preset.common ?? only) : only
  }

  /** What `judge` finds with the first of the issuers for which it finds anything; one that is away counts last. */
  const byIssuer = async <T>(judge: (metadata: Metadata) => Promise<T | null>): Promise<T | null> => {
    let failure: unknown = null
    for (const issuer of preset.issuers) {
      try {
        const { issuer: name, jwks_uri: keysAt } = (await discover(issuer)).config.serverMetadata()
        const judged = await judge({ issuer: name, keysAt, isInClear: issuer.startsWith('http:') })
        if (judged !== null) return judged
      } catch (error) {
        failure ??= error
      }
    }
    if (failure !== null) throw failure
    return null
  }
  const verify = async (token: string, { issuer, keysAt, isInClear }: Metadata): Promise<Claims> => {
    if (keysAt === undefined || !URL.canParse(keysAt) || !(isInClear || keysAt.startsWith('https://'))) {
      throw away(title, new Error(`its keys are said to be at ${keysAt}`))
    }
    const set = keys.get(keysAt) ?? createRemoteJWKSet(new URL(keysAt), { [joseFetch]: fetchIt as typeof fetch })
    keys.set(keysAt, set)
    const { payload } = await jwtVerify(token, set, {
      issuer: [issuer, ...(preset.alsoIssuedAs?.(issuer) ?? [])],
      audience: [settings.appId, ...(settings.audiences ?? [])],
      algorithms: ALGORITHMS,
      clockTolerance: 30,
      requiredClaims: ['sub', 'exp'],
    })
    return payload
  }
  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw whyNot(title, error)
    }
  }

  return {
    begin: async ({ redirectUri, state, parameters }) =>
      await told(async () => {
        const { library, config } = await discover(front())
        const kept = { nonce: library.randomNonce(), verifier: library.randomPKCECodeVerifier() }
        const words = `${preset.scope} ${parameters.get('scope') ?? ''}`.split(/\s+/u).filter((one) => one !== '')
        const url = library.buildAuthorizationUrl(config, {
          ...{ redirect_uri: redirectUri, scope: [...new Set(words)].join(' '), state, nonce: kept.nonce },
          ...{ code_challenge: await library.calculatePKCECodeChallenge(kept.verifier), code_challenge_method: 'S256' },
        })
        for (const name of PASSED_ON) {
          const value = parameters.get(name)
          if (value !== null) url.searchParams.set(name, value)
        }
        return { url: url.href, kept }
      }),
    finish: async ({ redirectUri, query, state, kept: { nonce = '', verifier = '' } }) =>
      await told(async () => {
        const { library, config } = await discover(front())
        const came = new URL(redirectUri)
        came.search = query.toString()
        const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
        const tokens = await library.authorizationCodeGrant(config, came, checks)
        const claims = tokens.claims()
        if (!claims) throw refused(`${title} did not say who this is.`)
        const isLetIn = await byIssuer(async ({ issuer }) => (issuer === claims.iss ? true : null))
        if (isLetIn === null) throw refused(`The ${title} account belongs to a tenant that is not let in.`)
        return preset.identityOf(claims, tokens.access_token)
      }),
    check: async (given) =>
      await told(async () => {
        const field = preset.tokenFields.find((name) => typeof given[name] === 'string' && given[name] !== '')
        if (field === undefined) throw refused(`Logging in with ${title} needs an '${preset.tokenFields[0]}'.`)
        front()
        const claims = await byIssuer(async (metadata) => await verify(String(given[field]), metadata))
        if (claims === null) throw refused(`The ${title} token is not valid.`)
        return preset.identityOf(claims, field === 'access_token' ? undefined : vouched(given.access_token, claims))
      }),
  }
}

type Metadata = { issuer: string; keysAt: string | undefined; isInClear: boolean }

// An access token that an app brings beside the ID token may be anybody's, unless the ID token names it
// (OpenID Connect Core 1.0, part 3.1.3.6).
function vouched(accessToken: unknown, { at_hash: wanted }: Claims): string | undefined {
  if (typeof accessToken !== 'string' || typeof wanted !== 'string') return undefined
  const hash = createHash('sha256').update(accessToken).digest()
  return hash.subarray(0, hash.length / 2).toString('base64url') === wanted ? accessToken : undefined
}

// What the libraries found wrong with a token or an answer is its bearer's to know; all else is that nobody answered.
function whyNot(title: string, error: unknown): Fault {
  if (error instanceof Fault) return away(title, error)
  if (isOfKeys(error)) return away(title, error)
  if (error instanceof errors.JOSEError) return refused(`The ${title} token is not valid: ${error.message}.`, error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const isDown = error instanceof Error && error.cause instanceof Response && error.cause.status >= 500
  if (code.startsWith('OAUTH_') && code !== 'OAUTH_TIMEOUT' && !isDown) {
    return refused(`${title} refused: ${describe(error)}`, error)
  }
  return away(title, error)
}

// Of the set of keys, not of the token: the bare class stands for an answer that was none.
function isOfKeys(error: unknown): boolean {
  return (
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC')
  )
}

function describe(error: unknown): string {
  const said = error as { error?: unknown; error_description?: unknown }
  if (typeof said.error_description === 'string') return shortened(said.error_description, 200)
  return typeof said.error === 'string' ? shortened(said.error, 100) : messageOf(error)
}
