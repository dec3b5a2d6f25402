// What a runtime and a sandbox say to each other. Types only: nothing of it is loaded in the sandbox.

/** The name of the function that a script defines: the original calls a delete `del`. */
export type ScriptOperation = 'insert' | 'read' | 'update' | 'del'
/**
 * `id`: who the token says it is, such as `Facebook:1234`; null without one. `identities`: what providers said of them, by
 * the names of providers.
 */
export type ScriptUser = {
  level: 'admin' | 'authenticated' | 'anonymous'
  id: string | null
  identities?: Record<string, unknown>
}
/** A value on the way: plain JSON, a date as `{ '$mainstay.date': iso }`, bytes as `{ '$mainstay.bytes': base64 }`. */
export type WireValue = unknown
export type WireItem = Record<string, WireValue>

export type WireQuery = {
  table: string
  /** Conditions in the query language of `$filter`; all must hold. */
  filters: string[]
  selections: string[]
  /** `term`: an expression of the query language; a column's name, as a rule. */
  ordering: { term: string; isDescending: boolean }[]
  skip: number
  /** Null: as many as a script may read at once. */
  take: number | null
  includeTotalCount: boolean
  /** Of a read by id. */
  id: string | null
}

/** A table operation that a script asks its runtime for. */
export type TableAsk =
  | { op: 'insert'; table: string; item: WireItem; systemProperties: string[] }
  | {
      op: 'update'
      table: string
      item: WireItem
      systemProperties: string[]
      version: string | null
      /** The row is to be there again, if it was marked as deleted. */
      isUndelete: boolean
    }
  | { op: 'del'; table: string; id: string; version: string | null }
  | { op: 'lookup'; table: string; id: string; systemProperties: string[]; includesDeleted: boolean }
  | { op: 'read'; query: WireQuery; systemProperties: string[]; includesDeleted: boolean; isQuiet: boolean }

/** `session`: a connection of the script's own, from `sql_open` on; null: any. Statements run one after the other. */
export type SqlAsk =
  | { op: 'sql_names' }
  | { op: 'sql_open' }
  | { op: 'sql_close'; session: number }
  | { op: 'sql'; session: number | null; statements: { text: string; values: WireValue[] }[] }
/** What a statement gave: rows as lists in the order of `columns`; `count`: how many it gave or changed. */
export type SqlResult = { columns: { name: string; type: string }[]; rows: WireValue[][]; count: number | null }

/** `body`: base64. */
export type FetchAsk = {
  op: 'fetch'
  url: string
  method: string
  headers: [string, string][]
  body: string | null
  redirect: 'follow' | 'manual' | 'error'
}

/**
 * A push notification, to everybody with these tags (null: everybody) or to one device. `platform` is `template` for one
 * that fills the devices' own templates. `act`: what is to be done with registrations, by its word.
 */
export type PushAsk =
  | {
      op: 'push_send'
      platform: string
      tags: string | null
      device: WireValue
      body: WireValue
      headers: Record<string, string>
      ttl: number | null
    }
  | { op: 'push_devices'; act: string; values: WireValue[] }

/** What a script asks its runtime for. */
export type ScriptAsk = TableAsk | SqlAsk | FetchAsk | PushAsk

export type AskOutcome =
  | { kind: 'row'; row: WireItem }
  /** `rows` is a JSON array as text; '' when it was not wanted. */
  | { kind: 'rows'; rows: string; count: number | null }
  | { kind: 'done' }
  /** The schema, what it is called in SQL of old, and the names of its tables and columns. */
  | { kind: 'names'; schema: string; aliases: string[]; names: string[] }
  | { kind: 'session'; session: number }
  | {
      kind: 'fetched'
      url: string
      status: number
      statusText: string
      headers: [string, string][]
      body: string
      isRedirected: boolean
    }
  | { kind: 'results'; results: SqlResult[] }
  | { kind: 'pushed'; result: WireValue }
  | { kind: 'conflict'; row: WireItem; message: string }
  /** `sqlState`: PostgreSQL's own code of it. */
  | { kind: 'failed'; status: number; message: string; sqlState?: string }

/**
 * `source` names the script in stacks and logs: `/table/TodoItem.insert.js`. The text goes along the first time only.
 * `modules`: the key of the modules that it may require; null: there are none.
 */
type CallOf = {
  kind: 'call'
  call: number
  script: { source: string; hash: string; text: string | null }
  modules: string | null
  user: ScriptUser
}

export type TableStart = CallOf & {
  what: 'table'
  table: string
  operation: ScriptOperation
  /** insert, update. */
  item: WireItem | null
  /** del. A number where the table's ids are integers. */
  id: string | number | null
  /** read. */
  query: WireQuery | null
  /** update, del: the version that the client demands. */
  version: string | null
  parameters: Record<string, string>
  systemProperties: string[]
  /** Of a read: rows that are marked as deleted, too. */
  includesDeleted: boolean
  /** Of an update: it takes the mark of a delete away. */
  isUndelete: boolean
}

