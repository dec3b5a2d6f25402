// A V8 context in which scripts run: our own side of it is compiled once and sent into each as text.
import { createContext, Script } from 'node:vm'
import { scriptFetch } from './fetch-call.ts'
import { filterOfFunction } from './filter-function.ts'
import { scriptApi } from './script-api.ts'
import { scriptExtension } from './script-extension.ts'
import { type GlobalsOutside, scriptGlobals } from './script-globals.ts'
import { scriptPush } from './script-push.ts'
import { type Queries, scriptQueries } from './script-queries.ts'
import { scriptSide } from './script-side.ts'
import { scriptSql } from './script-sql.ts'
import { scriptStartup } from './script-startup.ts'
import { scriptTables } from './script-tables.ts'
import { STATUS_CODES } from './status-codes.ts'

/** Our side inside a context. */
export type Inside = {
  global: Record<string, unknown>
  run: (script: Script) => unknown
  queries: Queries
  scriptTables: typeof scriptTables
  scriptSide: typeof scriptSide
  scriptApi: typeof scriptApi
  scriptSql: typeof scriptSql
  scriptPush: typeof scriptPush
  scriptExtension: typeof scriptExtension
  scriptStartup: typeof scriptStartup
}
type Shown =
  | 'scriptTables'
  | 'scriptSide'
  | 'scriptApi'
  | 'scriptSql'
  | 'scriptPush'
  | 'scriptExtension'
  | 'scriptStartup'
type Functions = Pick<Inside, Shown> & {
  scriptGlobals: typeof scriptGlobals
  scriptQueries: typeof scriptQueries
}

const functions = {
  scriptApi,
  scriptExtension,
  scriptGlobals,
  scriptPush,
  scriptQueries,
  scriptSide,
  scriptSql,
  scriptStartup,
  scriptTables,
}
const text = Object.entries(functions).map(([name, code]) => `${name}: ${code}`)
const inside = new Script(`({ ${text.join(',\n')} })`, { filename: 'mainstay' })

const SHARED = {
  Buffer,
  process,
  URL,
  URLSearchParams,
  TextEncoder,
  TextDecoder,
  AbortController,
  AbortSignal,
  structuredClone,
  queueMicrotask,
  atob,
  btoa,
  fetch: scriptFetch,
  Headers,
  Request,
  Response,
  FormData,
  Blob,
}

/** Makes one. `name` is for debuggers. */
export function makeContext(name: string, outside: Omit<GlobalsOutside, 'shared' | 'statusCodes'>): Inside {
  const context = createContext({}, { name })
  const made = inside.runInContext(context) as Functions
  made.scriptGlobals({ ...outside, shared: SHARED, statusCodes: STATUS_CODES })
  return {
    global: context as Record<string, unknown>,
    run: (script) => script.runInContext(context),
    queries: made.scriptQueries(filterOfFunction),
    scriptTables: made.scriptTables,
    scriptSide: made.scriptSide,
    scriptApi: made.scriptApi,
    scriptSql: made.scriptSql,
    scriptPush: made.scriptPush,
    scriptExtension: made.scriptExtension,
    scriptStartup: made.scriptStartup,
  }
}
