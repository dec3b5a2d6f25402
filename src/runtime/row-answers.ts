// How rows are answered: bodies, locations and entity tags of the table protocol.
import { SYSTEM_COLUMNS, VERSION_COLUMN } from '../contract/table-format.ts'
import { type Answer, emptyAnswer, jsonAnswer } from './answer.ts'
import type { AppRequest } from './app-request.ts'
import { etagOf, isNoneMatch } from './etags.ts'
import type { Property } from './item-body.ts'
import { originOf, prefixOf } from './own-url.ts'
import type { Page, ReadRow, WrittenRow } from './table-store.ts'

/** A page of rows; `[]` when a column that was named does not exist. */
export function pageAnswer(page: Page | null, wantsCount: boolean): Answer {
  if (!page) return jsonAnswer(200, '[]')
  return jsonAnswer(200, wantsCount ? `{"results":${page.rows},"count":${page.count}}` : page.rows)
}

/** One row, or 304 when the client has this version already. */
export function rowAnswer(
  found: ReadRow,
  asked: { select: string[] | null; systemColumns: string[] },
  headers: AppRequest['headers'],
): Answer {
  const isSelected = asked.select?.some((name) => name.toLowerCase() === VERSION_COLUMN) ?? false
  const isShown = isSelected || asked.systemColumns.includes(VERSION_COLUMN)
  if (!isShown || found.version === null) return jsonAnswer(200, found.row)
  const etag = { etag: etagOf(found.version) }
  return isNoneMatch(headers, found.version) ? emptyAnswer(304, etag) : jsonAnswer(200, found.row, etag)
}

/** A whole row with its entity tag. */
export function wholeAnswer(status: number, { row, version }: ReadRow, headers: Record<string, string> = {}): Answer {
  return jsonAnswer(status, row, version === null ? headers : { ...headers, etag: etagOf(version) })
}

/** 412 with the row as it is now, whole, so that a client can settle the conflict. */
export function conflictAnswer(current: ReadRow): Answer {
  return jsonAnswer(412, current.row, current.version === null ? {} : { etag: etagOf(current.version) })
}

/** What was sent, the id, and the system properties asked for: no row is read again for it. */
export function itemAnswer(
  status: number,
  item: { id: string | number; properties: Property[]; written: WrittenRow; systemColumns: string[] },
  headers: Record<string, string> = {},
): Answer {
  const members = [`"id":${JSON.stringify(item.id)}`]
  for (const { name, value } of item.properties) members.push(`${JSON.stringify(name)}:${JSON.stringify(value.value)}`)
  for (const column of SYSTEM_COLUMNS) {
    const value = item.written[column]
    if (value === undefined || !item.systemColumns.includes(column)) continue
    members.push(`${JSON.stringify(column)}:${JSON.stringify(value)}`)
  }
  const version = item.written[VERSION_COLUMN]
  const isShown = version !== undefined && item.systemColumns.includes(VERSION_COLUMN)
  return jsonAnswer(status, `{${members.join(',')}}`, isShown ? { ...headers, etag: etagOf(version) } : headers)
}

/**
 * The `Link` to the page behind a full one, for a client that did not say how many rows it wants; null where there is none.
 * In the form that the clients of the second generation read: without the brackets of RFC 8288.
 */
export function nextPageLink(
  request: AppRequest,
  { skip, top }: { skip: number; top: number },
  { length, count }: Page,
): string | null {
  const isLast = length < top || (count !== null && skip + length >= Number(count))
  if (isLast || request.query.has('$top')) return null
  const query = new URLSearchParams(request.query)
  query.set('$skip', String(skip + length))
  return `${originOf(request)}${prefixOf(request)}${request.path}?${query}; rel=next`
}

/** The URL of a row that was just inserted, as its client will ask for it. */
export function locationOf(request: AppRequest, id: string): string {
  return `${originOf(request)}${prefixOf(request)}${request.path.replace(/\/$/, '')}/${encodeURIComponent(id)}`
}
