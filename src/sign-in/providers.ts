// The providers of all services, each kept ready while it is set up as it is.
import { type Auth, type AuthProvider, isKnownProvider } from '../contract/auth-provider.ts'
import type { EgressPolicy } from '../kit/egress-agent.ts'
import { AUTH_PROVIDERS_MAX } from '../kit/limits.ts'
import { facebook } from './facebook.ts'
import { openId } from './openid.ts'
import { aadPreset, googlePreset, microsoftPreset, ownPreset } from './presets.ts'
import type { Provider } from './provider.ts'
import { type Call, ProviderHttp } from './provider-http.ts'
import { twitter } from './twitter.ts'

export class Providers {
  readonly #http: ProviderHttp
  /** By service and settings; the one that was used last stands last. */
  readonly #ready = new Map<string, Provider>()

  constructor(policy: EgressPolicy) {
    this.#http = new ProviderHttp(policy)
  }

  /** The provider of a service by its name; null where it is not set up. */
  find(service: string, auth: Auth, name: string): Provider | null {
    const settings = Object.hasOwn(auth.providers, name) ? auth.providers[name] : undefined
    if (!settings) return null
    const key = JSON.stringify([service, name, settings])
    const provider = this.#ready.get(key) ?? this.#make(service, name, settings)
    this.#ready.delete(key)
    this.#ready.set(key, provider)
    if (this.#ready.size > AUTH_PROVIDERS_MAX) this.#ready.delete(this.#ready.keys().next().value ?? key)
    return provider
  }

  /** Ends its connections. */
  close(): void {
    this.#http.close()
  }

  #make(service: string, name: string, settings: AuthProvider): Provider {
    const call = async (url: string, what: Call) => await this.#http.call(service, url, what)
    if (!isKnownProvider(name)) return openId(settings, ownPreset(name, settings), call)
    switch (name) {
      case 'facebook':
        return facebook(settings, call)
      case 'twitter':
        return twitter(settings, call)
      case 'google':
        return openId(settings, googlePreset(settings), call)
      case 'microsoftaccount':
        return openId(settings, microsoftPreset(settings), call)
      case 'aad':
        return openId(settings, aadPreset(settings), call)
    }
  }
}
