// Node does not strip types below node_modules, which is where an installed Mainstay lives: we do it ourselves there.
import { readFileSync } from 'node:fs'
import * as module from 'node:module'

/** For this thread: each has hooks of its own. */
export function stripTypesUnderNodeModules() {
  const source = new URL('../src/', import.meta.url).href
  if (!source.includes('/node_modules/')) return
  module.registerHooks({
    load(url, context, next) {
      if (!url.startsWith(source) || !url.endsWith('.ts')) return next(url, context)
      const text = readFileSync(new URL(url), 'utf8')
      return { format: 'module', shortCircuit: true, source: module.stripTypeScriptTypes(text) }
    },
  })
}
