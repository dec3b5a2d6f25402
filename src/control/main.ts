// The control role: management API, verdicts, operations. Reads its options, opens its database and doors, and works.
import { parseArgs } from 'node:util'
import type { FastifyRequest } from 'fastify'
import { Accounts, type Caller } from '../accounts/accounts.ts'
import { openSeal } from '../accounts/seal.ts'
import { API } from '../contract/api.ts'
import { type FromRole, OPERATOR_TOKEN_FILE } from '../contract/local-cloud.ts'
import { CONTROL_PROTOCOL, JOIN_PROTOCOL } from '../contract/protocols.ts'
import { Incidents } from '../health/incidents.ts'
import { repeat } from '../kit/clock.ts'
import { Door, listenOn } from '../kit/door.ts'
import { serveHttp } from '../kit/door-http.ts'
import { environment } from '../kit/environment.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { realFolder } from '../kit/home-folder.ts'
import { lockHome } from '../kit/home-lock.ts'
import { buildHttpApp } from '../kit/http-server.ts'
import { JUDGE_EVERY_MS, OPERATION_LOOK_EVERY_MS, STEWARD_EVERY_MS } from '../kit/limits.ts'
import { openLog } from '../kit/log.ts'
import { runMain } from '../kit/main.ts'
import { stopOnSignal } from '../kit/processes.ts'
import { getOperation, viewOperation } from '../operations/operations.ts'
import { OperationRunner } from '../operations/runner.ts'
import type { RecoveryDeps } from '../recovery/recover-facts.ts'
import { recoverKind } from '../recovery/recover-kind.ts'
import { FactBoard } from '../regions/fact-board.ts'
import { createKind } from '../services/create-service.ts'
import { deleteKind } from '../services/delete-service.ts'
import { restoreKind } from '../services/restore-service.ts'
import { scaleKind } from '../services/scale-service.ts'
import { Changes } from './changes.ts'
import { cloudRoutes } from './cloud-routes.ts'
import type { ApiDeps } from './compose.ts'
import { openControlStore } from './database.ts'
import { historyRoutes } from './history-routes.ts'
import { judgeAll } from './judge.ts'
import { MachineField } from './machine-field.ts'
import { addMachineRoutes } from './machine-routes.ts'
import { scriptRoutes } from './script-routes.ts'
import { serviceRoutes } from './service-routes.ts'
import { tendServers } from './steward.ts'
import { tableRoutes } from './table-routes.ts'
import type { ViewDeps } from './views.ts'

const OPTIONS = {
  home: { type: 'string', default: './.mainstay-control' },
  address: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '8081' },
  'machine-port': { type: 'string', default: '8082' },
  domain: { type: 'string', default: 'control' },
  'gateway-url': { type: 'string', default: 'http://localhost:8080' },
  'token-file': { type: 'string' },
} as const

const USAGE = [
  '--home FOLDER          where it keeps everything (default ./.mainstay-control)',
  '--address HOST         address that it listens on (default 127.0.0.1)',
  '--port NUMBER          port of the management API (default 8081)',
  '--machine-port NUMBER  port of its door, for hosts and gateways (default 8082)',
  '--domain NAME          the failure domain that this machine is in (default control)',
  '--gateway-url URL      what the URLs of services begin with (default http://localhost:8080)',
  '--token-file FILE      where the operator token is (default: operator.token in its home)',
]

/** Runs control until a signal, or until the process that started it is gone. */
export async function main(args: string[]): Promise<void> {
  await runMain('control', { args, usage: USAGE }, run)
}

