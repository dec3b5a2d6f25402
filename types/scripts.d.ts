// What scripts of a mobile service are given, as types: import type { Insert } from 'mainstay/scripts'.

export type Value = string | number | boolean | Date | null
export type Item = Record<string, Value | undefined> & { id?: string }
/** Of a table whose ids are integers. */
export type IntegerItem = Record<string, Value | undefined> & { id?: number }
type AnyItem = Item | IntegerItem
type Id<T extends AnyItem> = NonNullable<T['id']>

/** What may be awaited, or given handlers. */
export type Pending<T> = PromiseLike<T> & { catch<R>(refuse: (error: ScriptError) => R): Promise<T | R> }
/** `item`: of a conflict, the row as it is. */
export type ScriptError = Error & { statusCode?: number; item?: Item }
export type Handlers<T> = {
  success?: (result: T) => unknown
  error?: (error: ScriptError) => unknown
  conflict?: (serverItem: Item) => unknown
  systemProperties?: string | string[]
  includeDeleted?: boolean
}

export interface Query<T extends AnyItem = Item> {
  where(filter: object | string | ((...values: never[]) => boolean), ...values: unknown[]): this
  select(...columns: string[]): this
  orderBy(...columns: string[]): this
  orderByDescending(...columns: string[]): this
  skip(count: number): this
  take(count: number): this
  includeTotalCount(isWanted?: boolean): this
  toOData(): string
  /** There on queries of a table, not on the query of a request. */
  read(handlers?: Handlers<T[] & { totalCount?: number }>): Pending<T[] & { totalCount?: number }>
}

export interface Table<T extends AnyItem = Item> extends Omit<Query<T>, 'toOData' | 'read'> {
  getTableName(): string
  insert(item: T, handlers?: Handlers<T>): Pending<T>
  update(item: T & { id: Id<T> }, handlers?: Handlers<T>): Pending<T>
  del(itemOrId: T | Id<T>, handlers?: Handlers<void>): Pending<void>
  lookup(id: Id<T>, handlers?: Handlers<T>): Pending<T>
  read(query?: Query<T>, handlers?: Handlers<T[]>): Pending<T[] & { totalCount?: number }>
}

export interface Tables {
  getTable<T extends AnyItem = Item>(name: string): Table<T>
}

/** What a provider said of somebody: `userId` is `Facebook:1234`. */
export type Identities = Record<string, { userId: string; accessToken?: string } & Record<string, unknown>>
export type User = {
  level: 'anonymous' | 'authenticated' | 'admin'
  userId?: string
  /** By the names of providers; null for whoever did not sign in through one. */
  getIdentities(handlers?: { success(identities: Identities | null): void }): Identities | null
}

/** What a function of a table script is given. `next` carries the operation out. */
type About<Subject, Result> = Subject & {
  user: User
  tables: Tables & { current: Table }
  parameters: Record<string, string>
  request: { respond(status?: number, body?: unknown): void; operation: string; undelete: boolean }
  next(handlers?: Handlers<Result>): Pending<Result>
}
/** What is returned is the answer; nothing: the operation's own. */
type Answer = unknown | Promise<unknown>
export type Insert<T extends AnyItem = Item> = (about: About<{ item: T }, T>) => Answer
export type Update<T extends AnyItem = Item> = (about: About<{ item: T & { id: Id<T> } }, T>) => Answer
export type Read<T extends AnyItem = Item> = (about: About<{ query: Query<T> & { id?: string } }, T[]>) => Answer
export type Delete<T extends AnyItem = Item> = (about: About<{ id: Id<T> }, void>) => Answer

export type SqlRow = Record<string, unknown>
export interface Sql {
  query<T = SqlRow>(sql: string, values?: unknown, handlers?: Handlers<T[]>): Pending<T[]>
  queryRaw(sql: string, values?: unknown): Pending<{ meta: { name: string; type: string }[]; rows: unknown[][] }>
  open(handlers?: Handlers<SqlConnection>): Pending<SqlConnection>
}
export interface SqlConnection extends Omit<Sql, 'open'> {
  beginTransaction(): Pending<unknown>
  commit(): Pending<unknown>
  rollback(): Pending<unknown>
  close(): Pending<void>
}

/** A file of a form. */
export interface ApiFile {
  fieldName: string
  originalFilename: string
  name: string
  type: string
  size: number
  data: Uint8Array
}

/** A request to a custom API, as express 3 had it. */
export interface ApiRequest {
  method: string
  path: string
  url: string
  query: Record<string, string | string[]>
  params: Record<string, string>
  body: unknown
  /** Of a form: by the names of its fields. */
  files: Record<string, ApiFile | ApiFile[]>
  headers: Record<string, string>
  user: User
  service: {
    tables: Tables
    mssql: Sql
    config: {
      masterKey: string
      applicationKey: string
      mobileServiceName: string
      appSettings: Record<string, string>
    }
  }
  get(header: string): string | undefined
  is(type: string): boolean
  accepts(...types: string[]): string | undefined
  param(name: string, otherwise?: unknown): unknown
}
export interface ApiResponse {
  statusCode: number
  locals: Record<string, unknown>
  status(code: number): this
  send(status: number, body?: unknown): this
  send(body: unknown): this
  json(body: unknown): this
  set(name: string | Record<string, string>, value?: string): this
  get(name: string): string | string[] | undefined
  type(name: string): this
  redirect(url: string): this
  redirect(status: number, url: string): this
  cookie(name: string, value: unknown, options?: object): this
  write(chunk: string | Uint8Array): boolean
  end(chunk?: string | Uint8Array): this
}
export type ApiHandler = (request: ApiRequest, response: ApiResponse, next: (error?: unknown) => void) => unknown

declare global {
  const tables: Tables & { current: Table }
  const mssql: Sql
  const statusCodes: Record<
    | 'OK'
    | 'CREATED'
    | 'ACCEPTED'
    | 'NO_CONTENT'
    | 'BAD_REQUEST'
    | 'UNAUTHORIZED'
    | 'FORBIDDEN'
    | 'NOT_FOUND'
    | 'CONFLICT'
    | 'GONE'
    | 'PRECONDITION_FAILED'
    | 'INTERNAL_SERVER_ERROR'
    | 'SERVICE_UNAVAILABLE',
    number
  >
}
