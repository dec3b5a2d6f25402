// Where the result of a sign-in may be handed over. Pure.

/** Schemes that would run what stands in the URL, or reach no app. */
const NEVER = new Set(['javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:'])

/**
 * The URL to send a browser to, as it is to be written; null when `wanted` does not begin as one of `allowed`: the same
 * scheme and host, and a path at or below its path. A package (`ms-app://SID`) may always be handed its own.
 */
export function allowedRedirect(wanted: string, allowed: string[], packageSid: string | undefined): string | null {
  const to = parse(wanted)
  if (to === null || NEVER.has(to.scheme)) return null
  if (packageSid !== undefined && to.scheme === 'ms-app:' && to.host === hostOfPackage(packageSid)) return to.href
  const isAllowed = allowed.some((entry) => {
    const from = parse(entry)
    if (from === null || from.scheme !== to.scheme || from.host !== to.host) return false
    return to.path === from.path || to.path.startsWith(from.path.endsWith('/') ? from.path : `${from.path}/`)
  })
  return isAllowed ? to.href : null
}

type Parsed = { scheme: string; host: string; path: string; href: string }

// Not all of them are URLs of the web: an app's own scheme may have no host at all.
function parse(text: string): Parsed | null {
  // What a browser would read otherwise than it is read here is no URL.
  if (!URL.canParse(text) || /[\s\\#]/.test(text) || /^https?:(?!\/\/)/i.test(text)) return null
  const { protocol, host, pathname, username, password, href } = new URL(text)
  if (username !== '' || password !== '') return null
  return { scheme: protocol, host: host.toLowerCase(), path: pathname === '' ? '/' : pathname, href }
}

function hostOfPackage(packageSid: string): string {
  return packageSid
    .replace(/^ms-app:\/\//i, '')
    .replace(/\/$/, '')
    .toLowerCase()
}
