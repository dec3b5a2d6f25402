// Passwords, kept as what argon2id makes of them (RFC 9106), in its usual text form.
import { type Argon2Parameters, argon2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN } from '../contract/portal-page.ts'
import { Fault } from '../kit/fault.ts'
import { PASSWORD_HASHES_MAX } from '../kit/limits.ts'
import { isSameSecret } from '../kit/same-secret.ts'

/** Of https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html; memory in KiB. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 }
const SALT_BYTES = 16
const TAG_BYTES = 32
const FORM = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

type Cost = typeof COST

const derive = promisify<'argon2id', Argon2Parameters, Buffer>(argon2)
let running = 0

/** Faults with `account.weak_password` unless it is long enough and is not the name. */
export function requirePassword(password: string, name: string): void {
  const length = [...password].length
  if (length < PASSWORD_LENGTH_MIN || length > PASSWORD_LENGTH_MAX) {
    const bounds = `from ${PASSWORD_LENGTH_MIN} to ${PASSWORD_LENGTH_MAX} characters`
    throw new Fault('account.weak_password', 400, `a password has ${bounds}, this one ${length}`)
  }
  if (password.toLowerCase().includes(name.toLowerCase())) {
    throw new Fault('account.weak_password', 400, 'a password that has the name in it is guessed first')
  }
}

/** What is kept of a password. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const tag = await tagOf(password, salt, COST)
  const { memory, passes, parallelism } = COST
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${toText(salt)}$${toText(tag)}`
}

/** True when the password is the one that was kept. Null takes as long as a wrong one, so that nobody learns names. */
export async function isPassword(password: string, kept: string | null): Promise<boolean> {
  const [, memory, passes, parallelism, salt = '', tag = ''] = kept?.match(FORM) ?? []
  if (memory === undefined) {
    await tagOf(password, randomBytes(SALT_BYTES), COST)
    return false
  }
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  const wanted = Buffer.from(tag, 'base64')
  const found = await tagOf(password, Buffer.from(salt, 'base64'), cost)
  return isSameSecret(found, wanted)
}

// Each takes 19 MiB and a core for a while: who tries many at once must not stop everybody else.
async function tagOf(password: string, nonce: Buffer, cost: Cost): Promise<Buffer> {
  if (running >= PASSWORD_HASHES_MAX) {
    throw new Fault('account.busy', 503, 'too many people are signing in at once', { hint: 'Try again in a moment.' })
  }
  running += 1
  try {
    // The same characters, however a keyboard composes them (RFC 8265).
    return await derive('argon2id', { message: password.normalize('NFC'), nonce, tagLength: TAG_BYTES, ...cost })
  } finally {
    running -= 1
  }
}

// Without padding, as the form wants it.
function toText(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
