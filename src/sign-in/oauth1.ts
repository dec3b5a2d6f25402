// OAuth 1.0a (RFC 5849): the header that signs a request with HMAC-SHA1.
import { createHmac, randomBytes } from 'node:crypto'

export type Signer = { consumerKey: string; consumerSecret: string; token?: string; tokenSecret?: string }

/** The `Authorization` header of a request whose query and form are `parameters`. `now`: milliseconds since 1970. */
export function oauthHeader(
  request: { method: string; url: string; parameters: Record<string, string>; oauth?: Record<string, string> },
  signer: Signer,
  { now, nonce = randomBytes(16).toString('hex') }: { now: number; nonce?: string },
): string {
  const own: Record<string, string> = {
    oauth_consumer_key: signer.consumerKey,
    oauth_nonce: nonce,
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(Math.floor(now / 1_000)),
    ...(signer.token === undefined ? {} : { oauth_token: signer.token }),
    oauth_version: '1.0',
    ...request.oauth,
  }
  const pairs = Object.entries({ ...request.parameters, ...own })
    .map(([name, value]): [string, string] => [encode(name), encode(value)])
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map((pair) => pair.join('='))
  const base = [request.method.toUpperCase(), request.url, pairs.join('&')].map(encode).join('&')
  const key = `${encode(signer.consumerSecret)}&${encode(signer.tokenSecret ?? '')}`
  const signature = createHmac('sha1', key).update(base).digest('base64')
  const said = Object.entries({ ...own, oauth_signature: signature })
  return `OAuth ${said.map(([name, value]) => `${encode(name)}="${encode(value)}"`).join(', ')}`
}

// https://www.rfc-editor.org/rfc/rfc5849#section-3.6
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
}
