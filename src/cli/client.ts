// Control's management API, as the CLI calls it: typed answers, faults with hints, a limit on every call.
import type {
  ApplyDivergence,
  AuditView,
  BackupsView,
  CreateServer,
  CreateService,
  CreateTable,
  DivergencePreviewView,
  DryRunView,
  JoinTokenRequest,
  JoinTokenView,
  KeyType,
  KeyView,
  OperationView,
  ProtectServer,
  RecoverRequest,
  RecoveryPlanView,
  RegionView,
  RestoreServer,
  RestoreService,
  RevocationView,
  RevokeRequest,
  RowView,
  RunningScriptsView,
  ScalePlanView,
  ScaleService,
  ScriptTextView,
  ScriptVersionView,
  ScriptWrittenView,
  SetPermissions,
  SwitchService,
  TableChangeView,
  TableView,
  TruncateView,
} from '../contract/api.ts'
import { API, RELEASE_HEADER } from '../contract/api-routes.ts'
import type { ColumnType } from '../contract/table-change.ts'
import { Fault, faultFromBody, messageOf } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import {
  CONTROL_CALL_MS_MAX,
  CONTROL_CHANGE_MS_MAX,
  DIVERGENCE_PREVIEW_MS_MAX,
  TRUNCATE_CALL_MS_MAX,
  VAULT_READ_MS_MAX,
} from '../kit/limits.ts'
import { type Answered, checkAnswer, checkList, type View, type ViewName } from './answer-check.ts'
import type { ControlAddress } from './control-address.ts'

type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
type Call = { verb: Verb; path: string; body?: unknown; query?: Record<string, string>; timeoutMs?: number }

/** For a call that control answers only when a host has carried the change out; all others it answers at once. */
const FOLLOWED = { timeoutMs: CONTROL_CHANGE_MS_MAX }

export type RegionChange = { reservedUnits?: number; sharedSlots?: number }

/** One control, as a set of calls. */
export class Client {
  #address: ControlAddress
  #preferred = 0

  constructor(address: ControlAddress) {
    this.#address = address
  }

  status = async () => await this.#get('StatusView', API.status)
  listRegions = async () => await this.#list('RegionView', API.regions)
  listServices = async () => await this.#list('ServiceView', API.services)
  listMachines = async () => await this.#list('MachineView', API.machines)
  listServers = async () => await this.#list('ServerView', API.servers)
  getService = async (service: string) => await this.#get('ServiceView', fill(API.service, { service }))
  getServer = async (server: string) => await this.#get('ServerView', fill(API.server, { server }))
  listTables = async (service: string) => await this.#list('TableView', fill(API.tables, { service }))

  async getTable(service: string, table: string): Promise<TableView> {
    return await this.#get('TableView', fill(API.table, { service, table }))
  }

  async setRegion(region: string, change: RegionChange): Promise<RegionView> {
    return await this.#send('RegionView', { verb: 'PATCH', path: fill(API.region, { region }), body: change })
  }

  async createService(request: CreateService): Promise<OperationView> {
    return await this.#send('OperationView', { verb: 'POST', path: API.services, body: request })
  }

  /** What the creation would do; changes nothing. So do all plans. */
  async planCreate(request: CreateService): Promise<DryRunView> {
    return await this.#send('DryRunView', { verb: 'POST', path: API.services, body: { ...request, isDryRun: true } })
  }

  async planDelete(service: string, options: { deleteData: boolean }): Promise<DryRunView> {
    const query = { deleteData: String(options.deleteData), isDryRun: 'true' }
    return await this.#send('DryRunView', { verb: 'DELETE', path: fill(API.service, { service }), query })
  }

  async planRestore(service: string, request: RestoreService): Promise<DryRunView> {
    const body = { ...request, isDryRun: true }
    return await this.#send('DryRunView', { verb: 'POST', path: fill(API.restore, { service }), body })
  }

  async planKey(service: string, type: KeyType, value: string | undefined): Promise<DryRunView> {
    const body = { isDryRun: true, ...(value === undefined ? {} : { value }) }
    return await this.#send('DryRunView', { verb: 'PUT', path: fill(API.key, { service, type }), body })
  }

