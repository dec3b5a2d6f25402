// Secrets, and what is made of them, compared so that the time it takes tells nothing of them but their length.
import { timingSafeEqual } from 'node:crypto'

/** True when both are the same bytes; of a text, those of UTF-8. */
export function isSameSecret(given: string | Buffer, wanted: string | Buffer): boolean {
  const [left, right] = [bytesOf(given), bytesOf(wanted)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function bytesOf(secret: string | Buffer): Buffer {
  return typeof secret === 'string' ? Buffer.from(secret) : secret
}
