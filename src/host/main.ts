// The host role: one per machine of a region. Reads its options, joins, opens its door and works until told to stop.
import { hostname } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parseVault } from '../backups/vault-option.ts'
import type { HostFacts, HostHeartbeatAnswer } from '../contract/facts.ts'
import type { FromRole, ToRole } from '../contract/local-cloud.ts'
import {
  CONTROL_PROTOCOL,
  ORDERS_PROTOCOL,
  RUNTIME_PROTOCOL,
  RUNTIME_SHORTCUTS_PROTOCOL,
  SQL_PROTOCOL,
} from '../contract/protocols.ts'
import { prepareBinaries } from '../databases/binaries.ts'
import { repeat } from '../kit/clock.ts'
import { Door, type DoorHandler, spliceToPath } from '../kit/door.ts'
import { serveHttp } from '../kit/door-http.ts'
import { egressPolicy } from '../kit/egress-agent.ts'
import { environment } from '../kit/environment.ts'
import { Fault } from '../kit/fault.ts'
import { removeTree } from '../kit/files.ts'
import { makeOpenFolder, postgresFolderOf, realFolder, socketFolderOf } from '../kit/home-folder.ts'
import { checkHomeFormat, noteHomeFormat } from '../kit/home-format.ts'
import { lockHome } from '../kit/home-lock.ts'
import { buildHttpApp } from '../kit/http-server.ts'
import { HEARTBEAT_EVERY_MS, SERVICE_LOG_SWEEP_EVERY_MS } from '../kit/limits.ts'
import { openLog } from '../kit/log.ts'
import { runMain } from '../kit/main.ts'
import { Metrics } from '../kit/metrics.ts'
import { METRICS_OPTIONS, METRICS_USAGE, parseMetricsAddress, serveMetrics } from '../kit/metrics-server.ts'
import { stopOnSignal } from '../kit/processes.ts'
import { readRelease } from '../kit/release.ts'
import { parseName, parsePort } from '../kit/role-options.ts'
import { tellShortcuts } from '../kit/shortcut-hold.ts'
import { type ControlLine, openControlLink } from '../machine/control-link.ts'
import { ControlTrouble } from '../machine/control-trouble.ts'
import { chooseListening, listenWhereBefore } from '../machine/door-place.ts'
import { HighestEpoch } from '../machine/highest-epoch.ts'
import { ensureIdentity, parseControlUrls } from '../machine/join.ts'
import { Peers } from '../machine/peers.ts'
import { Certificate } from '../machine/renewal.ts'
import { openGuardLink } from './guard-link.ts'
import { Host } from './host.ts'
import { HOST_MEASURES } from './metrics.ts'
import { addOrdersRoutes } from './orders-routes.ts'

const OPTIONS = {
  home: { type: 'string', default: './.mainstay-host' },
  region: { type: 'string' },
  control: { type: 'string' },
  address: { type: 'string' },
  advertise: { type: 'string' },
  port: { type: 'string', default: '0' },
  'reserved-units': { type: 'string' },
  'shared-slots': { type: 'string' },
  vault: { type: 'string' },
  'egress-allow': { type: 'string', multiple: true },
  ...METRICS_OPTIONS,
} as const

const USAGE = [
  '--region NAME    the region that this machine is in (needed)',
  '--control URL    https://ADDRESS:PORT of control, of several with commas between (needed)',
  '--home FOLDER    where it keeps everything (default ./.mainstay-host)',
  '--address HOST   address of its door (default: the one that control is reached from)',
  '--advertise HOST where other machines reach it, when that differs from --address',
  '--port NUMBER    port of its door (default: the one of the last start, else a free one)',
  '--reserved-units NUMBER, --shared-slots NUMBER',
  '                 what it offers to services (default: its share of what is set for the region, else 4 and 20)',
  '--vault FOLDER|URL where backups go: a folder, s3://BUCKET/PREFIX?region=R&endpoint=URL, or none (MAINSTAY_VAULT).',
  '                 Every host needs the same one, and it must outlive the region.',
  '--egress-allow NETWORK',
  '                 a private network that scripts may reach, as 10.1.0.0/16; may be repeated (MAINSTAY_EGRESS_ALLOW)',
  ...METRICS_USAGE,
  'MAINSTAY_JOIN_TOKEN is needed at the first start only.',
]

