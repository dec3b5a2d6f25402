// Quoting of SQL identifiers and literals, random names and keys.
import { randomBytes, randomInt } from 'node:crypto'

const KEY_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** The one function that turns a name into an SQL identifier. */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new TypeError('an SQL identifier cannot contain a zero byte')
  return `"${name.replaceAll('"', '""')}"`
}

/** A string as an SQL literal, for statements that take no parameters (roles, replication commands). */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new TypeError('an SQL literal cannot contain a zero byte')
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** A random secret of letters and digits; 32 of them hold 190 bits. Keys of services look like this in the original. */
export function randomKey(length = 32): string {
  return Array.from({ length }, () => KEY_ALPHABET.charAt(randomInt(KEY_ALPHABET.length))).join('')
}

/** A random lower-case hexadecimal id. */
export function randomId(bytes = 8): string {
  return randomBytes(bytes).toString('hex')
}

/** "West US" → "west-us". */
export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
}
