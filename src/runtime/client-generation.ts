// The two generations of clients, told apart by a header or an option of the query: they name system columns otherwise,
// expect other answers, and the second knows no application key.
import type { IncomingHttpHeaders } from 'node:http'
import { SYSTEM_COLUMNS } from '../contract/table-format.ts'
import { badRequest } from './app-faults.ts'

export type ClientGeneration = 1 | 2

const MARKER = 'zumo-api-version'
const VERSION = /^2\.0\.\d+$/

/** What a request says that it is; the second where it names any version. */
export function clientGenerationOf(headers: IncomingHttpHeaders, query: URLSearchParams): ClientGeneration {
  return versionOf(headers, query) === null ? 1 : 2
}

/** Refuses a version that is none of the second generation's. */
export function requireKnownVersion(headers: IncomingHttpHeaders, query: URLSearchParams): void {
  const version = versionOf(headers, query)
  if (version === null || VERSION.test(version)) return
  throw badRequest(`The API version '${version}' is not supported: this server takes 2.0.0 in ${MARKER}.`)
}

/** True for an option of the query that says the version, whatever its case. */
export function isVersionOption(name: string): boolean {
  return name.toLowerCase() === MARKER
}

/** The name of a system column as the second generation has it. */
export function plainName(column: string): string {
  return SYSTEM_COLUMNS.some((one) => one === column) ? column.slice(2) : column
}

/** Names that only the server gives a value to, in the second generation; `version` may be sent, and is compared. */
export function isReservedName(name: string): boolean {
  return [...SYSTEM_COLUMNS].some((column) => plainName(column).toLowerCase() === name.toLowerCase())
}

/** A row that was made for the first generation, as the second names its columns. */
export function withPlainNames(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [plainName(name), value]))
}

function versionOf(headers: IncomingHttpHeaders, query: URLSearchParams): string | null {
  const header = headers[MARKER]
  if (typeof header === 'string') return header
  for (const [name, value] of query) if (isVersionOption(name)) return value
  return null
}
