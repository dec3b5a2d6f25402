// Where the result of a sign-in may be handed over. Pure.

/** Schemes that would run what stands in the URL, or reach no app. */
const NEVER = new Set(['javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:'])

/**
 * True when `wanted` begins as one of `allowed`: the same scheme and host, and a path at or below its path. A package
 * (`ms-app://SID`) may always be handed its own.
 */
export function isRedirectAllowed(wanted: string, allowed: string[], packageSid: string | undefined): boolean {
  const to = parse(wanted)
  if (to === null || NEVER.has(to.scheme)) return false
  if (packageSid !== undefined && to.scheme === 'ms-app:' && to.host === hostOfPackage(packageSid)) return true
  return allowed.some((entry) => {
    const from = parse(entry)
    if (from === null || from.scheme !== to.scheme || from.host !== to.host) return false
    return to.path === from.path || to.path.startsWith(from.path.endsWith('/') ? from.path : `${from.path}/`)
  })
}

type Parsed = { scheme: string; host: string; path: string }

// Not all of them are URLs of the web: an app's own scheme may have no host at all.
function parse(text: string): Parsed | null {
  if (!URL.canParse(text) || /[\s\\]/.test(text)) return null
  const { protocol, host, pathname, username, password, hash } = new URL(text)
  if (username !== '' || password !== '' || hash !== '') return null
  return { scheme: protocol, host: host.toLowerCase(), path: pathname === '' ? '/' : pathname }
}

function hostOfPackage(packageSid: string): string {
  return packageSid
    .replace(/^ms-app:\/\//i, '')
    .replace(/\/$/, '')
    .toLowerCase()
}
