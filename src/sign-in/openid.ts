// Providers that speak OpenID Connect: Google, Microsoft's, and any that a service names. Authorization code with
// PKCE in the server flow, an ID token in the client flow.
import { createRemoteJWKSet, errors, customFetch as joseFetch, jwtVerify } from 'jose'
import type * as Library from 'openid-client'
import type { AuthProvider } from '../contract/auth-provider.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { AUTH_CALL_MS_MAX } from '../kit/limits.ts'
import { away, type Identity, refused } from './identity.ts'
import type { Provider } from './provider.ts'
import type { Call } from './provider-http.ts'

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
/** What an app may add to the question that its users are asked. */
const PASSED_ON = ['display', 'access_type', 'prompt', 'login_hint', 'domain_hint', 'ui_locales']

type Claims = Record<string, unknown>
type Found = { library: typeof Library; config: Library.Configuration }
/**
 * `title`: for messages. `issuers`: whose tokens are taken; the first is asked to sign people in, or `common` where there
 * are several. `tokenFields`: where an app puts an ID token. `identityOf`: who its claims say it is.
 */
export type OpenIdPreset = {
  title: string
  issuers: string[]
  common: string | null
  scope: string
  tokenFields: string[]
  identityOf: (claims: Claims, accessToken: string | undefined) => Identity
}

/** `call`: over HTTP, for the service. */
export function openId(
  settings: AuthProvider,
  preset: OpenIdPreset,
  call: (url: string, what: Call) => Promise<Response>,
): Provider {
  const { title } = preset
  const found = new Map<string, Promise<Found>>()
  const keys = new Map<string, ReturnType<typeof createRemoteJWKSet>>()
  const fetchIt = async (url: string, options: { method?: string; headers?: unknown; body?: unknown }) => {
    const headers = Object.fromEntries(new Headers(options.headers as Record<string, string>))
    const body = options.body as string | URLSearchParams | undefined
    const { method = 'GET' } = options
    return await call(url, { method, headers, ...(body === undefined || body === null ? {} : { body }) })
  }

  // The provider may be away at first, and is asked again then.
  const discover = async (issuer: string): Promise<Found> => {
    const known = found.get(issuer)
    if (known) return await known
    const asked = ask(issuer)
    found.set(issuer, asked)
    try {
      return await asked
    } catch (error) {
      found.delete(issuer)
      throw away(title, error)
    }
  }
  const ask = async (issuer: string): Promise<Found> => {
    const library = await import('openid-client')
    const url = new URL(issuer)
    const options = {
      timeout: AUTH_CALL_MS_MAX / 1_000,
      [library.customFetch]: fetchIt,
      ...(url.protocol === 'http:' ? { execute: [library.allowInsecureRequests] } : {}),
    }
    return { library, config: await library.discovery(url, settings.appId, settings.secret, undefined, options) }
  }
  const issuerOf = async (issuer: string) => (await discover(issuer)).config.serverMetadata()
  const front = () => {
    const [only] = preset.issuers
    if (only === undefined) throw refused(`Logging in with ${title} lets nobody in yet: no tenant is named.`)
    return preset.issuers.length > 1 ? (preset.common ?? only) : only
  }
  const requireKnownIssuer = async (claims: Claims) => {
    const metadata = await Promise.all(preset.issuers.map(issuerOf))
    if (metadata.some(({ issuer }) => issuer === claims.iss)) return
    throw refused(`The ${title} account belongs to a tenant that is not let in.`)
  }

  return {
    begin: async ({ redirectUri, state, parameters }) => {
      const { library, config } = await discover(front())
      const kept = { nonce: library.randomNonce(), verifier: library.randomPKCECodeVerifier() }
      const scope = new Set(
        `${preset.scope} ${parameters.get('scope') ?? ''}`.split(/\s+/u).filter((one) => one !== ''),
      )
      const url = library.buildAuthorizationUrl(config, {
        ...{ redirect_uri: redirectUri, scope: [...scope].join(' '), state, nonce: kept.nonce },
        ...{ code_challenge: await library.calculatePKCECodeChallenge(kept.verifier), code_challenge_method: 'S256' },
      })
      for (const name of PASSED_ON) {
        const value = parameters.get(name)
        if (value !== null) url.searchParams.set(name, value)
      }
      return { url: url.href, kept }
    },
    finish: async ({ redirectUri, query, state, kept: { nonce = '', verifier = '' } }) => {
      const { library, config } = await discover(front())
      const came = new URL(redirectUri)
      came.search = query.toString()
      const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
      const tokens = await library.authorizationCodeGrant(config, came, checks).catch((error: unknown) => {
        throw whyNot(title, error)
      })
      const claims = tokens.claims()
      if (!claims) throw refused(`${title} did not say who this is.`)
      await requireKnownIssuer(claims)
      return preset.identityOf(claims, tokens.access_token)
    },
    check: async (given) => {
      const field = preset.tokenFields.find((name) => typeof given[name] === 'string' && given[name] !== '')
      if (field === undefined) {
        throw refused(`Logging in with ${title} needs an '${preset.tokenFields[0]}'.`)
      }
      front()
      const metadata = await Promise.all(preset.issuers.map(issuerOf))
      const accessToken =
        typeof given.access_token === 'string' && field !== 'access_token' ? given.access_token : undefined
      let reason: unknown
      for (const { issuer, jwks_uri: url } of metadata) {
        if (url === undefined) continue
        const set = keys.get(url) ?? createRemoteJWKSet(new URL(url), { [joseFetch]: fetchIt as typeof fetch })
        keys.set(url, set)
        try {
          const { payload } = await jwtVerify(String(given[field]), set, {
            // Google's older libraries leave the scheme out.
            issuer: [issuer, issuer.replace('https://accounts.google.com', 'accounts.google.com')],
            audience: [settings.appId, ...(settings.audiences ?? [])],
            algorithms: ALGORITHMS,
            clockTolerance: 30,
            requiredClaims: ['sub', 'exp'],
          })
          return preset.identityOf(payload, accessToken)
        } catch (error) {
          reason = error
        }
      }
      throw whyNot(title, reason)
    },
  }
}

// What the libraries found wrong with a token or an answer is its bearer's to know; all else is that nobody answered.
function whyNot(title: string, error: unknown): Fault {
  if (error instanceof Fault) return error
  if (error instanceof errors.JWKSTimeout) return away(title, error)
  if (error instanceof errors.JOSEError) return refused(`The ${title} token is not valid: ${error.message}.`, error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code.startsWith('OAUTH_') && code !== 'OAUTH_TIMEOUT') {
    return refused(`${title} refused: ${describe(error)}`, error)
  }
  return away(title, error)
}

function describe(error: unknown): string {
  const said = error as { error?: unknown; error_description?: unknown }
  if (typeof said.error_description === 'string') return said.error_description.slice(0, 200)
  return typeof said.error === 'string' ? said.error.slice(0, 100) : messageOf(error)
}
