// Control's management API, as the CLI calls it: typed answers, faults with hints, a limit on every call.
import type { Readable } from 'node:stream'
import type {
  ApplyDivergence,
  AttachServer,
  AuditView,
  BackupsView,
  ChangeDatabase,
  CreateServer,
  CreateService,
  DashboardSettings,
  DivergencePreviewView,
  DryRunView,
  FailBack,
  ImportView,
  IncidentView,
  JoinTokenRequest,
  JoinTokenView,
  KeyType,
  KeyView,
  MeasuresView,
  NewNoticeTarget,
  NewStatusPost,
  NoticeTargetMade,
  NoticeTargetView,
  OperationView,
  PromoteServer,
  ProtectServer,
  RecoverRequest,
  RecoveryPlanView,
  RegionView,
  Reprotect,
  RestoreServer,
  RestoreService,
  RestoreTable,
  RevocationView,
  RevokeRequest,
  ScalePlanView,
  ScaleService,
  ServerView,
  ServiceSettings,
  StatusPostView,
  SwitchService,
  UsageView,
  VerifyService,
} from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { EXPORT_TYPE } from '../contract/service-export.ts'
import type { Span } from '../contract/span.ts'
import {
  CONTENTS_READ_MS_MAX,
  CONTROL_CALL_MS_MAX,
  DIVERGENCE_PREVIEW_MS_MAX,
  EXTERNAL_CHECK_MS_MAX,
  VAULT_READ_MS_MAX,
} from '../kit/limits.ts'
import { AccountClient } from './account-client.ts'
import type { ControlAddress } from './control-address.ts'
import { type Call, ControlCalls, FOLLOWED, fill } from './control-calls.ts'
import { DomainClient } from './domain-client.ts'
import { PushClient } from './push-client.ts'
import { ScriptClient } from './script-client.ts'
import { SourceClient } from './source-client.ts'
import { TableClient } from './table-client.ts'

/** For an external server: it is looked into from every region. */
const LOOKING = { timeoutMs: 3 * EXTERNAL_CHECK_MS_MAX }
/** For a change of database: all rows are counted in both before it is answered. */
const LOOKED_INTO = { verb: 'POST' as const, timeoutMs: 2 * CONTENTS_READ_MS_MAX }

export type RegionChange = { reservedUnits?: number; sharedSlots?: number }

/** One control, as a set of calls. */
export class Client {
  readonly #calls: ControlCalls
  readonly accounts: AccountClient
  readonly domains: DomainClient
  readonly scripts: ScriptClient
  readonly source: SourceClient
  readonly push: PushClient
  readonly tables: TableClient