  async planRestart(service: string): Promise<DryRunView> {
    const query = { isDryRun: 'true' }
    return await this.#send('DryRunView', { verb: 'POST', path: fill(API.restart, { service }), query })
  }

  async deleteService(service: string, options: { deleteData: boolean }): Promise<OperationView> {
    const path = fill(API.service, { service })
    return await this.#send('OperationView', {
      verb: 'DELETE',
      path,
      query: { deleteData: String(options.deleteData) },
    })
  }

  /** What a scaling would do; changes nothing. */
  async planScale(service: string, request: ScaleService): Promise<ScalePlanView> {
    const body = { ...request, isDryRun: true }
    return await this.#send('ScalePlanView', { verb: 'POST', path: fill(API.scale, { service }), body })
  }

  async scaleService(service: string, request: ScaleService): Promise<OperationView> {
    return await this.#send('OperationView', { verb: 'POST', path: fill(API.scale, { service }), body: request })
  }

  async planCreateServer(request: CreateServer): Promise<DryRunView> {
    return await this.#send('DryRunView', { verb: 'POST', path: API.servers, body: { ...request, isDryRun: true } })
  }

  async createServer(request: CreateServer): Promise<OperationView> {
    return await this.#send('OperationView', { verb: 'POST', path: API.servers, body: request })
  }

  async planDeleteServer(server: string, options: { deleteData: boolean }): Promise<DryRunView> {
    const query = { deleteData: String(options.deleteData), isDryRun: 'true' }
    return await this.#send('DryRunView', { verb: 'DELETE', path: fill(API.server, { server }), query })
  }

  async deleteServer(server: string, options: { deleteData: boolean }): Promise<OperationView> {
    const query = { deleteData: String(options.deleteData) }
    return await this.#send('OperationView', { verb: 'DELETE', path: fill(API.server, { server }), query })
  }

  async planProtectServer(server: string, request: ProtectServer): Promise<DryRunView> {
    const body = { ...request, isDryRun: true }
    return await this.#send('DryRunView', { verb: 'POST', path: fill(API.protectServer, { server }), body })
  }

  async protectServer(server: string, request: ProtectServer): Promise<OperationView> {
    const path = fill(API.protectServer, { server })
    return await this.#send('OperationView', { verb: 'POST', path, body: request })
  }

  async planSwitchServer(server: string): Promise<DryRunView> {
    const path = fill(API.switchServer, { server })
    return await this.#send('DryRunView', { verb: 'POST', path, query: { isDryRun: 'true' } })
  }

  async switchServer(server: string): Promise<OperationView> {
    return await this.#send('OperationView', { verb: 'POST', path: fill(API.switchServer, { server }) })
  }

  async listBackups(server: string): Promise<BackupsView> {
    const call = { verb: 'GET' as const, path: fill(API.backups, { server }), timeoutMs: 2 * VAULT_READ_MS_MAX }
    return await this.#send('BackupsView', call)
  }

  async createBackup(server: string): Promise<OperationView> {
    return await this.#send('OperationView', { verb: 'POST', path: fill(API.backups, { server }) })
  }

  async verifyBackups(server: string, isRestored: boolean): Promise<OperationView> {
    const path = fill(API.verifyBackups, { server })
    return await this.#send('OperationView', { verb: 'POST', path, body: { isRestored } })
  }

  async planRestoreServer(server: string, request: RestoreServer): Promise<DryRunView> {
    const call = { verb: 'POST' as const, path: fill(API.restoreServer, { server }), timeoutMs: 2 * VAULT_READ_MS_MAX }
    return await this.#send('DryRunView', { ...call, body: { ...request, isDryRun: true } })
  }

  async restoreServer(server: string, request: RestoreServer): Promise<OperationView> {
    const call = { verb: 'POST' as const, path: fill(API.restoreServer, { server }), timeoutMs: 2 * VAULT_READ_MS_MAX }
    return await this.#send('OperationView', { ...call, body: request })
  }

  listDivergences = async () => await this.#list('DivergenceView', API.divergences)

  /** How stranded writes would apply today, some of them one by one. */
  async showDivergence(
    server: string,
    wanted: { epoch?: number | undefined; service?: string | undefined; from: number; count: number },
  ): Promise<DivergencePreviewView> {
    const { epoch, service, from, count } = wanted
    const which = { ...(epoch !== undefined && { epoch: String(epoch) }), ...(service && { service }) }
    const query = { ...which, from: String(from), count: String(count) }
    const call = { verb: 'GET' as const, path: fill(API.divergence, { server }), query }
    return await this.#send('DivergencePreviewView', { ...call, timeoutMs: 2 * DIVERGENCE_PREVIEW_MS_MAX })
  }

  async applyDivergence(server: string, request: ApplyDivergence): Promise<OperationView> {
    const path = fill(API.applyDivergence, { server })
    return await this.#send('OperationView', { verb: 'POST', path, body: request })
  }

  async discardDivergence(server: string, epoch: number): Promise<void> {
    await this.#call({ verb: 'POST', path: fill(API.discardDivergence, { server }), body: { epoch } })
  }

  listArchives = async () => await this.#list('ArchiveView', API.archives)

  async restoreService(service: string, request: RestoreService): Promise<OperationView> {
    return await this.#send('OperationView', { verb: 'POST', path: fill(API.restore, { service }), body: request })
  }

  /** Sets a key, or has a new one made when no value is given. */
  async setKey(service: string, type: KeyType, value: string | undefined): Promise<KeyView> {
    const body = value === undefined ? {} : { value }
    return await this.#send('KeyView', { verb: 'PUT', path: fill(API.key, { service, type }), body, ...FOLLOWED })
  }

  async restartService(service: string): Promise<void> {
    await this.#call({ verb: 'POST', path: fill(API.restart, { service }), ...FOLLOWED })
  }

  async createTable(service: string, request: CreateTable): Promise<TableView> {
    const path = fill(API.tables, { service })
    return await this.#send('TableView', { verb: 'POST', path, body: request, ...FOLLOWED })
  }

  async deleteTable(service: string, table: string): Promise<void> {
    await this.#call({ verb: 'DELETE', path: fill(API.table, { service, table }), ...FOLLOWED })
  }

  async readData(service: string, table: string, query: Record<string, string>): Promise<RowView[]> {
    return await this.#list('RowView', fill(API.data, { service, table }), query)
  }

  async setPermissions(service: string, table: string, permissions: SetPermissions): Promise<void> {
    const path = fill(API.permissions, { service, table })
    await this.#call({ verb: 'PUT', path, body: permissions, ...FOLLOWED })
  }

  async addColumn(service: string, table: string, wanted: { column: string; type: ColumnType }): Promise<void> {
    const { column, type } = wanted
    await this.#call({ verb: 'POST', path: fill(API.column, { service, table, column }), body: { type } })
  }

  async deleteColumn(service: string, table: string, column: string): Promise<void> {
    await this.#call({ verb: 'DELETE', path: fill(API.column, { service, table, column }) })
  }

  async addIndex(service: string, table: string, column: string): Promise<TableChangeView> {
    const path = fill(API.index, { service, table, column })
    return await this.#send('TableChangeView', { verb: 'PUT', path })
  }

  async deleteIndex(service: string, table: string, column: string): Promise<TableChangeView> {
    const path = fill(API.index, { service, table, column })
    return await this.#send('TableChangeView', { verb: 'DELETE', path })
  }

  listScripts = async (service: string) => await this.#list('ScriptView', fill(API.scripts, { service }))

  async listScriptVersions(service: string, script: string): Promise<ScriptVersionView[]> {
    return await this.#list('ScriptVersionView', fill(API.scriptVersions, { service, script }))
  }

  /** The text in force, or that of a version. */
  async readScript(service: string, script: string, version?: number): Promise<ScriptTextView> {
    const query = version === undefined ? {} : { version: String(version) }
    return await this.#send('ScriptTextView', { verb: 'GET', path: fill(API.script, { service, script }), query })
  }

  async uploadScript(service: string, script: string, text: string): Promise<ScriptWrittenView> {
    const path = fill(API.script, { service, script })
    return await this.#send('ScriptWrittenView', { verb: 'PUT', path, body: { text }, ...FOLLOWED })
  }

  async deleteScript(service: string, script: string): Promise<ScriptWrittenView> {
    const path = fill(API.script, { service, script })
    return await this.#send('ScriptWrittenView', { verb: 'DELETE', path, ...FOLLOWED })
  }

  async runningScripts(service: string): Promise<RunningScriptsView> {
    return await this.#get('RunningScriptsView', fill(API.runningScripts, { service }))
  }

  /** Counts the rows, or deletes them all when it is confirmed. */
  async truncate(service: string, table: string, confirm: boolean): Promise<TruncateView> {
    const path = fill(API.truncate, { service, table })
    return await this.#send('TruncateView', { verb: 'POST', path, body: { confirm }, timeoutMs: TRUNCATE_CALL_MS_MAX })
  }

  async deleteRow(service: string, table: string, id: string): Promise<void> {
    await this.#call({ verb: 'DELETE', path: fill(API.data, { service, table }), query: { id } })
  }

  async listOperations(wanted: {
    service?: string | undefined
    server?: string | undefined
    top: number
  }): Promise<OperationView[]> {
    const { service, server, top } = wanted
    const query = { top: String(top), ...(service && { service }), ...(server && { server }) }
    return await this.#list('OperationView', API.operations, query)
  }

  async listAudit(wanted: { subject?: string | undefined; top: number }): Promise<AuditView[]> {
    const query = { top: String(wanted.top), ...(wanted.subject === undefined ? {} : { subject: wanted.subject }) }
    return await this.#list('AuditView', API.audit, query)
  }

  /** What a recovery would do; changes nothing. */
  async planRecovery(primary: string, request: RecoverRequest): Promise<RecoveryPlanView> {
    const path = fill(API.recover, { service: primary })
    return await this.#send('RecoveryPlanView', { verb: 'POST', path, body: { ...request, isDryRun: true } })
  }

  async recover(primary: string, request: RecoverRequest): Promise<OperationView> {
    return await this.#send('OperationView', {
      verb: 'POST',
      path: fill(API.recover, { service: primary }),
      body: request,
    })
  }

  async planSwitchover(service: string, request: SwitchService): Promise<DryRunView> {
    const body = { ...request, isDryRun: true }
    return await this.#send('DryRunView', { verb: 'POST', path: fill(API.switchService, { service }), body })
  }

  async switchover(service: string, request: SwitchService): Promise<OperationView> {
    const path = fill(API.switchService, { service })
    return await this.#send('OperationView', { verb: 'POST', path, body: request })
  }

  /** The operation, as soon as it is newer than `after`, or after `waitMs` as it is. */
  async watchOperation(id: string, options: { after: number; waitMs: number }): Promise<OperationView> {
    return await this.#send('OperationView', {
      verb: 'GET',
      path: fill(API.operation, { operation: id }),
      query: { after: String(options.after), waitMs: String(options.waitMs) },
      timeoutMs: options.waitMs + CONTROL_CALL_MS_MAX,
    })
  }

  /** After a restore: the operator's word that a machine is off for good. */
  async settleWithout(machine: string): Promise<void> {
    await this.#call({ verb: 'POST', path: fill(API.settleWithout, { machine }) })
  }

  /** Only the word, for a new machine or for one that joins again. */
  async makeJoinToken(request: JoinTokenRequest | { machine: string }): Promise<string> {
    const call: Call =
      'machine' in request
        ? { verb: 'POST', path: fill(API.machineJoinTokens, { machine: request.machine }) }
        : { verb: 'POST', path: API.joinTokens, body: request }
    return (await this.#send('JoinTokenView', call)).token
  }

  async createJoinToken(request: JoinTokenRequest): Promise<JoinTokenView> {
    return await this.#send('JoinTokenView', { verb: 'POST', path: API.joinTokens, body: request })
  }

  /** A token for a machine that joins again under its own name. */
  async createMachineToken(machine: string): Promise<JoinTokenView> {
    return await this.#send('JoinTokenView', { verb: 'POST', path: fill(API.machineJoinTokens, { machine }) })
  }

  async revokeMachine(machine: string, request: RevokeRequest): Promise<RevocationView> {
    const path = fill(API.machineRevoke, { machine })
    return await this.#send('RevocationView', { verb: 'POST', path, body: request })
  }

  async #get<N extends ViewName>(view: N, path: string): Promise<View<N>> {
    return await this.#send(view, { verb: 'GET', path })
  }

  async #list<N extends ViewName>(view: N, path: string, query?: Record<string, string>): Promise<View<N>[]> {
    return await checkList(view, await this.#call({ verb: 'GET', path, ...(query ? { query } : {}) }))
  }

  async #send<N extends ViewName>(view: N, call: Call): Promise<View<N>> {
    return await checkAnswer(view, await this.#call(call))
  }

  async #call(call: Call): Promise<Answered> {
    const query = call.query ? `?${new URLSearchParams(call.query)}` : ''
    const limitMs = call.timeoutMs ?? CONTROL_CALL_MS_MAX
    const headers: Record<string, string> = { authorization: `Bearer ${this.#address.token}` }
    if (call.verb !== 'GET') headers['idempotency-key'] = randomId(16)
    if (call.body !== undefined) headers['content-type'] = 'application/json'
    const body = call.body === undefined ? null : JSON.stringify(call.body)
    const send = { method: call.verb, headers, body }
    const { url, status, text, release } = await this.#sendAnywhere(call.path + query, send, limitMs)
    const parsed = parseJson(text)
    if (status < 400) return { to: `${call.verb} ${call.path}`, body: parsed, release }
    if (status === 401) throw unauthorized(url)
    throw faultFromAnswer(parsed, status)
  }

  // Several controls: the next one is asked when one is not there. One that may have taken a change and did not
  // answer is not passed over: the change could be made twice.
  async #sendAnywhere(
    path: string,
    send: { method: Verb; headers: Record<string, string>; body: string | null },
    limitMs: number,
  ): Promise<{ url: string; status: number; text: string; release: string | null }> {
    const urls = this.#address.url.split(',')
    let silence: Fault | null = null
    for (let tried = 0; tried < urls.length; tried += 1) {
      const at = (this.#preferred + tried) % urls.length
      const url = urls[at] ?? ''
      try {
        const answer = await fetch(url + path, { ...send, signal: AbortSignal.timeout(limitMs) })
        const text = await answer.text()
        this.#preferred = at
        return { url, status: answer.status, text, release: answer.headers.get(RELEASE_HEADER) }
      } catch (error) {
        silence = this.#silence(url, error, limitMs)
        if (send.method !== 'GET' && !wasRefused(error)) throw silence
      }
    }
    throw silence
  }

  #silence(url: string, error: unknown, limitMs: number): Fault {
    const isLate = error instanceof Error && error.name === 'TimeoutError'
    const reason = isLate ? `no answer within ${limitMs} ms` : reasonOf(error)
    return new Fault('control.silent', 503, `control does not answer at ${url}: ${reason}`, {
      hint: this.#address.hintWhenSilent,
      cause: error,
    })
  }
}

