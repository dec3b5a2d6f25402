// The libraries that scripts of old found without asking for them: they lie beside the sandbox's own code.
import { createRequire } from 'node:module'

const NAMES = new Set(['async', 'sax', 'underscore', 'underscore.string', 'xml2js', 'xmlbuilder'])
const require = createRequire(import.meta.url)

/** One of them, or undefined. */
export function scriptLibrary(name: string): unknown {
  return NAMES.has(name) ? require(name) : undefined
}
