// Providers through which apps' users sign in, as a service is set up for them.

/** Those of the original. Any other name is an OpenID Connect provider of the service's own. */
export const KNOWN_PROVIDERS = ['facebook', 'twitter', 'google', 'microsoftaccount', 'aad'] as const
export type KnownProvider = (typeof KNOWN_PROVIDERS)[number]

/** What an own provider may be called: it is a word of URLs and begins the ids of its users. */
export const OWN_PROVIDER_NAME = /^[a-z][a-z0-9-]{0,31}$/
/** Words that mean something else in those URLs or in tokens, and other names for known providers. */
export const TAKEN_NAMES: readonly string[] = [
  'custom',
  'done',
  'iframereceiver',
  'microsoft',
  'windowsazureactivedirectory',
]

export type AuthProvider = {
  appId: string
  /** Empty for a public client, which only aad may be. */
  secret: string
  /** Other client ids whose tokens an app may bring: those of its native clients. */
  audiences?: string[]
  /** microsoftaccount: the package of a Windows app, which may take the result in single sign-on. */
  packageSid?: string
  /** aad: whose people come in, each by its id or domain. None: nobody. */
  tenants?: string[]
  /** Of an own provider: who it says that it is. */
  issuer?: string
  /** Of an own provider: the permissions that are asked for. */
  scope?: string
  /** Where a known one is reached instead: for tests, and where its real address can not be. */
  endpoint?: string
}

/** `redirects`: URLs, each with all that begins so, to which a result may be handed over. */
export type Auth = { providers: Record<string, AuthProvider>; redirects: string[] }
export const NO_AUTH: Auth = { providers: {}, redirects: [] }

/** Where the result of a sign-in may go: over HTTPS, to a page of this machine, or to the scheme of an app. */
export const LOGIN_REDIRECT = [
  '^(?:https://[^\\s#@\\\\]+',
  'http://(?:localhost|127\\.0\\.0\\.1)(?::\\d+)?(?:/[^\\s#\\\\]*)?',
  '(?!(?:https?|javascript|data|vbscript|file|blob|about):)[a-z][a-z0-9+.-]*:[^\\s#\\\\]+)$',
].join('|')
export const LOGIN_REDIRECTS_MAX = 50

/** True for one of the original's. */
export function isKnownProvider(name: string): name is KnownProvider {
  return KNOWN_PROVIDERS.some((one) => one === name)
}