/** A request to a custom API. */
export type ApiRequest = {
  method: string
  /** Below the API's name: empty, or it begins with a slash. Not decoded. */
  path: string
  /** As the app sent it, with its query. */
  url: string
  host: string
  isSecure: boolean
  headers: Record<string, string>
  /** Parsed by its type: a value, a string, or undefined where there is none. */
  body?: unknown
  /** Of a form: which field a file is of, its own name, its bytes in base64. */
  files?: { field: string; name: string; type: string; data: string }[]
}

/**
 * The script is the module of that name, `api/orders`. `access`: where routes differ, whether this request may take each,
 * by its name without slashes around; `*` any other.
 */
export type ApiStart = CallOf & {
  what: 'api'
  module: string
  request: ApiRequest
  access?: Record<string, boolean>
}

/** A scheduled job: the script's function of that name is run. */
export type JobStart = CallOf & { what: 'job'; name: string }

/**
 * The extension of that module. `register`: it is shown a registration (JSON), `extensions/push`. `startup`: it is called
 * before anything else. `load`: of any module, which is loaded and not called, to see whether that works, and whether
 * an extension `push` exports what is called.
 */
export type ExtensionStart = CallOf & {
  what: 'extension'
  hook: 'register' | 'startup' | 'load'
  module: string
  registration: string
}

/**
 * A script of a table or a job, begun as its next call would begin it, and not called: to see whether that works, and
 * whether it defines what is called.
 */
export type LoadStart = CallOf & { what: 'load' } & (
    | { of: 'table'; table: string; operation: ScriptOperation }
    | { of: 'job'; name: string }
  )

export type CallStart = TableStart | ApiStart | JobStart | ExtensionStart | LoadStart

/** Bounds that hold inside; what must hold against a hostile script is bounded by the kernel and the runtime. */
export type SandboxLimits = {
  rowsMax: number
  timersMax: number
  logCharactersMax: number
  messageBytesMax: number
  jobIdleMs: number
}

export type ToSandbox =
  /** `modules`: where its npm modules are, as it sees them; null: there are none. */
  | {
      kind: 'hello'
      environment: Record<string, string>
      config: Record<string, unknown>
      limits: SandboxLimits
      modules: string | null
    }
  /** The text of a module, kept under its hash. */
  | { kind: 'text'; hash: string; text: string }
  /** What can be required under that key: hashes by name, `shared/mail`. It replaces what was there before. */
  | { kind: 'modules'; key: string; files: Record<string, string> }
  | CallStart
  | { kind: 'told'; ask: number; outcome: AskOutcome }
  | { kind: 'ping'; ping: number }
  /** Nobody waits for this call any more. */
  | { kind: 'over'; call: number }

/**
 * `default`: the answer that the operation has by itself; `body` null: exactly as the runtime would give it. `failed`: the
 * script threw, or broke a rule; the text is for the log. `execute_failed`: its operation failed and it did not care.
 */
export type ScriptAnswer =
  | { kind: 'default'; body: string | null }
  | { kind: 'respond'; status: number; body: string | null; version: string | null }
  | { kind: 'execute_failed' }
  | { kind: 'failed'; message: string }
  /** Of a custom API: all of its answer. Bytes are base64. */
  | { kind: 'http'; status: number; headers: [string, string][]; body: string; isBase64: boolean }
  /** Of an extension: the registration (JSON) as it is to be kept, or why it is not. */
  | { kind: 'registered'; registration: string }
  | { kind: 'refused'; status: number; message: string }
  /** Of a custom API: nothing in it answers that path (null), or that method of it. */
  | { kind: 'no_route'; allow: string[] | null }
  /** Of a custom API: the route is not for this request. */
  | { kind: 'unauthorized' }

/**
 * What a script leaves of its answer: its item as JSON, which its operation completes; true: the very item that the
 * operation is given; null: none.
 */
export type LeftBody = string | true | null

export type LogLevel = 'info' | 'warn' | 'error'

/** What a sandbox sees of the machine it runs on: the probe's evidence. */
export type Sight = { pid: number; interfaces: number; rootEntries: string[] }

export type FromSandbox =
  | { kind: 'ready'; sight: Sight }
  | { kind: 'pong'; ping: number }
  | { kind: 'ask'; call: number; ask: number; what: ScriptAsk; isExecute: boolean }
  /**
   * The script is over but for the request's own operation, and does not ask what comes of it: the runtime answers.
   */
  | { kind: 'last'; call: number; what: TableAsk; body: LeftBody }
  | { kind: 'answer'; call: number; answer: ScriptAnswer }
  /** It was answered, and nothing of it waits any more. */
  | { kind: 'done'; call: number }
  | { kind: 'log'; call: number | null; source: string; level: LogLevel; message: string }
  /** Its last word: which call did it, if that is known, and how. */
  | { kind: 'ending'; call: number | null; source: string | null; message: string }
