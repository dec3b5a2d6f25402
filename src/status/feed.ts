// The Service Dashboard as an Atom feed: each incident once, with its updates, and each post.
// https://www.rfc-editor.org/rfc/rfc4287
import type { StatusIncident, StatusPage, StatusPost } from '../contract/status-page.ts'
import { STATUS_PATHS } from '../contract/status-page.ts'
import { type Markup, markup } from './markup.ts'

/** The feed. `baseUrl`: where this dashboard is reached, without a path. */
export function renderFeed(page: StatusPage, baseUrl: string): string {
  const entries = [...page.incidents.map(incidentEntry), ...page.posts.map(postEntry)]
    .toSorted((left, right) => right.updated.localeCompare(left.updated))
    .map((entry) => renderEntry(entry, baseUrl))
  return markup`<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>${baseUrl}${STATUS_PATHS.page}</id>
<title>Service Dashboard</title>
<updated>${page.writtenAt}</updated>
<link rel="self" href="${baseUrl}${STATUS_PATHS.feed}"/>
<link rel="alternate" type="text/html" href="${baseUrl}${STATUS_PATHS.page}"/>
<author><name>Service Dashboard</name></author>
${entries}</feed>
`.text
}

type Entry = { id: string; title: string; published: string; updated: string; html: string }

function incidentEntry({ id, area, title, state, openedAt, closedAt, updates }: StatusIncident): Entry {
  const lines = updates.map(({ at, text }) => markup`<p>${at.slice(0, 16).replace('T', ' ')} UTC: ${text}</p>`)
  const over = closedAt === null ? state : 'Over'
  return {
    id: `urn:mainstay:incident:${id}`,
    title: `${over}: ${area}: ${title}`,
    published: openedAt,
    updated: updates.at(-1)?.at ?? openedAt,
    html: lines.map(({ text }) => text).join(''),
  }
}

function postEntry({ id, title, at, html, window }: StatusPost): Entry {
  const planned = window ? markup`<p>${window.from} to ${window.to}</p>`.text : ''
  return { id: `urn:mainstay:post:${id}`, title, published: at, updated: at, html: planned + html }
}

function renderEntry({ id, title, published, updated, html }: Entry, baseUrl: string): Markup {
  return markup`<entry><id>${id}</id><title>${title}</title><published>${published}</published><updated>${updated}</updated>
<link href="${baseUrl}${STATUS_PATHS.page}"/><content type="html">${html}</content></entry>
`
}
