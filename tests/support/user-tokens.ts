// Tokens of apps' users, as an app that has the service's master key makes them.
import { signed, tokenKey } from '../../src/runtime/user-token.ts'

/** An hour from now, in seconds since 1970. */
export function soon(): number {
  return Math.floor(Date.now() / 1_000) + 3_600
}

/** A token of the first generation: `changes` to its usual claims; undefined leaves one out. */
export function userToken(masterKey: string, changes: Record<string, unknown> = {}): string {
  const usual = { exp: soon(), iss: 'urn:microsoft:windows-azure:zumo', ver: 2, aud: 'Custom', uid: 'Custom:ann' }
  return signed({ alg: 'HS256', typ: 'JWT', kid: '0' }, { ...usual, ...changes }, tokenKey(masterKey))
}
