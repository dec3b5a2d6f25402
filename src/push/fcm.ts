// Firebase Cloud Messaging, HTTP v1: a token from Google's OAuth for the service account, then a POST for each device.
import { importPKCS8, SignJWT } from 'jose'
import type { GcmCredentials } from '../contract/push.ts'
import type { PushMessage } from './delivery.ts'
import type { HttpLine, PlatformRequest } from './http-line.ts'
import type { Token } from './token-cache.ts'
import { tokenOf } from './wns.ts'

const OAUTH = 'https://oauth2.googleapis.com'
const FCM = 'https://fcm.googleapis.com'
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'

/** Asks for a token (RFC 7523). Faults with `push.refused` where the credentials are wrong. */
export async function askFcmToken(line: HttpLine, credentials: GcmCredentials): Promise<Token> {
  const url = new URL('/token', credentials.endpoint ?? OAUTH)
  const { privateKeyId } = credentials
  const assertion = await new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(privateKeyId === undefined ? {} : { kid: privateKeyId }) })
    .setIssuer(credentials.clientEmail)
    .setAudience(`${OAUTH}/token`)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(await importPKCS8(credentials.privateKey, 'RS256'))
  const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return tokenOf('Google', await line.post({ url, headers, body: String(form) }))
}

/** The request for one device. */
export function fcmRequest(
  { projectId, endpoint }: GcmCredentials,
  channel: string,
  { message }: Extract<PushMessage, { platform: 'gcm' }>,
  token: string,
): PlatformRequest {
  return {
    url: new URL(`/v1/projects/${encodeURIComponent(projectId)}/messages:send`, endpoint ?? FCM),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ message: { ...message, token: channel } }),
  }
}
