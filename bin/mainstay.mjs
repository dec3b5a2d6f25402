#!/usr/bin/env node
// The launcher: runs under any Node from 18 and hands over to the pinned Node 24, where it starts a role or the CLI.
import { readFileSync } from 'node:fs'
import * as module from 'node:module'
import { fileURLToPath } from 'node:url'
import { handOver, isNewEnough } from './pinned-node.mjs'

// Roles are processes of their own; everything else is a command of the CLI.
const ROLES = new Set(['control', 'gateway', 'host', 'runtime', 'guard', 'backups'])

if (!isNewEnough()) {
  handOver([fileURLToPath(import.meta.url), ...process.argv.slice(2)])
} else {
  module.enableCompileCache?.()
  stripTypesUnderNodeModules()
  const word = process.argv[2] ?? ''
  const isRole = ROLES.has(word) && !process.argv[3]?.match(/^(restore|key|settle)$/)
  const { main } = await import(isRole ? `../src/${word}/main.ts` : '../src/cli/main.ts')
  await main(process.argv.slice(isRole ? 3 : 2))
}

/** Node does not strip types below node_modules, which is where an installed Mainstay lives: do it ourselves there. */
function stripTypesUnderNodeModules() {
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
