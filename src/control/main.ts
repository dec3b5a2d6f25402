// The control role: management API, verdicts, operations. Reads its options, opens its database and doors, and works.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Accounts } from '../accounts/accounts.ts'
import type { Caller } from '../accounts/caller.ts'
import { ensureFirstOwner } from '../accounts/first-owner.ts'
import { OpenId } from '../accounts/openid.ts'
import { openSeal, rememberOpened } from '../accounts/seal.ts'
import { Sessions } from '../accounts/sessions.ts'
import { ensureOperator } from '../accounts/tokens.ts'
import { API } from '../contract/api-routes.ts'
import { CONTROL_KEY_FILE } from '../contract/control-key.ts'
import {
  CONTROL_FILE,
  type ControlFile,
  type FromRole,
  OPERATOR_TOKEN_FILE,
  OWNER_INVITATION_FILE,
} from '../contract/local-cloud.ts'
import { CONTROL_PROTOCOL, JOIN_PROTOCOL } from '../contract/protocols.ts'
import { backupKind, verifyBackupsKind } from '../databases/backup-operations.ts'
import { createServerKind } from '../databases/create-server.ts'
import { deleteServerKind } from '../databases/delete-server.ts'
import { protectServerKind } from '../databases/protect-server.ts'
import { type RestoreDeps, restoreServerKind } from '../databases/restore-server.ts'
import { Incidents } from '../health/incidents.ts'
import { keepRenewed, lifeOf } from '../kit/certificate-life.ts'
import { Door, listenOn } from '../kit/door.ts'
import { serveHttp } from '../kit/door-http.ts'
import { egressPolicy } from '../kit/egress-agent.ts'
import { environment } from '../kit/environment.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { writeJson } from '../kit/files.ts'
import { realFolder } from '../kit/home-folder.ts'
import { checkHomeFormat, noteHomeFormat } from '../kit/home-format.ts'
import { lockHome } from '../kit/home-lock.ts'
import { buildHttpApp } from '../kit/http-server.ts'
import { openLog } from '../kit/log.ts'
import { runMain } from '../kit/main.ts'
import { Metrics } from '../kit/metrics.ts'
import { METRICS_OPTIONS, METRICS_USAGE, parseMetricsAddress, serveMetrics } from '../kit/metrics-server.ts'
import { stopOnSignal } from '../kit/processes.ts'
import { readRelease } from '../kit/release.ts'
import { parseName } from '../kit/role-options.ts'
import { type Endpoint, openEndpoint } from '../management/endpoint.ts'
import { MANAGEMENT_OPTIONS, MANAGEMENT_USAGE, readManagementListening } from '../management/listening.ts'
import { getOperation, viewOperation } from '../operations/operations.ts'
import { OperationRunner } from '../operations/runner.ts'
import { applyDivergenceKind } from '../recovery/apply-divergence.ts'
import { changeDatabaseKind } from '../recovery/change-database.ts'
import { promoteServerKind } from '../recovery/promote-server.ts'
import type { RecoveryDeps } from '../recovery/recover-facts.ts'
import { recoverKind } from '../recovery/recover-kind.ts'
import { restoreTableKind } from '../recovery/restore-table.ts'
import { switchServerKind } from '../recovery/switch-server.ts'
import { switchServiceKind } from '../recovery/switch-service.ts'
import { verifyServiceKind } from '../recovery/verify-service.ts'
import { wayHomeKind } from '../recovery/way-home.ts'
import { FactBoard } from '../regions/fact-board.ts'
import { NpmInstaller } from '../sandbox/npm-installer.ts'
import { createKind } from '../services/create-service.ts'
import { deleteKind } from '../services/delete-service.ts'
import { issueCertificateKind } from '../services/issue-certificate.ts'
import { restoreKind } from '../services/restore-service.ts'
import { scaleKind } from '../services/scale-service.ts'
import { Repositories } from '../source/repositories.ts'
import { Archivist } from './archivist.ts'
import { ensureBackupKey, readBackupKey } from './backup-key.ts'
import { Changes } from './changes.ts'
import { openControlStore, openDb } from './database.ts'
import { type DutyDeps, reign, standBy } from './duties.ts'
import { Executor } from './executor.ts'
import { ensureControlId, isKeyExported } from './identity.ts'
import { Lineage } from './lineage.ts'
import { apiUrlOf, LISTENING_OPTIONS, LISTENING_USAGE, parseGatewayUrl, portalOf, readListening } from './listening.ts'
import { LiveFeed } from './live-feed.ts'
import { LoadingTrial } from './loading-trial.ts'
import { MachineField } from './machine-field.ts'
import { addMachineRoutes } from './machine-routes.ts'
import { buildManagementApi } from './management-api.ts'
import { addControlMetrics, OPERATION_DURATIONS } from './metrics.ts'
import { NoticeSender } from './notice-sender.ts'
import { openIdOf, parseRegistry, smtpOf } from './outside.ts'
import { restoreMain } from './restore.ts'
import { ServiceDashboard } from './service-dashboard.ts'
import { TermGuard } from './term-guard.ts'
import { readTopics, type ViewDeps } from './views.ts'

