// Whether the path of a request may be looked at: old tools put names into it as they are typed, so it is checked
// whole.
import { Fault } from '../kit/fault.ts'

/** What a segment may be made of: names of services, tables, scripts, hosts, columns, thumbprints and ids. */
const SEGMENT = /^[A-Za-z0-9_.*@ -]{1,260}$/

/** Faults with `http.bad_path` for what could mean another place than it says. */
export function requirePlainPath(url: string): void {
  const [path = ''] = url.split('?')
  // `/{sub}/services/?servicelist=…` ends with a slash.
  const segments = path.replace(/^\//, '').replace(/\/$/, '').split('/')
  for (const segment of segments) {
    const name = decoded(segment)
    if (name !== null && SEGMENT.test(name) && !/^\.+$/.test(name) && !name.includes('..')) continue
    throw new Fault('http.bad_path', 400, `the path of this request has a part that cannot be a name`, {
      hint: 'Names have letters, digits and . _ - * @, and no two dots in a row.',
    })
  }
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}
