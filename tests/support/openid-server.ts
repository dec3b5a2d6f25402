// An OpenID provider that others wrote, with one or more issuers, and somebody who signs in there and agrees to
// everything.
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { importJWK, SignJWT } from 'jose'
import { Provider } from 'oidc-provider'

type Claims = Record<string, unknown>
/** `path`: of the issuer, empty or as `/tenant/v2.0`. */
export type Issuer = { path: string; clientId: string; clientSecret: string; redirectUris: string[] }

export type OpenIdServer = {
  url: string
  /** Takes issuers, each for one client. */
  serve: (issuers: Issuer[]) => void
  /** Sits down in front of its pages. */
  become: (subject: string) => void
  /** An ID token, as an app gets it by itself. */
  idToken: (issuer: string, claims: Claims) => Promise<string>
  stop: () => void
}

/**
 * Starts one on loopback, without issuers. `people`: what it knows of each, by subject. `claims`: which of that each scope
 * gives.
 */
export async function startOpenIdServer({
  people,
  claims,
}: {
  people: Record<string, Claims>
  claims: Record<string, string[]>
}): Promise<OpenIdServer> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const key = { ...generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ format: 'jwk' }), kid: 'k' }
  let user = ''
  const providers: { path: string; provider: Provider }[] = []
  const add = ({ path, clientId, clientSecret, redirectUris }: Issuer) => {
    const provider = new Provider(`${url}${path}`, {
      clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: redirectUris }],
      jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256' } as never] },
      pkce: { required: () => true },
      claims: { openid: ['sub'], ...claims },
      conformIdTokenClaims: false,
      features: { devInteractions: { enabled: false } },
      findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
      interactions: { url: (_context: unknown, { uid }: { uid: string }) => `${path}/interaction/${uid}` },
    })
    providers.push({ path, provider })
  }

  // Whoever sits there signs in and agrees to everything.
  const agree = async (oidc: Provider, request: IncomingMessage, response: ServerResponse) => {
    const { prompt, params, grantId } = await oidc.interactionDetails(request, response)
    if (prompt.name === 'login') {
      return await oidc.interactionFinished(request, response, { login: { accountId: user } })
    }
    const grant =
      (grantId && (await oidc.Grant.find(grantId))) ||
      new oidc.Grant({ accountId: user, clientId: String(params.client_id) })
    grant.addOIDCScope(String(params.scope))
    await oidc.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
  }
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const at = request.url ?? '/'
    const found = providers.find(({ path }) => at.startsWith(`${path}/`))
    if (!found) return void response.writeHead(404).end()
    // It knows itself by the whole path, and is asked for what follows.
    Object.assign(request, { originalUrl: at })
    if (at.startsWith(`${found.path}/interaction/`)) return void agree(found.provider, request, response)
    request.url = at.slice(found.path.length)
    found.provider.callback()(request, response)
  })
  return {
    url,
    serve: (issuers) => issuers.forEach(add),
    become: (subject) => {
      user = subject
    },
    idToken: async (issuer, about) =>
      await new SignJWT({ exp: Math.floor(Date.now() / 1_000) + 300, ...about })
        .setProtectedHeader({ alg: 'RS256', kid: 'k' })
        .setIssuer(issuer)
        .setIssuedAt()
        .sign(await importJWK(key, 'RS256')),
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
