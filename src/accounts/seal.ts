// Secrets at rest: sealed with a key that is not in the database.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { decodeControlKey, KEY_BYTES, keyFingerprint } from '../contract/control-key.ts'
import { Fault } from '../kit/fault.ts'
import { readTextIfAny, writeFileDurably } from '../kit/files.ts'
import { OPENED_SECRETS_MAX } from '../kit/limits.ts'

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/** Seals and opens short texts. */
export type Seal = { seal: (text: string) => string; open: (sealed: string) => string }
/** A seal that says which key it has, without saying the key. */
export type KeyedSeal = Seal & { fingerprint: string }

/**
 * Opens the key file. It is made (mode 0600) only where `mayMake`: where there are no secrets yet. Faults with
 * `control.key_missing` or `control.bad_key`.
 */
export async function openSeal(
  path: string,
  options: { mayMake: boolean; passphrase?: string | null },
): Promise<KeyedSeal> {
  const kept = await readTextIfAny(path)
  if (kept === null && !options.mayMake) {
    throw new Fault(
      'control.key_missing',
      500,
      `the secrets of this control database need their key, and ${path} is not there`,
      {
        hint: 'Put the exported key there (mainstay control key export), or name its file with --key-file.',
      },
    )
  }
  const key = kept === null ? randomBytes(KEY_BYTES) : decodeControlKey(kept, options.passphrase ?? null)
  if (kept === null) await writeFileDurably(path, `${key.toString('hex')}\n`)
  return sealOf(key)
}

/** Seals and opens with a key. */
export function sealOf(key: Buffer): KeyedSeal {
  return {
    fingerprint: keyFingerprint(key),
    seal(text) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(ALGORITHM, key, iv)
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64')
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64')
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES))
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8')
    },
  }
}

/** The same, but what was opened lately is remembered: assignments are derived from all secrets, again and again. */
export function rememberOpened({ open, ...others }: KeyedSeal): KeyedSeal {
  const opened = new Map<string, string>()
  return {
    ...others,
    open(sealed) {
      const known = opened.get(sealed)
      if (known !== undefined) return known
      const text = open(sealed)
      if (opened.size >= OPENED_SECRETS_MAX) opened.clear()
      opened.set(sealed, text)
      return text
    },
  }
}

/** What is kept of a token that only its holder knows: it has 190 bits, so a plain hash does. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