  constructor(address: ControlAddress) {
    this.#calls = new ControlCalls(address)
    this.accounts = new AccountClient(this.#calls)
    this.domains = new DomainClient(this.#calls)
    this.scripts = new ScriptClient(this.#calls)
    this.source = new SourceClient(this.#calls)
    this.push = new PushClient(this.#calls)
    this.tables = new TableClient(this.#calls)
  }

  status = async () => await this.#calls.get('StatusView', API.status)
  listRegions = async () => await this.#calls.list('RegionView', API.regions)
  listServices = async () => await this.#calls.list('ServiceView', API.services)
  listMachines = async () => await this.#calls.list('MachineView', API.machines)
  toolEndpoint = async () => (await this.accounts.subscription()).endpoint
  listServers = async () => await this.#calls.list('ServerView', API.servers)
  getService = async (service: string) => await this.#calls.get('ServiceView', fill(API.service, { service }))
  getServer = async (server: string) => await this.#calls.get('ServerView', fill(API.server, { server }))

  async setRegion(region: string, change: RegionChange): Promise<RegionView> {
    return await this.#calls.send('RegionView', { verb: 'PATCH', path: fill(API.region, { region }), body: change })
  }

  async createService(request: CreateService): Promise<OperationView> {
    return await this.#calls.send('OperationView', { verb: 'POST', path: API.services, body: request })
  }

  /** What the creation would do; changes nothing. So do all plans. */
  async planCreate(request: CreateService): Promise<DryRunView> {
    return await this.#calls.send('DryRunView', {
      verb: 'POST',
      path: API.services,
      body: { ...request, isDryRun: true },
    })
  }

  async planDelete(service: string, options: { deleteData: boolean; now: boolean }): Promise<DryRunView> {
    const query = { deleteData: String(options.deleteData), now: String(options.now), isDryRun: 'true' }
    return await this.#calls.send('DryRunView', { verb: 'DELETE', path: fill(API.service, { service }), query })
  }

  async planRestore(service: string, request: RestoreService): Promise<DryRunView> {
    const body = { ...request, isDryRun: true }
    return await this.#calls.send('DryRunView', { verb: 'POST', path: fill(API.restore, { service }), body })
  }

  async planKey(service: string, type: KeyType, value: string | undefined): Promise<DryRunView> {
    const body = { isDryRun: true, ...(value === undefined ? {} : { value }) }
    return await this.#calls.send('DryRunView', { verb: 'PUT', path: fill(API.key, { service, type }), body })
  }

  async getSettings(service: string): Promise<ServiceSettings> {
    return await this.#calls.get('ServiceSettings', fill(API.settings, { service }))
  }

  async setSettings(service: string, wanted: Partial<ServiceSettings>): Promise<ServiceSettings> {
    const call = { verb: 'PATCH' as const, path: fill(API.settings, { service }), ...FOLLOWED }
    return await this.#calls.send('ServiceSettings', { ...call, body: wanted })
  }

  async planSettings(service: string, wanted: Partial<ServiceSettings>): Promise<DryRunView> {
    const path = fill(API.settings, { service })
    return await this.#calls.send('DryRunView', { verb: 'PATCH', path, body: { ...wanted, isDryRun: true } })
  }

  async planRestart(service: string): Promise<DryRunView> {
    const query = { isDryRun: 'true' }
    return await this.#calls.send('DryRunView', { verb: 'POST', path: fill(API.restart, { service }), query })
  }

  async deleteService(service: string, options: { deleteData: boolean; now: boolean }): Promise<OperationView> {
    const path = fill(API.service, { service })
    const query = { deleteData: String(options.deleteData), now: String(options.now) }
    return await this.#calls.send('OperationView', { verb: 'DELETE', path, query })
  }

  /** What a scaling would do; changes nothing. */
  async planScale(service: string, request: ScaleService): Promise<ScalePlanView> {
    const body = { ...request, isDryRun: true }
    return await this.#calls.send('ScalePlanView', { verb: 'POST', path: fill(API.scale, { service }), body })
  }

  async scaleService(service: string, request: ScaleService): Promise<OperationView> {
    return await this.#calls.send('OperationView', { verb: 'POST', path: fill(API.scale, { service }), body: request })
  }

  async planCreateServer(request: CreateServer): Promise<DryRunView> {
    return await this.#calls.send('DryRunView', {
      verb: 'POST',
      path: API.servers,
      body: { ...request, isDryRun: true },
    })
  }

  async createServer(request: CreateServer): Promise<OperationView> {
    return await this.#calls.send('OperationView', { verb: 'POST', path: API.servers, body: request })
  }

  async planAttachServer(request: AttachServer): Promise<DryRunView> {
    const body = { ...request, isDryRun: true }
    return await this.#calls.send('DryRunView', { verb: 'POST', path: API.attachServer, body, ...LOOKING })
  }

  async attachServer(request: AttachServer): Promise<ServerView> {
    const call = { verb: 'POST' as const, path: API.attachServer, body: request, ...LOOKING }
    return await this.#calls.send('ServerView', call)
  }

  async planDetachServer(server: string): Promise<DryRunView> {
    const path = fill(API.detachServer, { server })
    return await this.#calls.send('DryRunView', { verb: 'DELETE', path, query: { isDryRun: 'true' } })
  }

  async detachServer(server: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.detachServer, { server }) })
  }

  async planDeleteServer(server: string, options: { deleteData: boolean }): Promise<DryRunView> {
    const query = { deleteData: String(options.deleteData), isDryRun: 'true' }
    return await this.#calls.send('DryRunView', { verb: 'DELETE', path: fill(API.server, { server }), query })
  }

  async deleteServer(server: string, options: { deleteData: boolean }): Promise<OperationView> {
    const query = { deleteData: String(options.deleteData) }
    return await this.#calls.send('OperationView', { verb: 'DELETE', path: fill(API.server, { server }), query })
  }

  async planProtectServer(server: string, request: ProtectServer): Promise<DryRunView> {
    const body = { ...request, isDryRun: true }
    return await this.#calls.send('DryRunView', { verb: 'POST', path: fill(API.protectServer, { server }), body })
  }

  async protectServer(server: string, request: ProtectServer): Promise<OperationView> {
    const path = fill(API.protectServer, { server })
    return await this.#calls.send('OperationView', { verb: 'POST', path, body: request })
  }

  async planRestoreTable(service: string, table: string, request: RestoreTable): Promise<DryRunView> {
    const call = restoreTableCall({ service, table }, { ...request, isDryRun: true })
    return await this.#calls.send('DryRunView', call)
  }

  async restoreTable(service: string, table: string, request: RestoreTable): Promise<OperationView> {
    return await this.#calls.send('OperationView', restoreTableCall({ service, table }, request))
  }

  /** All changes, as they come: an `AuditView` a line. */
  async exportAudit(): Promise<Readable> {
    return await this.#calls.download(API.auditExport)
  }

  /** The export of a service, as it comes. */
  async exportService(service: string): Promise<Readable> {
    return await this.#calls.download(fill(API.exportService, { service }))
  }

  async importService(service: string, packed: Readable): Promise<ImportView> {
    const path = fill(API.importService, { service })
    return await this.#calls.upload('ImportView', path, { stream: packed, type: EXPORT_TYPE })
  }

  async verifyService(service: string, request: VerifyService): Promise<OperationView> {
    const path = fill(API.verifyService, { service })
    return await this.#calls.send('OperationView', { verb: 'POST', path, body: request })
  }

  async planPromoteServer(server: string, request: PromoteServer): Promise<DryRunView> {
    const path = fill(API.promoteServer, { server })
    return await this.#calls.send('DryRunView', { verb: 'POST', path, body: { ...request, isDryRun: true } })
  }

  async promoteServer(server: string, request: PromoteServer): Promise<OperationView> {
    const path = fill(API.promoteServer, { server })
    return await this.#calls.send('OperationView', { verb: 'POST', path, body: request })
  }

  async planSwitchServer(server: string): Promise<DryRunView> {
    const path = fill(API.switchServer, { server })
    return await this.#calls.send('DryRunView', { verb: 'POST', path, query: { isDryRun: 'true' } })
  }

  async switchServer(server: string): Promise<OperationView> {
    return await this.#calls.send('OperationView', { verb: 'POST', path: fill(API.switchServer, { server }) })
  }

  async listBackups(server: string): Promise<BackupsView> {
    const call = { verb: 'GET' as const, path: fill(API.backups, { server }), timeoutMs: 2 * VAULT_READ_MS_MAX }
    return await this.#calls.send('BackupsView', call)
  }

  async createBackup(server: string): Promise<OperationView> {
    return await this.#calls.send('OperationView', { verb: 'POST', path: fill(API.backups, { server }) })
  }

  async verifyBackups(server: string, isRestored: boolean): Promise<OperationView> {
    const path = fill(API.verifyBackups, { server })
    return await this.#calls.send('OperationView', { verb: 'POST', path, body: { isRestored } })
  }

  async planRestoreServer(server: string, request: RestoreServer): Promise<DryRunView> {
    const call = { verb: 'POST' as const, path: fill(API.restoreServer, { server }), timeoutMs: 2 * VAULT_READ_MS_MAX }
    return await this.#calls.send('DryRunView', { ...call, body: { ...request, isDryRun: true } })
  }

  async restoreServer(server: string, request: RestoreServer): Promise<OperationView> {
    const call = { verb: 'POST' as const, path: fill(API.restoreServer, { server }), timeoutMs: 2 * VAULT_READ_MS_MAX }
    return await this.#calls.send('OperationView', { ...call, body: request })
  }

  listDivergences = async () => await this.#calls.list('DivergenceView', API.divergences)

  /** How stranded writes would apply today, some of them one by one. */
  async showDivergence(
    server: string,
    wanted: { epoch?: number | undefined; service?: string | undefined; from: number; count: number },
  ): Promise<DivergencePreviewView> {
    const { epoch, service, from, count } = wanted
    const which = { ...(epoch !== undefined && { epoch: String(epoch) }), ...(service && { service }) }
    const query = { ...which, from: String(from), count: String(count) }
    const call = { verb: 'GET' as const, path: fill(API.divergence, { server }), query }
    return await this.#calls.send('DivergencePreviewView', { ...call, timeoutMs: 2 * DIVERGENCE_PREVIEW_MS_MAX })
  }

  async applyDivergence(server: string, request: ApplyDivergence): Promise<OperationView> {
    const path = fill(API.applyDivergence, { server })
    return await this.#calls.send('OperationView', { verb: 'POST', path, body: request })
  }

  async discardDivergence(server: string, epoch: number): Promise<void> {
    await this.#calls.call({ verb: 'POST', path: fill(API.discardDivergence, { server }), body: { epoch } })
  }

  listArchives = async () => await this.#calls.list('ArchiveView', API.archives)

  async planDeleteArchived(service: string, which: { endedAt?: string }): Promise<DryRunView> {
    const path = fill(API.archive, { service })
    return await this.#calls.send('DryRunView', { verb: 'DELETE', path, query: { ...which, isDryRun: 'true' } })
  }

  async deleteArchived(service: string, which: { endedAt?: string }): Promise<OperationView> {
    const path = fill(API.archive, { service })
    return await this.#calls.send('OperationView', { verb: 'DELETE', path, query: which })
  }

  async restoreService(service: string, request: RestoreService): Promise<OperationView> {
    return await this.#calls.send('OperationView', {
      verb: 'POST',
      path: fill(API.restore, { service }),
      body: request,
    })
  }

  /** Sets a key, or has a new one made when no value is given. */
  async setKey(service: string, type: KeyType, value: string | undefined): Promise<KeyView> {
    const body = value === undefined ? {} : { value }
    return await this.#calls.send('KeyView', { verb: 'PUT', path: fill(API.key, { service, type }), body, ...FOLLOWED })
  }

  async restartService(service: string): Promise<void> {
    await this.#calls.call({ verb: 'POST', path: fill(API.restart, { service }), ...FOLLOWED })
  }

  async listOperations(wanted: {
    service?: string | undefined
    server?: string | undefined
    top: number
  }): Promise<OperationView[]> {
    const { service, server, top } = wanted
    const query = { top: String(top), ...(service && { service }), ...(server && { server }) }
    return await this.#calls.list('OperationView', API.operations, query)
  }

  async listIncidents(wanted: { subject?: string | undefined; isOpen: boolean; top: number }): Promise<IncidentView[]> {
    const { subject, isOpen, top } = wanted
    const query = { top: String(top), ...(isOpen && { isOpen: 'true' }), ...(subject && { subject }) }
    return await this.#calls.list('IncidentView', API.incidents, query)
  }

  async getUsage(service: string, over: Span): Promise<UsageView> {
    return await this.#calls.send('UsageView', { verb: 'GET', path: fill(API.usage, { service }), query: { over } })
  }

  async getServerMeasures(server: string, over: Span): Promise<MeasuresView> {
    const path = fill(API.serverMeasures, { server })
    return await this.#calls.send('MeasuresView', { verb: 'GET', path, query: { over } })
  }

  async getMachineMeasures(machine: string, over: Span): Promise<MeasuresView> {
    const path = fill(API.machineMeasures, { machine })
    return await this.#calls.send('MeasuresView', { verb: 'GET', path, query: { over } })
  }

  async listNoticeTargets(): Promise<NoticeTargetView[]> {
    return await this.#calls.list('NoticeTargetView', API.noticeTargets)
  }

  async addNoticeTarget(wanted: NewNoticeTarget): Promise<NoticeTargetMade> {
    return await this.#calls.send('NoticeTargetMade', { verb: 'POST', path: API.noticeTargets, body: wanted })
  }

  async removeNoticeTarget(target: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.noticeTarget, { target }) })
  }

  async tryNotice(target: string): Promise<void> {
    await this.#calls.call({ verb: 'POST', path: fill(API.tryNotice, { target }) })
  }

  async listStatusPosts(): Promise<StatusPostView[]> {
    return await this.#calls.list('StatusPostView', API.statusPosts)
  }

  async addStatusPost(post: NewStatusPost): Promise<StatusPostView> {
    return await this.#calls.send('StatusPostView', { verb: 'POST', path: API.statusPosts, body: post })
  }

  async removeStatusPost(post: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.statusPost, { post }) })
  }

  async dashboard(): Promise<DashboardSettings> {
    return await this.#calls.get('DashboardSettings', API.dashboard)
  }

  async setDashboard(settings: DashboardSettings): Promise<DashboardSettings> {
    return await this.#calls.send('DashboardSettings', { verb: 'PATCH', path: API.dashboard, body: settings })
  }

  async listAudit(wanted: { subject?: string | undefined; top: number }): Promise<AuditView[]> {
    const query = { top: String(wanted.top), ...(wanted.subject === undefined ? {} : { subject: wanted.subject }) }
    return await this.#calls.list('AuditView', API.audit, query)
  }

  /** What a recovery would do; changes nothing. The vault may be asked for it. */
  async planRecovery(primary: string, request: RecoverRequest): Promise<RecoveryPlanView> {
    return await this.#calls.send('RecoveryPlanView', recoverCall(primary, { ...request, isDryRun: true }))
  }

  async recover(primary: string, request: RecoverRequest): Promise<OperationView> {
    return await this.#calls.send('OperationView', recoverCall(primary, request))
  }

  async planSwitchover(service: string, request: SwitchService): Promise<DryRunView> {
    const body = { ...request, isDryRun: true }
    return await this.#calls.send('DryRunView', { verb: 'POST', path: fill(API.switchService, { service }), body })
  }

  async switchover(service: string, request: SwitchService): Promise<OperationView> {
    const path = fill(API.switchService, { service })
    return await this.#calls.send('OperationView', { verb: 'POST', path, body: request })
  }

  async planReprotect(service: string, request: Reprotect): Promise<DryRunView> {
    const path = fill(API.reprotect, { service })
    return await this.#calls.send('DryRunView', { verb: 'POST', path, body: { ...request, isDryRun: true } })
  }

  async reprotect(service: string, request: Reprotect): Promise<OperationView> {
    return await this.#calls.send('OperationView', {
      verb: 'POST',
      path: fill(API.reprotect, { service }),
      body: request,
    })
  }

  async planFailBack(service: string, request: FailBack): Promise<DryRunView> {
    const path = fill(API.failBack, { service })
    return await this.#calls.send('DryRunView', { verb: 'POST', path, body: { ...request, isDryRun: true } })
  }

  async failBack(service: string, request: FailBack): Promise<OperationView> {
    return await this.#calls.send('OperationView', {
      verb: 'POST',
      path: fill(API.failBack, { service }),
      body: request,
    })
  }

  async planChangeDatabase(service: string, request: ChangeDatabase): Promise<DryRunView> {
    const path = fill(API.changeDatabase, { service })
    const body = { ...request, isDryRun: true }
    return await this.#calls.send('DryRunView', { ...LOOKED_INTO, path, body })
  }

  async changeDatabase(service: string, request: ChangeDatabase): Promise<OperationView> {
    const path = fill(API.changeDatabase, { service })
    return await this.#calls.send('OperationView', { ...LOOKED_INTO, path, body: request })
  }

  /** The operation, as soon as it is newer than `after`, or after `waitMs` as it is. */
  async watchOperation(id: string, options: { after: number; waitMs: number }): Promise<OperationView> {
    return await this.#calls.send('OperationView', {
      verb: 'GET',
      path: fill(API.operation, { operation: id }),
      query: { after: String(options.after), waitMs: String(options.waitMs) },
      timeoutMs: options.waitMs + CONTROL_CALL_MS_MAX,
    })
  }

  /** After a restore: the operator's word that a machine is off for good. */
  async settleWithout(machine: string): Promise<void> {
    await this.#calls.call({ verb: 'POST', path: fill(API.settleWithout, { machine }) })
  }

  /** Only the word, for a new machine or for one that joins again. */
  async makeJoinToken(request: JoinTokenRequest | { machine: string }): Promise<string> {
    const call: Call =
      'machine' in request
        ? { verb: 'POST', path: fill(API.machineJoinTokens, { machine: request.machine }) }
        : { verb: 'POST', path: API.joinTokens, body: request }
    return (await this.#calls.send('JoinTokenView', call)).token
  }

  async createJoinToken(request: JoinTokenRequest): Promise<JoinTokenView> {
    return await this.#calls.send('JoinTokenView', { verb: 'POST', path: API.joinTokens, body: request })
  }

  /** A token for a machine that joins again under its own name. */
  async createMachineToken(machine: string): Promise<JoinTokenView> {
    return await this.#calls.send('JoinTokenView', { verb: 'POST', path: fill(API.machineJoinTokens, { machine }) })
  }

  async revokeMachine(machine: string, request: RevokeRequest): Promise<RevocationView> {
    const path = fill(API.machineRevoke, { machine })
    return await this.#calls.send('RevocationView', { verb: 'POST', path, body: request })
  }
}

function recoverCall(service: string, body: RecoverRequest): Call {
  return { verb: 'POST', path: fill(API.recover, { service }), body, timeoutMs: 2 * VAULT_READ_MS_MAX }
}

function restoreTableCall(names: { service: string; table: string }, body: RestoreTable): Call {
  return { verb: 'POST', path: fill(API.restoreTable, names), body, timeoutMs: 2 * VAULT_READ_MS_MAX }
}
