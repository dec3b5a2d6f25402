// Finds the service that a request is for: by host name, or by the path form for clients that cannot set a host.
import { SERVICES_PATH } from '../contract/protocols.ts'

/** Which service, the path and query as the service sees them, and what the client's path has before them. */
export type Destination = { service: string; path: string; prefix: string }

/**
 * A domain of a service's own names it, whatever the path is; `serviceOf` knows those. Else `NAME.anything[:port]` names a
 * service, unless `anything` is missing; so does the path `/services/NAME/…`. An address in
 * numbers never does. Null: the request is for the gateway itself.
 */
export function findDestination(
  hostHeader: string | undefined,
  url: string,
  serviceOf: (authority: string | undefined) => string | null = () => null,
): Destination | null {
  const owner = serviceOf(hostHeader)
  if (owner !== null) return { service: owner, path: url, prefix: '' }
  if (url.startsWith(SERVICES_PATH)) {
    const rest = url.slice(SERVICES_PATH.length)
    const end = rest.search(/[/?]/)
    const name = end < 0 ? rest : rest.slice(0, end)
    const path = end < 0 ? '' : rest.slice(end)
    if (name === '') return null
    const prefix = `${SERVICES_PATH}${name}`
    return { service: name.toLowerCase(), path: path.startsWith('/') ? path : `/${path}`, prefix }
  }
  const host = (hostHeader ?? '').toLowerCase().replace(/:\d+$/, '')
  const labels = host.split('.')
  if (labels.length < 2 || labels[0] === '' || host.startsWith('[') || /^[\d.]+$/.test(host)) return null
  return { service: labels[0] ?? '', path: url, prefix: '' }
}
