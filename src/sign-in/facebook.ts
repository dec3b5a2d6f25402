// Facebook: OAuth 2 and its graph (https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow).
// No version in its URLs: each is retired after two years, and then the oldest that is left answers.
import { createHmac } from 'node:crypto'
import type { AuthProvider } from '../contract/auth-provider.ts'
import { away, type Identity, refused, shortened } from './identity.ts'
import type { Provider } from './provider.ts'
import type { Call } from './provider-http.ts'
import { fieldsOf } from './reply.ts'

const NAME = 'Facebook'
const PASSED_ON = ['display', 'scope', 'auth_type']

/** `call`: over HTTP, for the service. */
export function facebook(settings: AuthProvider, call: (url: string, what: Call) => Promise<Response>): Provider {
  const { appId, secret, endpoint } = settings
  const site = endpoint ?? 'https://www.facebook.com'
  const graph = endpoint ?? 'https://graph.facebook.com'

  const ask = async (url: string, what: Call): Promise<Record<string, unknown>> => {
    const answer = await call(url, what).catch((error: unknown) => {
      throw away(NAME, error)
    })
    if (answer.status >= 500) throw away(NAME, `it answers with ${answer.status}`)
    const fields = await fieldsOf(answer)
    if (answer.ok) return fields
    const { message } = Object(fields.error) as { message?: unknown }
    throw refused(`Facebook refused: ${typeof message === 'string' ? shortened(message, 200) : answer.status}`)
  }

  // Whose token it is. The proof shows that its bearer knows the secret, which stolen tokens can not.
  const identityOf = async (accessToken: string): Promise<Identity> => {
    const proof = createHmac('sha256', secret).update(accessToken).digest('hex')
    const headers = { authorization: `Bearer ${accessToken}` }
    const { id } = await ask(`${graph}/me?fields=id&appsecret_proof=${proof}`, { headers })
    if (typeof id !== 'string' || id === '') throw refused('Facebook did not say who this is.')
    return { id, credentials: { accessToken } }
  }

  return {
    begin: async ({ redirectUri, state, parameters }) => {
      const query = new URLSearchParams({ client_id: appId, redirect_uri: redirectUri, response_type: 'code' })
      query.set('display', 'touch')
      for (const name of PASSED_ON) {
        const value = parameters.get(name)
        if (value !== null) query.set(name, value)
      }
      query.set('state', state)
      return { url: `${site}/dialog/oauth?${query}`, kept: {} }
    },
    finish: async ({ redirectUri, query }) => {
      const code = query.get('code') ?? ''
      const body = new URLSearchParams({
        ...{ client_id: appId, client_secret: secret, redirect_uri: redirectUri },
        ...{ code, grant_type: 'authorization_code' },
      })
      const { access_token: accessToken } = await ask(`${graph}/oauth/access_token`, { method: 'POST', body })
      if (typeof accessToken !== 'string') throw refused('Facebook gave no access token.')
      return await identityOf(accessToken)
    },
    check: async ({ access_token: accessToken }) => {
      if (typeof accessToken !== 'string' || accessToken === '') {
        throw refused("Logging in with Facebook needs an 'access_token'.")
      }
      // A token that somebody gave to another app is no sign-in here.
      const asked = `${graph}/debug_token?${new URLSearchParams({ input_token: accessToken })}`
      const { data } = await ask(asked, { headers: { authorization: `Bearer ${appId}|${secret}` } })
      const about = Object(data) as { app_id?: unknown; is_valid?: unknown; user_id?: unknown }
      if (about.is_valid !== true) throw refused('The Facebook access token is not valid.')
      if (String(about.app_id) !== appId) throw refused('The Facebook access token was made for another app.')
      const identity = await identityOf(accessToken)
      if (String(about.user_id) === identity.id) return identity
      throw refused('The Facebook access token is not of a person.')
    },
  }
}
