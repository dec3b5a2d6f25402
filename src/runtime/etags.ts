// Entity tags: a row's version as a quoted string, and the conditions that clients send.
import type { IncomingHttpHeaders } from 'node:http'
import { badRequest } from './app-faults.ts'

const QUOTED = /^"(?:[^"\\]|\\.)*"$/
const QUOTED_LIST = /^"(?:[^"\\]|\\.)*"(?:\s*,\s*"(?:[^"\\]|\\.)*")+$/

/** The `ETag` header's value for a version in base64. */
export function etagOf(version: string): string {
  return `"${version}"`
}

/** The version that a write demands, null for none (no header, or `*`). 400 when it is not one quoted string. */
export function parseIfMatch(headers: IncomingHttpHeaders): string | null {
  const value = headers['if-match']?.trim()
  if (value === undefined || value === '' || value === '*') return null
  if (QUOTED_LIST.test(value)) throw badRequest("Only single etag 'if-match' headers are supported.")
  if (!QUOTED.test(value)) throw badRequest("Invalid 'if-match' header.")
  return unquote(value)
}

/**
 * The version that a write demands, by its header or as part of what was sent (`sent`), and how it is answered where the row
 * has another.
 */
export function demandOf(
  headers: IncomingHttpHeaders,
  sent: string | null,
): { version: string | null; status: 409 | 412 } {
  const demanded = parseIfMatch(headers)
  return demanded === null ? { version: sent, status: sent === null ? 412 : 409 } : { version: demanded, status: 412 }
}

/** True when the client says that it has this version already. */
export function isNoneMatch(headers: IncomingHttpHeaders, version: string): boolean {
  const value = headers['if-none-match']?.trim()
  if (value === undefined) return false
  if (value === '*') return true
  const tags = value.match(/"(?:[^"\\]|\\.)*"/g) ?? []
  return tags.some((tag) => unquote(tag) === version)
}

/** The 64-bit number that a version in base64 stands for, or null when it can be no version. */
export function versionNumber(version: string): string | null {
  const bytes = Buffer.from(version, 'base64')
  if (bytes.length !== 8 || bytes.toString('base64') !== version) return null
  return bytes.readBigInt64BE().toString()
}

function unquote(tag: string): string {
  return tag.slice(1, -1).replace(/\\(.)/g, '$1')
}
