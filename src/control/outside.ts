// Whom control asks that is not ours, from its environment: a mail server, an OpenID provider, a registry of npm
// modules.
import type { OpenIdSettings } from '../accounts/openid.ts'
import type { Environment } from '../kit/environment.ts'
import { Fault } from '../kit/fault.ts'
import type { Smtp } from './notice-sender.ts'

/** Mail. Faults with `options.missing` for a server without a sender, `options.bad_url` for what is none. */
export function smtpOf({ smtpUrl, smtpFrom }: Environment): Smtp | null {
  if (smtpUrl === null) return null
  if (!URL.canParse(smtpUrl) || !/^smtps?:$/.test(new URL(smtpUrl).protocol)) {
    throw new Fault('options.bad_url', 400, 'MAINSTAY_SMTP_URL is not the URL of a mail server', {
      hint: 'Write it as smtps://USER:PASSWORD@HOST:465, or smtp://HOST:587.',
    })
  }
  if (smtpFrom === null) {
    throw new Fault('options.missing', 400, 'MAINSTAY_SMTP_URL needs MAINSTAY_SMTP_FROM', {
      hint: 'Say in whose name mail is sent: MAINSTAY_SMTP_FROM=mainstay@example.com',
    })
  }
  return { url: smtpUrl, from: smtpFrom }
}

/** People's OpenID provider. Faults with `options.missing` for half of one, `options.bad_url` for what is none. */
export function openIdOf({
  oidcIssuer,
  oidcClientId,
  oidcClientSecret,
  oidcLabel,
}: Environment): OpenIdSettings | null {
  if (oidcIssuer === null) return null
  if (!URL.canParse(oidcIssuer) || !/^https?:$/.test(new URL(oidcIssuer).protocol)) {
    throw new Fault('options.bad_url', 400, 'MAINSTAY_OIDC_ISSUER is not the URL of an OpenID provider', {
      hint: 'Write it as the provider does: https://accounts.example.com',
    })
  }
  if (oidcClientId === null || oidcClientSecret === null) {
    throw new Fault('options.missing', 400, 'MAINSTAY_OIDC_ISSUER needs MAINSTAY_OIDC_CLIENT_ID and _CLIENT_SECRET', {
      hint: 'The provider gives both to a client that you register there.',
    })
  }
  const label = oidcLabel ?? new URL(oidcIssuer).hostname
  return { issuer: oidcIssuer, clientId: oidcClientId, clientSecret: oidcClientSecret, label }
}

/** The registry that npm modules of scripts come from. Faults with `options.bad_url`. */
export function parseRegistry(given: string | null): URL {
  const text = given ?? PUBLIC_REGISTRY
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.password || url?.username) {
    throw new Fault('options.bad_url', 400, 'the URL of a registry of npm modules may hold no name and no password', {
      hint: 'What it is to be shown goes into MAINSTAY_NPM_TOKEN.',
    })
  }
  if (url && /^https?:$/.test(url.protocol)) return url
  throw new Fault('options.bad_url', 400, `'${text}' is not the URL of a registry of npm modules`, {
    hint: 'Write it as https://npm.example.com/: --npm-registry, or MAINSTAY_NPM_REGISTRY.',
  })
}

const PUBLIC_REGISTRY = 'https://registry.npmjs.org/'
