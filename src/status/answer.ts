// What is answered at the paths of the Service Dashboard, by control and by every gateway.
import { STATUS_PATHS, type StatusPage } from '../contract/status-page.ts'
import { renderFeed } from './feed.ts'
import { PAGE_POLICY, renderPage, type ShownBy } from './page.ts'

export type StatusAnswer = { status: number; headers: Record<string, string>; body: string }

const PATHS_ANSWERED: ReadonlySet<string> = new Set(Object.values(STATUS_PATHS))

const COMMON = { 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' }

/** True for a path, with or without a query, that is answered here. */
export function isStatusPath(url: string): boolean {
  return PATHS_ANSWERED.has(pathOf(url))
}

/** The answer to a GET; `page` is null before there ever was one. `baseUrl`: how the asker reached us, without a path. */
export function answerStatus(url: string, page: StatusPage | null, shown: ShownBy & { baseUrl: string }): StatusAnswer {
  if (page === null) {
    const headers = { ...COMMON, 'content-type': 'text/plain; charset=utf-8', 'retry-after': '5' }
    return { status: 503, headers, body: 'The Service Dashboard is not known here yet.\n' }
  }
  const { ageMs, isControlSilent, silentRegions } = shown
  switch (pathOf(url)) {
    case STATUS_PATHS.json: {
      const body = JSON.stringify({ ...page, ageMs: Math.round(ageMs), isControlSilent, silentRegions })
      // Anybody's page may read what anybody may read.
      const headers = { ...COMMON, 'content-type': 'application/json', 'access-control-allow-origin': '*' }
      return { status: 200, headers, body }
    }
    case STATUS_PATHS.feed: {
      const headers = { ...COMMON, 'content-type': 'application/atom+xml; charset=utf-8' }
      return { status: 200, headers, body: renderFeed(page, shown.baseUrl) }
    }
    default: {
      const headers = { ...COMMON, 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAGE_POLICY }
      return { status: 200, headers, body: renderPage(page, shown) }
    }
  }
}

function pathOf(url: string): string {
  return url.split('?')[0] ?? ''
}
