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
/** Handlers, or a function of error and result. `ttl`: seconds that it is of use. */
type PushHandlers<T> = { success?: (result: T) => unknown; error?: (error: ScriptError) => unknown }
export type PushOptions<T = PushResult> = PushHandlers<T> & {
  ttl?: number
  headers?: Record<string, string>
  to?: 'tags' | 'devices'
}
type PushCallback<T> = (error: ScriptError | null, result?: T) => unknown
/** To tags: the messages that were noted. To a device: that its platform took it. */
export type PushResult = {
  isSuccessful: boolean
  deviceId?: string
  sends?: { id: string; platform: string; total: number }[]
}
/** Tags (an expression, or any of several; null: everybody), or devices by their own names. */
export type PushTarget = string | string[] | null
export type PushRegistration = {
  registrationId?: string
  platform: 'wns' | 'apns' | 'gcm' | 'webpush' | 'mpns'
  deviceId: unknown
  tags?: string[]
  templateName?: string
  templateBody?: string
  headers?: Record<string, string>
  expiry?: string
}
export type PushRemoved = { platform: string; deviceId: string; reason: string; timestamp: string }
type Send<Body, Target = PushTarget> = (
  to: Target,
  body: Body,
  options?: PushOptions | PushCallback<PushResult>,
) => Pending<PushResult>
type Feedback = (options?: { since?: Date | string } & PushHandlers<PushRemoved[]>) => Pending<PushRemoved[]>
interface PushPlatform<Body, Target = PushTarget> {
  send: Send<Body, Target>
  getFeedback: Feedback
  createNativeRegistration(device: unknown, tags?: string | string[] | null): Pending<PushRegistration>
  createTemplateRegistration(
    device: unknown,
    tags: string | string[] | null,
    template: string,
  ): Pending<PushRegistration>
  listRegistrationsByChannel(device: unknown): Pending<PushRegistration[]>
  listRegistrationsByToken(device: unknown): Pending<PushRegistration[]>
  listRegistrationsByRegistrationId(device: unknown): Pending<PushRegistration[]>
}
type WnsTemplate = `send${'Toast' | 'TileSquare' | 'TileWide'}${string}`
type WnsValues = Record<string, unknown>
type Wns = Omit<PushPlatform<string>, 'send'> & {
  send(to: PushTarget, xml: string, type?: string | PushOptions, options?: PushOptions): Pending<PushResult>
  sendRaw: Send<string>
  sendBadge: Send<number | string | { value: number | string }>
} & { [name in WnsTemplate]: (to: PushTarget, values: WnsValues | string, ...more: unknown[]) => Pending<PushResult> }
export interface Push {
  send: Send<Record<string, unknown>>
  wns: Wns
  apns: PushPlatform<string | Record<string, unknown>>
  gcm: PushPlatform<string | Record<string, unknown>> & {
    sendAdvanced(content: Record<string, unknown>, retries?: number, options?: PushOptions): Pending<PushResult>
  }
  webpush: PushPlatform<unknown, PushTarget | object>
  /** MPNS was shut down: each calls its error handler. */
  mpns: Record<string, (...given: unknown[]) => Pending<never>>
  getFeedback: Feedback
  createRegistrationId(): Pending<string>
  createRegistration(registration: PushRegistration): Pending<PushRegistration>
  createOrUpdateRegistration(registration: PushRegistration): Pending<PushRegistration>
  updateRegistration(registration: PushRegistration): Pending<PushRegistration>
  getRegistration(id: string): Pending<PushRegistration>
  deleteRegistration(id: string): Pending<void>
  listRegistrations(page?: { top?: number; skip?: number }): Pending<PushRegistration[]>
  listRegistrationsByTag(tag: string, page?: { top?: number; skip?: number }): Pending<PushRegistration[]>
  createOrUpdateInstallation(installation: { installationId: string } & Record<string, unknown>): Pending<void>
  getInstallation(id: string): Pending<Record<string, unknown>>
  patchInstallation(id: string, patch: unknown): Pending<void>
  deleteInstallation(id: string): Pending<void>
}
/** What `extensions/push` exports: `tags` may be changed, and `done('why')` refuses. */
export type PushRegister = (
  registration: { tags: string[] } & Record<string, unknown>,
  context: { user: User; tables: Tables; mssql: Sql; push: Push; config: Record<string, unknown> },
  done: (error?: unknown) => void,
) => unknown

/** What `extensions/startup` exports: called before anything else; `done('why')` is told in the log. */
export type Startup = (
  context: { tables: Tables; mssql: Sql; push: Push; config: Record<string, unknown> },
  done: (error?: unknown) => void,
) => unknown

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
    push: Push
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
  const push: Push
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
