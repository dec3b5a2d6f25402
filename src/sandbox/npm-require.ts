// npm modules of a service: Node itself loads them, from the one folder that they are in. What they ask the world for
// goes the way that scripts' own requests go; files of others, processes and sockets there are none.
import { createRequire, isBuiltin } from 'node:module'
import { scriptFetch } from './fetch-call.ts'
import { httpModule } from './http-modules.ts'

type OfMain = { log: (level: 'info' | 'warn' | 'error', values: unknown[]) => void }

/** What scripts require of it by a name; undefined where it has no such package. */
export type NpmRequire = (name: string) => { exports: unknown } | undefined

/** `folder` is that of `node_modules`. What its modules say with `console` goes to `log`. */
export function openNpmModules(folder: string, { log }: OfMain): NpmRequire {
  giveWorld(log)
  const require = createRequire(`${folder}/../service.js`)
  return (name) => {
    // Of Node scripts have what there is without npm modules, too.
    if (isBuiltin(name)) return undefined
    let path: string
    try {
      path = require.resolve(name)
    } catch (error) {
      // One of its own that is missing is its trouble, and told so when it is loaded.
      if (isMissing(error, name)) return undefined
      throw error
    }
    return { exports: require(path) }
  }
}

function isMissing(error: unknown, name: string): boolean {
  const { code, message } = Object(error) as { code?: string; message?: string }
  return code === 'MODULE_NOT_FOUND' && String(message).includes(`'${name}'`)
}

// Theirs is Node's own world. What would fail there without a network is replaced by what works for scripts.
function giveWorld(log: OfMain['log']): void {
  const line = (level: 'info' | 'warn' | 'error') => {
    return (...values: unknown[]) => log(level, values)
  }
  Object.assign(globalThis, { fetch: scriptFetch })
  Object.assign(console, { log: line('info'), info: line('info'), debug: line('info') })
  Object.assign(console, { warn: line('warn'), error: line('error') })
  for (const name of ['http', 'https'] as const) {
    const { request, get } = httpModule(`${name}:`)
    Object.assign(process.getBuiltinModule(name), { request, get })
  }
  process.getBuiltinModule('module').syncBuiltinESMExports()
}