/** Runs the host until a signal, or until the process that started it is gone. */
export async function main(args: string[]): Promise<void> {
  await runMain('host', { args, usage: USAGE }, run)
}

async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS })
  if (!values.region || !values.control)
    throw new Fault('options.missing', 400, 'host needs --region NAME and --control URL', {
      hint: 'See: mainstay host --help',
    })
  const region = parseName('--region', values.region)
  const { vault: usualVault, vaultAccessKeyId: accessKeyId, vaultSecretAccessKey: secretAccessKey } = environment()
  const vaultText = values.vault ?? usualVault ?? 'none'
  const vault = parseVault(vaultText, { accessKeyId, secretAccessKey })
  const egressAllow = [...(values['egress-allow'] ?? []), ...environment().egressAllow]
  // What is no network is told here, not by every runtime.
  egressPolicy(egressAllow)
  const controls = parseControlUrls(values.control)
  const doorPort = parsePort('--port', values.port, { isAnyAllowed: true })
  const metricsAddress = parseMetricsAddress(values, environment().metricsAddress)
  const home = realFolder(values.home)
  const { address, advertise } = await chooseListening(home, controls, values)
  const unlock = await lockHome(home, 'host')
  await checkHomeFormat(home, 'host')
  const log = openLog(`host ${region}`, environment().logLevel)
  const token = environment().joinToken
  const identity = await ensureIdentity({ home, role: 'host', domain: region, controls, token })
  await noteHomeFormat(home, 'host')

  const orders = buildHttpApp(log)
  const handlers: Record<string, DoorHandler> = {
    [ORDERS_PROTOCOL]: serveHttp(orders.server),
    [RUNTIME_PROTOCOL]: (socket, _peer, target) => spliceTo(socket, host.runtimeSocket(target)),
    [RUNTIME_SHORTCUTS_PROTOCOL]: (socket, _peer, target) => tellShortcuts(socket, () => host.runtimeSocket(target)),
    [SQL_PROTOCOL]: (socket, peer, target) => {
      const folder = peer.role === 'host' ? host.serverSocketFolder(target) : null
      spliceTo(socket, folder && `${folder}/.s.PGSQL.5432`)
    },
    // A host has nothing for those who take it for control.
    [CONTROL_PROTOCOL]: (socket) => socket.destroy(),
  }
  const door = new Door(identity, handlers)
  const postgresFolder = await makeOpenFolder(await postgresFolderOf(home))
  const socketFolder = await makeOpenFolder(socketFolderOf(home))
  const runtimeFolder = join(socketFolder, 'runtimes')
  // What a host that was killed left there. Its runtimes may be ending yet, and remove theirs themselves.
  await removeTree(runtimeFolder).catch(() => {})
  await makeOpenFolder(runtimeFolder)
  const binaries = await prepareBinaries(postgresFolder)
  const control = openControlLink(door, controls)
  const peers = new Peers(door, 'host')
  const port = await listenWhereBefore(door, home, { address, port: doorPort })
  const doorAt = { address: advertise, port }
  const certificate = new Certificate(identity)
  const trouble = new ControlTrouble(log)
  const highest = await HighestEpoch.open(home, postgresFolder)
  const host = new Host({
    ...{ home, postgresFolder, socketFolder, runtimeFolder, identity, door, doorAt, binaries, control, peers, log },
    ...{
      certificate,
      trouble,
      highest,
      release: readRelease(),
      offer: offerFrom(values),
      vault,
      vaultText,
      egressAllow,
    },
  })
  await host.bundles.load()
  await host.scratch.sweep()
  const sweepLogs = () => host.serviceLogs.sweep().catch((error) => log.warn({ err: error }, 'old logs stay'))
  await sweepLogs()
  setInterval(sweepLogs, SERVICE_LOG_SWEEP_EVERY_MS).unref()
  const metrics = new Metrics()
  metrics.add(async () => await host.numbers(), HOST_MEASURES)
  const metricsServer = await serveMetrics(metrics, metricsAddress, log)
  addOrdersRoutes(orders.app, host)
  await orders.app.ready()

  process.on('message', (message: ToRole) => host.setOutage(message.outage))
  process.channel?.unref()
  host.useGuard(await openGuardLink({ home, socketFolder, onFenced: (server) => host.noteFenced(server) }))
  const aborter = new AbortController()
  const beat = async (line: ControlLine) => {
    const call = {
      method: 'POST' as const,
      path: '/machine/heartbeat',
      body: await host.facts(),
      timeoutMs: HEARTBEAT_EVERY_MS,
    }
    const answer = (await line.call(call)) as HostHeartbeatAnswer
    if (answer.assignment) await host.assign(answer.assignment)
    trouble.clear()
  }
  // What control knows may be newer than what we kept: ask before anything is opened. Without control, go on as before.
  await Promise.any(control.lines.map(beat)).catch((error) => {
    trouble.note(error instanceof AggregateError ? error.errors[0] : error)
    log.warn({ err: error }, 'control cannot be reached, going on with the last assignment')
  })
  if (host.version === 0) await host.resume()
  const onError = (error: unknown) => trouble.note(error)
  // To each control by itself: one that is dead must not delay what the others hear.
  const beating = control.lines.map((line) =>
    repeat({ everyMs: HEARTBEAT_EVERY_MS, signal: aborter.signal, onError }, async () => await beat(line)),
  )
  // Only one extra heartbeat at a time, however fast news come.
  let isNewsPending = false
  host.onNews = () => {
    if (isNewsPending) return
    isNewsPending = true
    setTimeout(() => {
      isNewsPending = false
      if (!aborter.signal.aborted) for (const line of control.lines) beat(line).catch(onError)
    }, 10)
  }
  const reaching = repeat({ everyMs: HEARTBEAT_EVERY_MS, signal: aborter.signal, onError }, async () => {
    const call = { method: 'GET' as const, path: '/live', timeoutMs: HEARTBEAT_EVERY_MS }
    await Promise.all(
      host.peersWanted.map(async (peer) => {
        // Silence is the fact that is reported.
        const isReached = await peers.call(peer, call).then(
          () => true,
          () => false,
        )
        if (isReached) host.noteReach(peer.machine)
      }),
    )
  })
  const renewing = certificate.keep({ home, door, control, log, signal: aborter.signal })
  stopOnSignal(async () => {
    aborter.abort()
    metricsServer?.close()
    await host.stop()
    await door.close()
    await Promise.all([control.close(), peers.close(), ...beating, reaching, renewing])
    await removeTree(socketFolder)
    await unlock()
    return 0
  })
  log.info({ machine: identity.name, on: hostname(), port }, 'host is up')
  const ready: FromRole = { kind: 'ready', port }
  process.send?.(ready)
}

function offerFrom(values: { 'reserved-units'?: string; 'shared-slots'?: string }): HostFacts['offer'] {
  const units = values['reserved-units']
  const slots = values['shared-slots']
  return {
    ...(units === undefined ? {} : { reservedUnits: wholeCount('--reserved-units', units) }),
    ...(slots === undefined ? {} : { sharedSlots: wholeCount('--shared-slots', slots) }),
  }
}

function wholeCount(option: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new Fault('options.bad_number', 400, `${option} takes a whole number, not '${text}'`, {
    hint: 'See: mainstay host --help',
  })
}

function spliceTo(socket: Parameters<DoorHandler>[0], path: string | null): void {
  if (path) spliceToPath(socket, path)
  else socket.destroy()
}
