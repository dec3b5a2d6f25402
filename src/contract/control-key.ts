// The key that opens the secrets in the control database, as it lies on disk and as it is exported: one word that tells
// when it was copied wrongly, optionally locked with a passphrase.
import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from 'node:crypto'
import { Fault } from '../kit/fault.ts'

/** In control's home; beside it, once the key has been exported, the same name with EXPORTED_SUFFIX. */
export const CONTROL_KEY_FILE = 'control.key'
export const EXPORTED_SUFFIX = '.exported'
export const KEY_BYTES = 32

const PLAIN = 'mainstay-key.'
const LOCKED = 'mainstay-locked-key.'
const SUM_BYTES = 8
const SALT_BYTES = 16
const IV_BYTES = 12
const TAG_BYTES = 16
// About 0.1 s and 32 MiB for each guess.
const SCRYPT = { N: 32_768, r: 8, p: 1, maxmem: 67_108_864 }

/** A short name of a key that says nothing about it. */
export function keyFingerprint(key: Buffer): string {
  return createHash('sha256').update('mainstay control key').update(key).digest('hex').slice(0, 16)
}

/** The key as one word that can be pasted; locked when there is a passphrase. */
export function encodeControlKey(key: Buffer, passphrase: string | null): string {
  const whole = Buffer.concat([key, sumOf(key)])
  if (passphrase === null) return PLAIN + whole.toString('base64url')
  const salt = randomBytes(SALT_BYTES)
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', scryptSync(passphrase, salt, KEY_BYTES, SCRYPT), iv)
  const body = Buffer.concat([cipher.update(whole), cipher.final()])
  return LOCKED + Buffer.concat([salt, iv, cipher.getAuthTag(), body]).toString('base64url')
}

/**
 * Reads a key file: the bare key of a home (hexadecimal), or an exported word; lines that begin with # are for people.
 * Faults with `control.bad_key`.
 */
export function decodeControlKey(text: string, passphrase: string | null): Buffer {
  const lines = text.split('\n').map((line) => line.trim())
  const word = lines.filter((line) => line !== '' && !line.startsWith('#')).join('')
  if (/^[0-9a-f]{64}$/i.test(word)) return Buffer.from(word, 'hex')
  if (word.startsWith(PLAIN)) return checked(Buffer.from(word.slice(PLAIN.length), 'base64url'))
  if (!word.startsWith(LOCKED)) throw bad('this is no control key')
  if (passphrase === null) throw bad('this control key is locked with a passphrase', 'Give it with --passphrase-file.')
  return checked(unlocked(Buffer.from(word.slice(LOCKED.length), 'base64url'), passphrase))
}

function unlocked(bytes: Buffer, passphrase: string): Buffer {
  const salt = bytes.subarray(0, SALT_BYTES)
  const iv = bytes.subarray(SALT_BYTES, SALT_BYTES + IV_BYTES)
  const tag = bytes.subarray(SALT_BYTES + IV_BYTES, SALT_BYTES + IV_BYTES + TAG_BYTES)
  try {
    const decipher = createDecipheriv('aes-256-gcm', scryptSync(passphrase, salt, KEY_BYTES, SCRYPT), iv)
    decipher.setAuthTag(tag)
    return Buffer.concat([decipher.update(bytes.subarray(SALT_BYTES + IV_BYTES + TAG_BYTES)), decipher.final()])
  } catch {
    throw bad('the passphrase does not open this control key, or the key was copied wrongly')
  }
}

function checked(bytes: Buffer): Buffer {
  const key = bytes.subarray(0, KEY_BYTES)
  if (bytes.length === KEY_BYTES + SUM_BYTES && sumOf(key).equals(bytes.subarray(KEY_BYTES))) return Buffer.from(key)
  throw bad('this control key was not copied whole')
}

function sumOf(key: Buffer): Buffer {
  return createHash('sha256').update(key).digest().subarray(0, SUM_BYTES)
}

function bad(message: string, hint = 'Use the file that mainstay control key export wrote, as it is.'): Fault {
  return new Fault('control.bad_key', 400, message, { hint })
}