const OPTIONS = {
  home: { type: 'string', default: './.mainstay-control' },
  ...LISTENING_OPTIONS,
  domain: { type: 'string', default: 'control' },
  'gateway-url': { type: 'string', default: 'http://localhost:8080' },
  'token-file': { type: 'string' },
  database: { type: 'string' },
  'egress-allow': { type: 'string', multiple: true },
  'npm-registry': { type: 'string' },
  ...MANAGEMENT_OPTIONS,
  'key-file': { type: 'string' },
  'passphrase-file': { type: 'string' },
  vault: { type: 'string', multiple: true },
  ...METRICS_OPTIONS,
} as const

const USAGE = [
  '--home FOLDER            where it keeps everything (default ./.mainstay-control)',
  ...LISTENING_USAGE,
  ...MANAGEMENT_USAGE,
  '--domain NAME            the failure domain that this machine is in (default control)',
  '--gateway-url URL        what the URLs of services begin with (default http://localhost:8080)',
  '--token-file FILE        where the operator token is (default: operator.token in its home)',
  '--database URL           an external PostgreSQL 15 or newer (better: MAINSTAY_CONTROL_DB; default: one of its own)',
  '--key-file FILE          the key of the secrets in the database (default: control.key in its home)',
  '--passphrase-file FILE   the passphrase of a locked key file',
  '--vault FOLDER           where the database is archived to; may be repeated (MAINSTAY_CONTROL_VAULT)',
  '--egress-allow NETWORK   a private network that webhooks may lead to, as 10.1.0.0/16; may be repeated (MAINSTAY_EGRESS_ALLOW)',
  '--npm-registry URL       where npm modules of scripts come from (MAINSTAY_NPM_REGISTRY; what it is shown: MAINSTAY_NPM_TOKEN)',
  'MAINSTAY_SMTP_URL, MAINSTAY_SMTP_FROM: the mail server for notices, and in whose name they are sent',
  ...METRICS_USAGE,
  'mainstay control key export, restore and settle are commands: see their --help.',
]

/** Runs control until a signal, or until the process that started it is gone. */
export async function main(args: string[]): Promise<void> {
  const [word, ...rest] = args
  // Started by `mainstay control restore`, which talks to the person.
  if (word === 'restore-archive') await runMain('control', { args: rest, usage: USAGE }, restoreMain)
  else await runMain('control', { args, usage: USAGE }, run)
}

