// Where a plain request goes when nothing stands in its way; all else is decided, and answered, by the public server.
import type { IncomingMessage } from 'node:http'
import type { Route } from '../contract/assignment.ts'
import { isStatusPath } from '../status/answer.ts'
import { authorityOf, challengeTokenOf, isSecure, redirectOf } from './https.ts'
import type { PublicDeps } from './public-server.ts'
import { type Destination, findDestination } from './router.ts'

export type Way = { route: Route; destination: Destination; isSecure: boolean }

/** The way of a request to an open service; null: it is for the gateway itself, or something is to be looked at. */
export function openWayOf(asked: Pick<IncomingMessage, 'headers' | 'socket'> & { url: string }, deps: PublicDeps) {
  const { url } = asked
  const authority = authorityOf(asked)
  if (challengeTokenOf(url) !== null || isStatusPath(url)) return null
  const destination = findDestination(authority, url, deps.routes.serviceAt)
  const route = deps.routes.find(destination?.service ?? '')
  if (!destination || !route || !isOpen(route, deps)) return null
  const secure = isSecure(asked, deps.proxies)
  if (redirectOf({ isSecure: secure, authority, url }, route, deps.httpsPort()) !== null) return null
  return { route, destination, isSecure: secure } satisfies Way
}

function isOpen(route: Route, { holds, isLost }: PublicDeps): boolean {
  return !route.closed && !holds.has(route.service) && !isLost(route.to.machine)
}
