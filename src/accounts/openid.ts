// Signing in through an OpenID provider (OpenID Connect Core 1.0): authorization code with PKCE, for invited people.
import { type Kysely, sql } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { OIDC_CALL_SECONDS_MAX } from '../kit/limits.ts'
import { isLoopbackHost } from '../kit/loopback.ts'
import { audit } from './audit.ts'
import { DEFAULT_SUBSCRIPTION } from './caller.ts'
import { type Begun, begin } from './sessions.ts'

type Db = Kysely<ControlDatabase>
type Library = typeof import('openid-client')

/** A provider, and who we are to it. `label` is what its button says. */
export type OpenIdSettings = { issuer: string; clientId: string; clientSecret: string; label: string }
/** What the browser keeps between going there and coming back. */
export type OpenIdTry = { state: string; nonce: string; verifier: string }

/** Who somebody is to the provider. `subject` is unique and stays; `names` may match an account that was invited. */
export type OpenIdPerson = { subject: string; names: string[] }

export class OpenId {
  readonly label: string
  readonly #settings: OpenIdSettings
  readonly #callbackUrl: string
  #found: Promise<{ library: Library; config: Awaited<ReturnType<Library['discovery']>> }> | null = null

  constructor(settings: OpenIdSettings, callbackUrl: string) {
    this.label = settings.label
    this.#settings = settings
    this.#callbackUrl = callbackUrl
  }

  /** Where the browser goes to sign in, and what it has to bring back. Faults with `account.oidc_away`. */
  async begin(): Promise<{ url: string; kept: OpenIdTry }> {
    const { library, config } = await this.#discover()
    const kept = {
      ...{ state: library.randomState(), nonce: library.randomNonce() },
      verifier: library.randomPKCECodeVerifier(),
    }
    const url = library.buildAuthorizationUrl(config, {
      ...{ redirect_uri: this.#callbackUrl, scope: 'openid email profile', state: kept.state, nonce: kept.nonce },
      ...{ code_challenge: await library.calculatePKCECodeChallenge(kept.verifier), code_challenge_method: 'S256' },
    })
    return { url: url.href, kept }
  }

  /** Who has come back. `query` is that of the callback. Faults with `account.oidc_refused` and `account.oidc_away`. */
  async finish(query: string, kept: OpenIdTry): Promise<OpenIdPerson> {
    const { library, config } = await this.#discover()
    const checks = { pkceCodeVerifier: kept.verifier, expectedState: kept.state, expectedNonce: kept.nonce }
    const came = new URL(this.#callbackUrl)
    came.search = query
    const tokens = await library
      .authorizationCodeGrant(config, came, { ...checks, idTokenExpected: true })
      .catch((error: unknown) => {
        throw new Fault('account.oidc_refused', 403, `${this.label} did not let this person in: ${messageOf(error)}`)
      })
    const claims = tokens.claims()
    if (!claims) throw new Fault('account.oidc_refused', 403, `${this.label} did not say who this is`)
    // An address that nobody has verified is anybody's.
    const emails = claims.email_verified === true && typeof claims.email === 'string' ? [claims.email] : []
    return { subject: `${claims.iss} ${claims.sub}`, names: emails }
  }

  // The provider may be away when control starts, and is asked again then.
  async #discover() {
    const { issuer, clientId, clientSecret } = this.#settings
    this.#found ??= (async () => {
      const library = await import('openid-client')
      const server = new URL(issuer)
      // In clear only on this machine: that is for trying.
      const options = {
        timeout: OIDC_CALL_SECONDS_MAX,
        ...(server.protocol === 'http:' && isLoopbackHost(server.hostname)
          ? { execute: [library.allowInsecureRequests] }
          : {}),
      }
      return { library, config: await library.discovery(server, clientId, clientSecret, undefined, options) }
    })()
    try {
      return await this.#found
    } catch (error) {
      this.#found = null
      throw new Fault('account.oidc_away', 503, `${this.label} cannot be asked: ${messageOf(error)}`)
    }
  }
}

/**
 * Signs somebody in whom the provider knows: to the account that was bound to them, or to one that was invited under
 * their verified address and is bound now. Faults with `account.oidc_unknown`.
 */
export async function signInBound(db: Db, { subject, names }: OpenIdPerson): Promise<Begun> {
  return await db.transaction().execute(async (trx) => {
    const all = trx.selectFrom('accounts').selectAll().where('subscription_id', '=', DEFAULT_SUBSCRIPTION)
    const bound = await all.where('oidc_subject', '=', subject).executeTakeFirst()
    if (bound) return await begin(trx, bound)
    const lower = names.map((name) => name.toLowerCase())
    // One with a password is its owner's: that somebody holds an address of the same name does not make it theirs.
    const free = all.where('oidc_subject', 'is', null).where('password_hash', 'is', null)
    const invited =
      lower.length === 0 ? undefined : await free.where(sql`lower(name)`, 'in', lower).forUpdate().executeTakeFirst()
    if (!invited) {
      const who = names[0] ?? 'this person, whose address is not verified'
      throw new Fault('account.oidc_unknown', 403, `${who} was not invited`, {
        hint: 'An owner invites people by their address: mainstay account invite ADDRESS',
      })
    }
    await trx.updateTable('accounts').set({ oidc_subject: subject }).where('id', '=', invited.id).execute()
    await trx.deleteFrom('invitations').where('account_id', '=', invited.id).execute()
    const caller = { principal: invited.name, subscriptionId: invited.subscription_id }
    await audit(trx, caller, { action: 'account bind', subject: invited.name, after: { oidc: subject } })
    return await begin(trx, invited)
  })
}