async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS })
  const home = realFolder(values.home)
  const unlock = await lockHome(home, 'control')
  const log = openLog('control', environment().logLevel)
  const seal = await openSeal(`${home}/control.key`)
  const store = await openControlStore(home, log)
  const { db } = store
  const accounts = await Accounts.open(db, seal)
  await accounts.ensureOperator(values['token-file'] ?? `${home}/${OPERATOR_TOKEN_FILE}`)
  const board = new FactBoard()
  const incidents = new Incidents(db)
  await incidents.load()

  const machines = buildHttpApp(log)
  const door = new Door(
    await accounts.controlCredentials(values.domain),
    { [CONTROL_PROTOCOL]: serveHttp(machines.server), [JOIN_PROTOCOL]: serveHttp(machines.server) },
    [JOIN_PROTOCOL],
  )
  const open = (sealed: string) => seal.open(sealed)
  const field = new MachineField({ db, door, board, incidents, open })
  const changes = new Changes()
  const services = { db, seal, field }
  const recovery: RecoveryDeps = { db, field, board, incidents, openKey: (service) => open(service.master_key) }
  const kinds = {
    create: createKind(services),
    delete: deleteKind(services),
    scale: scaleKind(services),
    restore: restoreKind(services),
    recover: recoverKind(recovery),
  }
  const runner = new OperationRunner(db, kinds, log, () => changes.announce())
  const aborter = new AbortController()
  const onError = (error: unknown) => log.error({ err: error }, 'a round failed')
  const pushSoon = () => void field.push().catch(onError)

  addMachineRoutes(machines.app, { db, accounts, board, field, onChange: pushSoon })
  await machines.app.ready()

  const api = buildHttpApp(log)
  const callers = new WeakMap<FastifyRequest, Caller>()
  const views: ViewDeps = { db, board, incidents, open, gatewayUrl: values['gateway-url'], domain: values.domain }
  const deps: ApiDeps = {
    db,
    accounts,
    field,
    services,
    recovery,
    views,
    changes,
    callerOf(request) {
      const caller = callers.get(request)
      if (!caller) throw new Fault('account.no_token', 401, 'the management API wants a token')
      return caller
    },
    async started(caller, operationId) {
      faultPoint('operation.claimed')
      runner.startFree(aborter.signal).catch(onError)
      return viewOperation(await getOperation(db, caller.subscriptionId, operationId))
    },
  }
  api.app.get(API.live, async () => ({ mainstay: 'control' }))
  api.app.register(async (scope) => {
    scope.addHook('onRequest', async (request) => {
      callers.set(request, await accounts.authenticate(request.headers.authorization))
    })
    await scope.register(serviceRoutes, deps)
    await scope.register(tableRoutes, deps)
    await scope.register(cloudRoutes, deps)
    await scope.register(scriptRoutes, deps)
    await scope.register(historyRoutes, deps)
  })
  await api.app.ready()
  await door.listen({ address: values.address, port: Number(values['machine-port']) })
  const port = await listenOn(api.server, { address: values.address, port: Number(values.port) })

  const brokenSince = new Map<string, number>()
  const rounds = [
    repeat({ everyMs: JUDGE_EVERY_MS, signal: aborter.signal, onError }, async () => {
      await judgeAll({ db, board, incidents, domain: values.domain, onChange: pushSoon })
    }),
    repeat({ everyMs: STEWARD_EVERY_MS, signal: aborter.signal, onError }, async () => {
      if (await tendServers({ db, seal, board, field, brokenSince })) await field.push()
    }),
    repeat({ everyMs: OPERATION_LOOK_EVERY_MS, signal: aborter.signal, onError }, async () => {
      await runner.startFree(aborter.signal)
    }),
  ]
  stopOnSignal(async () => {
    aborter.abort()
    api.server.closeAllConnections()
    await Promise.all([api.app.close(), ...rounds, runner.settle()])
    await Promise.all([field.close(), door.close()])
    await store.close()
    await unlock()
    return 0
  })
  const url = `http://${values.address === '127.0.0.1' ? 'localhost' : values.address}:${port}`
  log.info({ url }, 'control is up')
  const ready: FromRole = { kind: 'ready', url, port }
  process.send?.(ready)
}
