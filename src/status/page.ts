// The Service Dashboard as a page of HTML without any script: it is read when things are bad, by anything.
import { createHash } from 'node:crypto'
import type { StatusIncident, StatusPage, StatusPost, StatusRow } from '../contract/status-page.ts'
import { STATUS_PATHS } from '../contract/status-page.ts'
import { DASHBOARD_DAYS } from '../kit/limits.ts'
import { Markup, markup } from './markup.ts'
import { STYLE } from './style.ts'

/**
 * Who shows it, and what is known besides: `ageMs`: since control wrote the page; `isControlSilent`: nothing newer is to be
 * had; `silentRegions`: regions that this gateway itself gets no answer from.
 */
export type ShownBy = { ageMs: number; isControlSilent: boolean; silentRegions: string[] }

const DAY_MS = 86_400_000
const NAMES = { compute: 'Apps', database: 'Data', gateway: 'Entrance', management: 'Management' } as const
const WORDS = { Ready: 'works', Degraded: 'degraded', Unhealthy: 'unhealthy' } as const

/** What a browser is told may be done with it: nothing is loaded, nothing is run, nobody frames it. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The page. It is loaded again by itself. */
export function renderPage(page: StatusPage, shown: ShownBy): string {
  const open = page.incidents.filter(({ closedAt }) => closedAt === null)
  const past = page.incidents.filter(({ closedAt }) => closedAt !== null)
  const now = Date.parse(page.writtenAt) + shown.ageMs
  const planned = page.posts.filter(({ window }) => window !== null && Date.parse(window.to) > now)
  const notes = page.posts.filter((post) => !planned.includes(post))
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="15">
<title>${headline(page)} · Service Dashboard</title>
<link rel="alternate" type="application/atom+xml" title="Service Dashboard" href="${STATUS_PATHS.feed}">
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<h1>Service Dashboard</h1>
<p class="headline ${worstOf(page.rows)}" role="status">${headline(page)}</p>
${shown.isControlSilent ? silence(shown) : null}
${page.advice.map(renderAdvice)}
${section('Now', open.map(renderIncident))}
${section('Scheduled maintenance', planned.map(renderPost))}
<h2>Regions and entrances</h2>
<table>
<caption>State now, and each of the last ${DASHBOARD_DAYS} days</caption>
<thead><tr><th scope="col">Where</th><th scope="col">What</th><th scope="col">Now</th><th scope="col">Days</th></tr></thead>
<tbody>${page.rows.map((row) => renderRow(row, page))}</tbody>
</table>
${section('News', notes.map(renderPost))}
${section('Before', past.map(renderIncident))}
<footer>
<p>Written ${time(page.writtenAt)}, ${age(shown.ageMs)} ago. <a href="${STATUS_PATHS.json}">JSON</a> ·
<a href="${STATUS_PATHS.feed}">Atom feed</a></p>
</footer>
</main>
</body>
</html>
`.text
}

function headline({ rows }: StatusPage): string {
  const bad = rows.filter(({ state }) => state !== 'Ready')
  const [first] = bad
  if (!first) return 'All systems work'
  const areas = [...new Set(bad.map(({ area }) => area))]
  return `${worstOf(rows) === 'Unhealthy' ? 'Unhealthy' : 'Degraded'}: ${areas.join(', ')}`
}

function worstOf(rows: StatusRow[]): StatusRow['state'] {
  const states = rows.map(({ state }) => state)
  return states.includes('Unhealthy') ? 'Unhealthy' : states.includes('Degraded') ? 'Degraded' : 'Ready'
}

// What this gateway sees for itself is the only news there is then.
function silence({ ageMs, silentRegions }: ShownBy): Markup {
  const seen = silentRegions.map(
    (region) => markup`<p>The entrance that shows this page gets no answer from <b>${region}</b>.</p>`,
  )
  return markup`<section class="notice" role="alert">
<p>What is shown is ${age(ageMs)} old: the management of this cloud does not answer. Apps are served without it.</p>
${seen}
</section>`
}

function renderAdvice({ area, services }: StatusPage['advice'][number]): Markup {
  const which = services.names ? ` (${services.names.join(', ')})` : ''
  return markup`<section class="notice" role="alert"><p><b>Recovery is advised</b> for ${services.count} mobile
service(s)${which} in ${area}. Operators: <code>mainstay status</code> names the command, what it takes and what it may
cost.</p></section>`
}

function section(title: string, parts: Markup[]): Markup | null {
  return parts.length === 0 ? null : markup`<section><h2>${title}</h2>${parts}</section>`
}

function renderIncident({
  area,
  component,
  state,
  title,
  openedAt,
  closedAt,
  services,
  updates,
}: StatusIncident): Markup {
  const concerned = services.count === 0 ? '' : `, ${services.names?.join(', ') ?? `${services.count} service(s)`}`
  return markup`<article>
<h3><span class="dot ${closedAt === null ? state : 'Ready'}"></span>${area} · ${NAMES[component]}: ${title}</h3>
<p>${time(openedAt)}${closedAt === null ? ', not over yet' : markup` to ${time(closedAt)}`}${concerned}</p>
<ul>${updates.map(({ at, text }) => markup`<li>${time(at)} ${text}</li>`)}</ul>
</article>`
}

function renderPost({ title, html, at, window }: StatusPost): Markup {
  const when = window ? markup`${time(window.from)} to ${time(window.to)}` : time(at)
  return markup`<article><h3>${title}</h3><p>${when}</p>${new Markup(html)}</article>`
}

function renderRow(
  { area, component, state, since, days }: StatusRow,
  { writtenAt, since: known }: StatusPage,
): Markup {
  const today = Math.floor(Date.parse(writtenAt) / DAY_MS)
  const byDay = new Map(days.map((one) => [one.day, one]))
  const bars = Array.from({ length: DASHBOARD_DAYS }, (_, index) => {
    const day = new Date((today - DASHBOARD_DAYS + 1 + index) * DAY_MS).toISOString().slice(0, 10)
    const found = byDay.get(day)
    const look = day < known ? 'unknown' : (found?.worst ?? 'Ready')
    return markup`<i class="${look}" title="${describeDay(day, look, found?.downMinutes ?? 0)}"></i>`
  })
  const told = days.map(({ day, worst, downMinutes }) => describeDay(day, worst, downMinutes)).join('; ')
  return markup`<tr><th scope="row">${area}</th><td>${NAMES[component]}</td>
<td><span class="dot ${state}"></span>${WORDS[state]}${since === null ? null : markup` since ${time(since)}`}</td>
<td><span class="days" role="img" aria-label="${told === '' ? 'no trouble' : told}">${bars}</span></td></tr>`
}

function describeDay(day: string, look: string, downMinutes: number): string {
  if (look === 'Ready') return `${day}: no trouble`
  if (look === 'unknown') return `${day}: not known`
  return downMinutes === 0 ? `${day}: degraded` : `${day}: down for ${downMinutes} min`
}

function time(at: string): Markup {
  return markup`<time datetime="${at}">${at.slice(0, 16).replace('T', ' ')} UTC</time>`
}

function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 120) return `${seconds} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`
}