async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS })
  const env = environment()
  const listening = await readListening(values)
  const domain = parseName('--domain', values.domain)
  const gatewayUrl = parseGatewayUrl(values['gateway-url'])
  const tools = { port: env.managementPort, apiAddress: listening.api.address }
  const managementListening = await readManagementListening(values, tools)
  const metricsAddress = parseMetricsAddress(values, env.metricsAddress)
  const home = realFolder(values.home)
  const keyFile = values['key-file'] ?? `${home}/${CONTROL_KEY_FILE}`
  const unlock = await lockHome(home, 'control')
  await checkHomeFormat(home, 'control')
  await noteHomeFormat(home, 'control')
  const log = openLog('control', env.logLevel)
  const store = await openControlStore({ home, url: values.database ?? env.controlDatabase, log })
  const { db } = store
  const passphrase = values['passphrase-file'] ? (await readFile(values['passphrase-file'], 'utf8')).trim() : null
  const seal = rememberOpened(await openSeal(keyFile, { mayMake: !(await Accounts.hasSecrets(db)), passphrase }))
  const accounts = await Accounts.open(db, seal, listening.lives)
  await ensureOperator(db, values['token-file'] ?? `${home}/${OPERATOR_TOKEN_FILE}`)
  await ensureFirstOwner(db, `${home}/${OWNER_INVITATION_FILE}`)
  const id = await ensureControlId(home)
  const guard = new TermGuard(store.pool, id)
  const guarded = openDb(guard)
  const board = new FactBoard()
  const incidents = new Incidents(guarded)
  await incidents.load()
  const lineage = await Lineage.open(db, { board, log })

  const machines = buildHttpApp(log)
  let credentials = await accounts.controlCredentials(domain)
  const door = new Door(
    credentials,
    { [CONTROL_PROTOCOL]: serveHttp(machines.server), [JOIN_PROTOCOL]: serveHttp(machines.server) },
    [JOIN_PROTOCOL],
  )
  const open = (sealed: string) => seal.open(sealed)
  const field = new MachineField({ db, door, board, open, isHeld: () => lineage.heldBy() !== null })
  const changes = new Changes()
  const services = { db, seal, field }
  await ensureBackupKey(db, seal)
  const backups: RestoreDeps = {
    ...services,
    hosts: () => board.hosts().map(({ facts }) => facts),
    backupKey: async () => open((await readBackupKey(db)) ?? ''),
  }
  const recovery: RecoveryDeps = {
    ...{ db, field, board, incidents, seal, vault: backups },
    openKey: (service) => open(service.master_key),
  }
  // What people ask for is claimed by whoever they ask; it is carried out by the executor, under its term.
  const [ownServices, ownRecovery, ownBackups] = [
    { ...services, db: guarded },
    { ...recovery, db: guarded },
    { ...backups, db: guarded },
  ]
  const kinds = {
    create: createKind(ownServices),
    delete: deleteKind(ownServices),
    scale: scaleKind(ownServices),
    restore: restoreKind(ownServices),
    recover: recoverKind(ownRecovery),
    create_server: createServerKind(ownServices),
    delete_server: deleteServerKind(ownServices),
    protect_server: protectServerKind(ownServices),
    switchover_server: switchServerKind(ownRecovery),
    promote_server: promoteServerKind(ownRecovery),
    switchover: switchServiceKind(ownRecovery),
    reprotect: wayHomeKind(ownRecovery),
    failback: wayHomeKind(ownRecovery),
    change_database: changeDatabaseKind(ownRecovery),
    apply_divergence: applyDivergenceKind(ownRecovery),
    backup: backupKind(ownBackups),
    verify_backups: verifyBackupsKind(ownBackups),
    restore_server: restoreServerKind(ownBackups),
    restore_table: restoreTableKind(ownRecovery),
    verify_service: verifyServiceKind(ownRecovery),
    issue_certificate: issueCertificateKind(ownServices),
  }
  const metrics = new Metrics()
  const durations = metrics.durations(OPERATION_DURATIONS)
  const runner = new OperationRunner(guarded, kinds, log, {
    onChange: () => changes.announce(),
    onEnd: ({ kind, state, ms }) => durations.observe({ kind, state }, ms / 1_000),
  })
  const aborter = new AbortController()
  const { signal } = aborter
  const onError = (error: unknown) => log.error({ err: error }, 'a round failed')
  const pushSoon = () => void field.push().catch(onError)
  const [version, startedAt] = [readRelease(), new Date()]
  const folders = [...(values.vault ?? []), ...env.controlVaults].map(realFolder)
  const archivist = new Archivist({ store, id, folders, seal, log, isHeld: () => lineage.heldBy() !== null })
  const { tls } = listening.api
  const certificates = { machineLifeMs: listening.lives.certificateMs, api: tls && { ...lifeOf(tls.cert), domain } }
  const policy = egressPolicy([...(values['egress-allow'] ?? []), ...env.egressAllow])
  const smtp = smtpOf(env)
  const notices = new NoticeSender({ db: guarded, seal, policy, smtp })
  const registry = parseRegistry(values['npm-registry'] ?? env.npmRegistry)
  const installer = new NpmInstaller({ folder: join(home, 'npm'), log, registry, token: env.npmToken, policy })
  const loading = new LoadingTrial({ folder: join(home, 'load'), db, open, log })
  const duties: Omit<DutyDeps, 'settled'> = {
    ...{ db: guarded, seal, log, board, incidents, field, runner, backups: ownBackups },
    ...{ domain, certificates, notices, pushSoon, onError },
  }
  const settled = async (until: AbortSignal) => await lineage.settled(until)
  const executor = new Executor(id, {
    db,
    guard,
    log,
    isAlone: store.isEmbedded,
    self: async () => ({ id, domain, version, startedAt, isKeyExported: await isKeyExported(keyFile) }),
    reign: async (until) => await reign({ ...duties, settled }, until),
  })

  const dashboard = new ServiceDashboard(db)
  const repositories = await Repositories.open(db, join(home, 'source'))
  addMachineRoutes(machines.app, { db, accounts, board, field, lineage, log, dashboard, onChange: pushSoon })
  await machines.app.ready()
  const portal = portalOf(listening, listening.api.port)
  const views: ViewDeps = { db, board, incidents, open, gatewayUrl, portalUrl: portal.url, domain, lineage }
  addControlMetrics(metrics, { views, isExecuting: () => executor.reigning !== null })
  const oidc = openIdOf(env)
  const feed = new LiveFeed({ read: async () => await readTopics(views), changes, onError })
  const heldBy = () => lineage.heldBy()
  let endpoint: Endpoint | null = null
  const apiDeps = {
    db,
    accounts,
    sessions: new Sessions(db),
    portal,
    seal,
    openId: oidc && new OpenId(oidc, `${portal.url}${API.oidcDone}`),
    feed,
    field,
    services,
    source: { db, repositories, install: installer.install, tryLoading: loading.tryLoading, seal },
    recovery,
    backups,
    views,
    changes,
    notices: { policy, smtp },
    install: installer.install,
    controlUrl: listening.controlUrl,
    toolEndpoint: () => endpoint,
    async started(caller: Caller, operationId: string) {
      faultPoint('operation.claimed')
      // One that stands by leaves it to the executor, who looks every second.
      if (executor.reigning) runner.startFree(executor.reigning).catch(onError)
      return viewOperation(await getOperation(db, caller.subscriptionId, operationId))
    },
  }
  const api = await buildManagementApi({ log, tls: listening.api.tls, metrics, dashboard, heldBy, deps: apiDeps })
  await executor.round()
  await door.listen(listening.door)
  const port = await listenOn(api.server, listening.api)
  endpoint = await openEndpoint(managementListening, { log, heldBy, deps: apiDeps, accounts, signal })
  const metricsServer = await serveMetrics(metrics, metricsAddress, log)
  const apiFile = join(home, CONTROL_FILE)
  const rounds = [
    executor.watch(signal),
    standBy({ db, board, incidents, domain, onError }, { signal, isExecuting: () => executor.reigning !== null }),
    lineage.watch(signal, onError),
    archivist.watch(signal),
    keepRenewed({
      certificate: () => credentials.certificate ?? '',
      renew: async () => {
        credentials = await accounts.controlCredentials(domain)
        door.useCredentials(credentials)
      },
      onOver: () => log.error('the certificate of this door has ended'),
      onError,
      signal,
    }),
  ]
  stopOnSignal(async () => {
    aborter.abort()
    api.server.closeAllConnections()
    metricsServer?.close()
    await Promise.all([api.app.close(), endpoint?.close(), ...rounds])
    await executor.stop()
    // What was decided last should not wait for the next start; a vault that is away must not keep us from stopping.
    await archivist.writeIfDue().catch(onError)
    installer.close()
    loading.close()
    await Promise.all([field.close(), door.close(), notices.close()])
    await store.close()
    await rm(apiFile, { force: true })
    await unlock()
    return 0
  })
  const url = apiUrlOf(listening.api, port)
  await writeJson(apiFile, { pid: process.pid, url } satisfies ControlFile)
  log.info({ url, door: listening.controlUrl, tools: endpoint?.url ?? null }, 'control is up')
  const ready: FromRole = { kind: 'ready', url, port }
  process.send?.(ready)
}
