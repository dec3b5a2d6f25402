// The OpenID providers that every service may name, and what one of its own looks like.
import type { AuthProvider } from '../contract/auth-provider.ts'
import { type Identity, refused } from './identity.ts'
import type { OpenIdPreset } from './openid.ts'

const MICROSOFT = 'https://login.microsoftonline.com'
const TENANT_ISSUER = /^https:\/\/login\.microsoftonline\.com\/([0-9a-f-]{36})\/v2\.0$/
type Claims = Record<string, unknown>

/** Google (https://developers.google.com/identity/openid-connect/openid-connect). */
export function googlePreset({ endpoint }: AuthProvider): OpenIdPreset {
  return {
    title: 'Google',
    issuers: [endpoint ?? 'https://accounts.google.com'],
    common: null,
    scope: 'openid',
    tokenFields: ['id_token'],
    // Its older libraries leave the scheme out.
    alsoIssuedAs: (issuer) => [issuer.replace('https://accounts.google.com', 'accounts.google.com')],
    identityOf: bySubject,
  }
}

/** Accounts of people at Microsoft: the tenant that all of them share. */
export function microsoftPreset({ endpoint }: AuthProvider): OpenIdPreset {
  return {
    title: 'Microsoft',
    issuers: [endpoint ?? `${MICROSOFT}/consumers/v2.0`],
    common: null,
    scope: 'openid',
    tokenFields: ['authenticationToken', 'id_token'],
    identityOf: bySubject,
  }
}

/** Azure AD, now Entra ID: the tenants that are let in, each an issuer of its own. */
export function aadPreset({ endpoint, tenants = [] }: AuthProvider): OpenIdPreset {
  const base = endpoint ?? MICROSOFT
  return {
    title: 'Azure AD',
    issuers: tenants.map((tenant) => `${base}/${tenant}/v2.0`),
    common: `${base}/organizations/v2.0`,
    scope: 'openid profile',
    // What native clients got for this service is an ID token in the shape of an access token.
    tokenFields: ['id_token', 'access_token'],
    // As tokens of its first version name the same tenant.
    alsoIssuedAs: (issuer) => {
      const tenant = TENANT_ISSUER.exec(issuer)?.[1]
      return tenant === undefined ? [] : [`https://sts.windows.net/${tenant}/`]
    },
    identityOf: ({ oid, tid }) => {
      if (typeof oid !== 'string' || oid === '') throw refused('Azure AD did not say who this is.')
      return { id: oid, credentials: { ...(typeof tid === 'string' ? { tenantId: tid } : {}), oid } }
    },
  }
}

/** A provider that a service names by its issuer. */
export function ownPreset(name: string, { issuer = '', scope }: AuthProvider): OpenIdPreset {
  return {
    title: name,
    issuers: [issuer],
    common: null,
    scope: `openid ${scope ?? ''}`.trim(),
    tokenFields: ['id_token'],
    identityOf: (claims, accessToken) => {
      const identity = bySubject(claims, accessToken)
      const { email, email_verified: isVerified, name: called } = claims
      const about = {
        ...(isVerified === true ? { email } : {}),
        ...(typeof called === 'string' ? { name: called } : {}),
      }
      return { ...identity, credentials: { ...identity.credentials, ...about } }
    },
  }
}

function bySubject({ sub }: Claims, accessToken: string | undefined): Identity {
  if (typeof sub !== 'string' || sub === '') throw refused('The provider did not say who this is.')
  return { id: sub, credentials: accessToken === undefined ? {} : { accessToken } }
}
