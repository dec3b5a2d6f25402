// The modules of Node that scripts can require: those that do something useful without network, processes, threads or
// files. The rest would only fail later.
import { createRequire } from 'node:module'

const NAMES = new Set([
  'assert',
  'assert/strict',
  'async_hooks',
  'buffer',
  'crypto',
  'diagnostics_channel',
  'events',
  'os',
  'path',
  'path/posix',
  'path/win32',
  'perf_hooks',
  'punycode',
  'querystring',
  'stream',
  'stream/promises',
  'string_decoder',
  'timers',
  'timers/promises',
  'url',
  'util',
  'util/types',
  'zlib',
])
/** What they are given they keep, or call later, whoever's call it was. */
const CALLING_BACK = new Set(['async_hooks', 'diagnostics_channel', 'perf_hooks', 'timers', 'timers/promises'])
const require = createRequire('/')

/** True for one of them. */
export function isNodeModule(name: string): boolean {
  return NAMES.has(name.replace(/^node:/, ''))
}

/** True for one that may call a script's function long after the script's own call. */
export function callsBack(name: string): boolean {
  return CALLING_BACK.has(name.replace(/^node:/, ''))
}

/** One of them. Throws when there is none of that name. */
export function nodeModule(name: string): unknown {
  const bare = name.replace(/^node:/, '')
  if (NAMES.has(bare)) return require(bare)
  const names = [...NAMES].join(', ')
  throw new Error(
    `Cannot find module '${name}': scripts can require these modules of Node: ${names}, http, https; modules of their own by a path, and npm modules that the service's package.json names.`,
  )
}
