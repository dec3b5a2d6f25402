// Texts that leave and come back unread and unchanged: under a key that comes from the service's master key, so that
// they open wherever the service is. AES-256-GCM; a key per purpose, by HKDF (RFC 5869).
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

export type Purpose = 'try' | 'code' | 'credentials'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const PREFIX = 'g1.'
/** What `openssl enc` begins its output with. */
const SALTED = 'Salted__'

/** Seals a text. */
export function seal(masterKey: string, purpose: Purpose, text: string): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', keyOf(masterKey, purpose), nonce)
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return `${PREFIX}${Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url')}`
}

/** The text again; null for what was not sealed so. */
export function unseal(masterKey: string, purpose: Purpose, sealed: string): string | null {
  const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64url')
  if (!sealed.startsWith(PREFIX) || bytes.length < NONCE_BYTES + TAG_BYTES) return null
  try {
    const cipher = createDecipheriv('aes-256-gcm', keyOf(masterKey, purpose), bytes.subarray(0, NONCE_BYTES))
    cipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    return Buffer.concat([cipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), cipher.final()]).toString('utf8')
  } catch {
    return null
  }
}

/**
 * What the original encrypted with a password: AES-256-CBC, key and vector by OpenSSL's EVP_BytesToKey with MD5
 * (https://docs.openssl.org/3.0/man3/EVP_BytesToKey/). Null for what does not open.
 */
export function unsealOld(password: string, encrypted: string): string | null {
  let bytes = Buffer.from(encrypted, 'base64')
  let salt = Buffer.alloc(0)
  if (bytes.subarray(0, SALTED.length).toString('latin1') === SALTED) {
    salt = bytes.subarray(SALTED.length, 16)
    bytes = bytes.subarray(16)
  }
  let made = Buffer.alloc(0)
  let last = Buffer.alloc(0)
  while (made.length < 48) {
    last = createHash('md5').update(last).update(password).update(salt).digest()
    made = Buffer.concat([made, last])
  }
  try {
    const cipher = createDecipheriv('aes-256-cbc', made.subarray(0, 32), made.subarray(32, 48))
    return Buffer.concat([cipher.update(bytes), cipher.final()]).toString('utf8')
  } catch {
    return null
  }
}

function keyOf(masterKey: string, purpose: Purpose): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, '', `mainstay sign-in ${purpose}`, 32))
}
