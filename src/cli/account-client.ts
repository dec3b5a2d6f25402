// Who may ask control, as the CLI calls it: accounts of people, and tokens.
import type {
  AccountView,
  AuthorityView,
  CreatePublishSettings,
  CreateToken,
  InvitationView,
  InviteAccount,
  ManagementCertificateView,
  NewTokenView,
  PublishSettingsView,
  Role,
  SubscriptionView,
  TokenView,
} from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { type ControlCalls, fill } from './control-calls.ts'

/** The calls for accounts and tokens; all are for owners. */
export class AccountClient {
  readonly #calls: ControlCalls

  constructor(calls: ControlCalls) {
    this.#calls = calls
  }

  async list(): Promise<AccountView[]> {
    return await this.#calls.list('AccountView', API.accounts)
  }

  async invite(wanted: InviteAccount): Promise<InvitationView> {
    return await this.#calls.send('InvitationView', { verb: 'POST', path: API.accounts, body: wanted })
  }

  async inviteAgain(account: string): Promise<InvitationView> {
    return await this.#calls.send('InvitationView', { verb: 'POST', path: fill(API.invite, { account }) })
  }

  async setRole(account: string, role: Role): Promise<AccountView> {
    const path = fill(API.account, { account })
    return await this.#calls.send('AccountView', { verb: 'PATCH', path, body: { role } })
  }

  async remove(account: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.account, { account }) })
  }

  async subscription(): Promise<SubscriptionView> {
    return await this.#calls.send('SubscriptionView', { verb: 'GET', path: API.subscription })
  }

  async authority(): Promise<AuthorityView> {
    return await this.#calls.send('AuthorityView', { verb: 'GET', path: API.authority })
  }

  async publishSettings(wanted: CreatePublishSettings): Promise<PublishSettingsView> {
    return await this.#calls.send('PublishSettingsView', { verb: 'POST', path: API.publishSettings, body: wanted })
  }

  async listCertificates(): Promise<ManagementCertificateView[]> {
    return await this.#calls.list('ManagementCertificateView', API.toolCertificates)
  }

  async revokeCertificate(certificate: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.toolCertificate, { certificate }) })
  }

  async listTokens(): Promise<TokenView[]> {
    return await this.#calls.list('TokenView', API.tokens)
  }

  async createToken(wanted: CreateToken): Promise<NewTokenView> {
    return await this.#calls.send('NewTokenView', { verb: 'POST', path: API.tokens, body: wanted })
  }

  async revokeToken(token: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.token, { token }) })
  }
}