// Nobody took the connection, so nothing was sent.
function wasRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : null
  return cause instanceof Error && 'code' in cause && /^(ECONNREFUSED|EHOSTUNREACH|ENOTFOUND)$/.test(String(cause.code))
}

/** Fills the `:names` of a route; values are encoded. */
export function fill(route: string, values: Record<string, string>): string {
  return route.replace(/:(\w+)/g, (_all, name: string) => {
    const value = values[name] ?? ''
    // Encoded or not, a URL takes these two as steps through its path: another route would be asked.
    if (value !== '.' && value !== '..') return encodeURIComponent(value)
    throw new Fault('usage.bad_name', 400, `'${value}' is not a name`, { hint: 'See which there are: mainstay status' })
  })
}

// fetch wraps what happened: the cause says "connect ECONNREFUSED …".
function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? messageOf(error.cause) : messageOf(error)
}

function parseJson(text: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    // A proxy's page, say; the status tells what counts, and the schema check the rest.
    return null
  }
}

// Reading data passes on what the data plane says, which has the words in `error`.
function faultFromAnswer(body: unknown, status: number): Fault {
  if (typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string') {
    return new Fault('remote.failed', status, body.error.replace(/^Error: /, ''))
  }
  return faultFromBody(body, status)
}

function unauthorized(url: string): Fault {
  return new Fault('control.unauthorized', 401, `control at ${url} does not accept this token`, {
    hint: 'Check MAINSTAY_TOKEN, log in again (mainstay login URL), or check --home when it is a local cloud.',
  })
}
