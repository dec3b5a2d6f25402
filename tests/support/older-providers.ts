// Providers that speak no OpenID: Facebook's OAuth 2 and Twitter's OAuth 1.0a, as far as a sign-in goes.
import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { oauthHeader } from '../../src/sign-in/oauth1.ts'

export const FACEBOOK = { appId: '1234567890', secret: 'a secret of facebook' }
export const TWITTER = { appId: 'consumer', secret: 'a secret of twitter' }

type Reply = { status: number; body: string; location?: string }

/** `userTokens`: tokens that Facebook made, each for an app. */
export type OlderProviders = { url: string; userTokens: Map<string, { user: string; app: string }>; stop: () => void }

/** Starts both on loopback. */
export async function startOlderProviders(): Promise<OlderProviders> {
  const userTokens = new Map<string, { user: string; app: string }>()
  const codes = new Map<string, string>()
  const requestTokens = new Map<string, { secret: string; callback: string; verifier?: string }>()
  const server = createServer(async (request, response) => {
    const { status, body, location } = await answer(request).catch((error: unknown) => ({
      ...{ status: 500, location: undefined },
      body: String(error),
    }))
    response.writeHead(status, location === undefined ? {} : { location }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const at = new URL(request.url ?? '/', url)
    const form = new URLSearchParams(await text(request))
    const authorization = request.headers.authorization ?? ''
    switch (at.pathname) {
      case '/dialog/oauth':
        return dialog(at.searchParams)
      case '/oauth/access_token':
        return authorization.startsWith('OAuth ') ? accessToken(authorization) : exchange(form)
      case '/me':
        return me(authorization.replace('Bearer ', ''), at.searchParams)
      case '/debug_token':
        return debugToken(authorization, at.searchParams)
      case '/oauth/request_token':
        return requestToken(authorization)
      case '/oauth/authenticate':
        return authenticate(at.searchParams)
      default:
        return { status: 404, body: '' }
    }
  }

  // ---- Facebook

  const dialog = (query: URLSearchParams): Reply => {
    assert.equal(query.get('client_id'), FACEBOOK.appId)
    const code = randomUUID()
    codes.set(code, String(query.get('redirect_uri')))
    const back = new URL(String(query.get('redirect_uri')))
    back.search = new URLSearchParams({ code, state: String(query.get('state')) }).toString()
    return { status: 302, body: '', location: back.href }
  }
  const exchange = (form: URLSearchParams): Reply => {
    const isOurs = form.get('client_id') === FACEBOOK.appId && form.get('client_secret') === FACEBOOK.secret
    if (!isOurs || codes.get(String(form.get('code'))) !== form.get('redirect_uri')) {
      return json(400, { error: { message: 'This authorization code is not good.' } })
    }
    codes.delete(String(form.get('code')))
    const token = randomUUID()
    userTokens.set(token, { user: '42', app: FACEBOOK.appId })
    return json(200, { access_token: token, token_type: 'bearer' })
  }
  const me = (token: string, query: URLSearchParams): Reply => {
    const proof = createHmac('sha256', FACEBOOK.secret).update(token).digest('hex')
    const known = userTokens.get(token)
    if (!known || query.get('appsecret_proof') !== proof) return json(400, { error: { message: 'Not so.' } })
    return json(200, { id: known.user })
  }
  const debugToken = (authorization: string, query: URLSearchParams): Reply => {
    if (authorization !== `Bearer ${FACEBOOK.appId}|${FACEBOOK.secret}`)
      return json(400, { error: { message: 'Who?' } })
    const known = userTokens.get(String(query.get('input_token')))
    return json(200, {
      data: known ? { app_id: known.app, is_valid: true, user_id: known.user } : { is_valid: false },
    })
  }

  // ---- Twitter

  const signedBy = (path: string, header: string, tokenSecret?: string): Record<string, string> | null => {
    const said = Object.fromEntries(
      [...header.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
        name,
        decodeURIComponent(value),
      ]),
    )
    const { oauth_signature: signature, oauth_nonce: nonce = '', oauth_timestamp: time, oauth_token: token } = said
    const extra = Object.fromEntries(Object.entries(said).filter(([name]) => /callback|verifier/.test(name)))
    const again = oauthHeader(
      { method: 'POST', url: `${url}${path}`, parameters: {}, oauth: extra },
      {
        ...{ consumerKey: TWITTER.appId, consumerSecret: TWITTER.secret },
        ...(token === undefined ? {} : { token, tokenSecret: tokenSecret ?? '' }),
      },
      { now: Number(time) * 1_000, nonce },
    )
    return again.includes(`oauth_signature="${encodeURIComponent(String(signature))}"`) ? said : null
  }
  const requestToken = (authorization: string): Reply => {
    const said = signedBy('/oauth/request_token', authorization)
    if (!said?.oauth_callback) return { status: 401, body: 'Could not authenticate you' }
    const [token, secret] = [randomUUID(), randomUUID()]
    requestTokens.set(token, { secret, callback: said.oauth_callback })
    const fields = { oauth_token: token, oauth_token_secret: secret, oauth_callback_confirmed: 'true' }
    return { status: 200, body: new URLSearchParams(fields).toString() }
  }
  const authenticate = (query: URLSearchParams): Reply => {
    const token = String(query.get('oauth_token'))
    const known = requestTokens.get(token)
    if (!known) return { status: 403, body: '' }
    known.verifier = randomUUID()
    const back = new URLSearchParams({ oauth_token: token, oauth_verifier: known.verifier })
    return { status: 302, body: '', location: `${known.callback}?${back}` }
  }
  const accessToken = (authorization: string): Reply => {
    const token = /oauth_token="([^"]*)"/.exec(authorization)?.[1] ?? ''
    const known = requestTokens.get(token)
    const said = known && signedBy('/oauth/access_token', authorization, known.secret)
    if (!said || said.oauth_verifier !== known.verifier) return { status: 401, body: 'no' }
    requestTokens.delete(token)
    const fields = { oauth_token: 'their-token', oauth_token_secret: 'their-secret', user_id: '77', screen_name: 'ada' }
    return { status: 200, body: new URLSearchParams(fields).toString() }
  }

  return {
    url,
    userTokens,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function json(status: number, value: unknown): Reply {
  return { status, body: JSON.stringify(value) }
}
