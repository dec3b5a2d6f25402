// Why a sign-in through the OpenID provider has failed: control sends the browser back with a code behind `#`.
import { SIGN_IN_FAILED } from '../../contract/portal-page.ts'

const TEXTS = new Map([
  ['account.oidc_unknown', 'You are known there, but were not invited here. Ask an owner to invite your address.'],
  ['account.oidc_refused', 'The sign-in there was not finished, or took too long. Begin again.'],
  ['account.oidc_away', 'The provider cannot be asked at the moment. Sign in with a password, or try again later.'],
])

/** What to say, or null where nothing has failed. Only words of ours: the address is anybody's to write. */
export function failureText(hash: string): string | null {
  if (!hash.startsWith(SIGN_IN_FAILED)) return null
  return TEXTS.get(hash.slice(SIGN_IN_FAILED.length)) ?? 'The sign-in has failed. Begin again.'
}
