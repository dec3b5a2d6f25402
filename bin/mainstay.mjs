#!/usr/bin/env node
// The launcher: runs under any Node from 18 and hands over to the pinned Node 24, where it starts a role or the CLI.
import * as module from 'node:module'
import { fileURLToPath } from 'node:url'
import { entryOf } from './built.mjs'
import { handOver, isNewEnough } from './pinned-node.mjs'
import { stripTypesUnderNodeModules } from './strip-types.mjs'

// Roles are processes of their own; everything else is a command of the CLI.
const ROLES = new Set(['control', 'gateway', 'host', 'runtime', 'guard', 'backups'])

if (!isNewEnough()) {
  handOver([fileURLToPath(import.meta.url), ...process.argv.slice(2)])
} else {
  module.enableCompileCache?.()
  stripTypesUnderNodeModules()
  const word = process.argv[2] ?? ''
  const isRole = ROLES.has(word) && !process.argv[3]?.match(/^(restore|key|settle)$/)
  const { main } = await import(entryOf(isRole ? word : 'cli'))
  await main(process.argv.slice(isRole ? 3 : 2))
}
