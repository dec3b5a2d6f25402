// Twitter: OAuth 1.0a in three legs (https://docs.x.com/resources/fundamentals/authentication/oauth-1-0a).
import type { AuthProvider } from '../contract/auth-provider.ts'
import { away, refused } from './identity.ts'
import { oauthHeader } from './oauth1.ts'
import type { Provider } from './provider.ts'
import type { Call } from './provider-http.ts'
import { fieldsOf } from './reply.ts'

const NAME = 'Twitter'

/** `call`: over HTTP, for the service. */
export function twitter(settings: AuthProvider, call: (url: string, what: Call) => Promise<Response>): Provider {
  const base = settings.endpoint ?? 'https://api.twitter.com'
  const consumer = { consumerKey: settings.appId, consumerSecret: settings.secret }

  const ask = async (
    path: string,
    oauth: Record<string, string>,
    token: { token?: string; tokenSecret?: string },
  ): Promise<Record<string, string>> => {
    const url = `${base}${path}`
    const request = { method: 'POST', url, parameters: {}, oauth }
    const authorization = oauthHeader(request, { ...consumer, ...token }, { now: Date.now() })
    const answer = await call(url, { method: 'POST', headers: { authorization } }).catch((error: unknown) => {
      throw away(NAME, error)
    })
    if (answer.status >= 500) throw away(NAME, `it answers with ${answer.status}`)
    if (!answer.ok) throw refused(`Twitter refused with ${answer.status}: see that key, secret and callback URL fit.`)
    return (await fieldsOf(answer)) as Record<string, string>
  }

  return {
    begin: async ({ redirectUri }) => {
      const fields = await ask('/oauth/request_token', { oauth_callback: redirectUri }, {})
      const {
        oauth_token: token = '',
        oauth_token_secret: tokenSecret = '',
        oauth_callback_confirmed: confirmed,
      } = fields
      if (token === '' || tokenSecret === '' || confirmed !== 'true') throw refused('Twitter gave no request token.')
      return {
        url: `${base}/oauth/authenticate?${new URLSearchParams({ oauth_token: token })}`,
        kept: { token, tokenSecret },
      }
    },
    finish: async ({ query, kept: { token = '', tokenSecret = '' } }) => {
      // What the state is elsewhere: only who began with this token may end with it.
      if (token === '' || query.get('oauth_token') !== token) {
        throw refused('Redirect from twitter does not contain a valid request token.')
      }
      const verifier = query.get('oauth_verifier') ?? ''
      const fields = await ask('/oauth/access_token', { oauth_verifier: verifier }, { token, tokenSecret })
      const { user_id: id, oauth_token: accessToken, oauth_token_secret: accessTokenSecret } = fields
      if (!id || !accessToken || !accessTokenSecret) throw refused('Twitter did not say who this is.')
      return { id, credentials: { accessToken, accessTokenSecret } }
    },
    check: null,
  }
}
