// The tokens by which apps' users are known: JSON web tokens signed with a key that comes from the service's master key, so
// that they hold wherever the service is. Both generations' rules; messages are the original's.
import { createHash, createHmac } from 'node:crypto'
import { USER_TOKEN_SECONDS } from '../kit/limits.ts'
import { isSameSecret } from '../kit/same-secret.ts'
import { seal, unseal, unsealOld } from '../sign-in/sealed.ts'
import { unauthorized } from './app-faults.ts'
import type { ClientGeneration } from './client-generation.ts'

const AHEAD_SECONDS_MAX = 300
const AUTHORITY = 'urn:microsoft:windows-azure:zumo'
const BASE64_URL = /^[A-Za-z0-9_-]*$/

const CREDENTIALS = 'urn:microsoft:credentials'

export type Claims = Record<string, unknown>
/** What `getIdentities` gives: by the names of providers, `{ facebook: { userId, accessToken } }`. */
export type Credentials = Record<string, unknown>

/** Who a token says it is: `Facebook:1234`. */
export type TokenUser = { id: string; claims: Claims }

/** Reads a token; refuses with 401 and the precise reason. `nowMs`: milliseconds since 1970. */
export function readToken(token: string, masterKey: string, nowMs: number): TokenUser {
  const parts = token.split('.')
  const [head, body, signature] = parts
  if (parts.length !== 3 || !head || !body || !signature) {
    throw bad('Invalid token format. Expected Envelope.Claims.Signature.')
  }
  if (!parts.every((part) => BASE64_URL.test(part)))
    throw bad('The authentication token contains illegal base64 url string.')
  const envelope = parsed(head)
  if (envelope.alg !== 'HS256') throw bad('The authentication token has an unsupported signature algorithm.')
  if (envelope.typ !== undefined && String(envelope.typ).toUpperCase() !== 'JWT') {
    throw bad('The authentication token has an unsupported type.')
  }
  const claims = parsed(body)
  // The first generation names its user `uid`; the second has `sub`, and signs with the key as it is.
  const isFirst = claims.uid !== undefined || claims.sub === undefined
  if (!isSigned(`${head}.${body}`, signature, isFirst ? tokenKey(masterKey) : masterKey)) {
    throw bad('The authentication token has an invalid signature.')
  }
  checkTimes(claims, nowMs / 1_000)
  if (!isFirst && (claims.iss !== AUTHORITY || claims.aud !== AUTHORITY)) {
    throw bad('The authentication token is for another audience, or from another issuer.')
  }
  const id = isFirst ? claims.uid : claims.sub
  if (typeof id !== 'string' || id === '') throw bad('The authentication token names no user.')
  return { id, claims }
}

/**
 * The token of somebody who signed in, in the shape of a generation. `provider`: as tokens have it, `Facebook`. `nowMs`:
 * milliseconds since 1970.
 */
export function makeToken(
  who: { generation: ClientGeneration; provider: string; userId: string; credentials: Credentials },
  masterKey: string,
  nowMs: number,
): string {
  const { generation, provider, userId, credentials } = who
  const now = Math.floor(nowMs / 1_000)
  const times = { iat: now, exp: now + USER_TOKEN_SECONDS }
  const own = { [CREDENTIALS]: seal(masterKey, 'credentials', JSON.stringify(credentials)) }
  if (generation === 1) {
    const claims = { ...times, iss: AUTHORITY, ver: 2, aud: provider, uid: userId, ...own }
    return signed({ alg: 'HS256', typ: 'JWT', kid: '0' }, claims, tokenKey(masterKey))
  }
  const claims = { ...times, iss: AUTHORITY, aud: AUTHORITY, sub: userId, idp: provider.toLowerCase(), ...own }
  return signed({ alg: 'HS256', typ: 'JWT' }, claims, masterKey)
}

/** What the claims of a valid token say about its user to scripts; null when nothing. */
export function credentialsIn(claims: Claims, masterKey: string): Credentials | null {
  const claim = claims[CREDENTIALS]
  const text =
    typeof claim === 'string' ? (unseal(masterKey, 'credentials', claim) ?? unsealOld(masterKey, claim)) : null
  const found = text === null ? claim : parsedOrNull(text)
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return null
  const fields = found as Credentials
  if (Object.values(fields).every((value) => typeof value === 'object' && value !== null)) return fields
  // An app that makes tokens itself may leave the provider's name out.
  return { [String(claims.aud ?? 'custom').toLowerCase()]: { userId: claims.uid ?? claims.sub, ...fields } }
}

/** The key of the first generation's tokens. */
export function tokenKey(masterKey: string): Buffer {
  return createHash('sha256').update(`${masterKey}JWTSig`).digest()
}

function checkTimes(claims: Claims, nowSeconds: number): void {
  const { exp, iat, nbf } = claims
  if (typeof exp !== 'number') throw bad('The authentication token requires expiration claim.')
  if (exp <= nowSeconds) throw bad('The authentication token has expired.')
  const isEarly = [iat, nbf].some((time) => typeof time === 'number' && time > nowSeconds + AHEAD_SECONDS_MAX)
  if (isEarly) throw bad('The authentication token is not valid yet.')
}

/** A token of any envelope and claims, by HMAC-SHA256. */
export function signed(envelope: unknown, claims: unknown, key: Buffer | string): string {
  const text = [envelope, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}

function isSigned(text: string, signature: string, key: Buffer | string): boolean {
  const wanted = createHmac('sha256', key).update(text).digest()
  return isSameSecret(Buffer.from(signature, 'base64url'), wanted)
}

function parsed(part: string): Claims {
  const value = parsedOrNull(Buffer.from(part, 'base64url').toString('utf8'))
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims
  throw bad('Invalid token format. Expected Envelope.Claims.Signature.')
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function bad(message: string) {
  return unauthorized(message)
}
