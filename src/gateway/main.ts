// The gateway role: answers the stable URL of every service and forwards to its home region.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { parseArgs } from 'node:util'
import type { GatewayAssignment } from '../contract/assignment.ts'
import type { GatewayFacts, GatewayHeartbeatAnswer, GatewayTraffic } from '../contract/facts.ts'
import type { FromRole } from '../contract/local-cloud.ts'
import { MACHINE_USAGE_PATH, ORDERS_PROTOCOL, PROTOCOL_VERSION, PUBLIC_PROTOCOL } from '../contract/protocols.ts'
import type { UsageReport } from '../contract/usage.ts'
import { lifeOf } from '../kit/certificate-life.ts'
import { repeat } from '../kit/clock.ts'
import { Door, listenOn } from '../kit/door.ts'
import { peerOfRequest, serveHttp } from '../kit/door-http.ts'
import { environment } from '../kit/environment.ts'
import { Fault } from '../kit/fault.ts'
import { realFolder } from '../kit/home-folder.ts'
import { checkHomeFormat, noteHomeFormat } from '../kit/home-format.ts'
import { lockHome } from '../kit/home-lock.ts'
import { buildHttpApp } from '../kit/http-server.ts'
import { randomId } from '../kit/identifiers.ts'
import {
  APP_REQUEST_MS_MAX,
  CERTIFICATE_FILES_LOOK_MS,
  DASHBOARD_FETCH_EVERY_MS,
  GATEWAY_ASSIGNMENT_BYTES_MAX,
  METRIC_SERVICES_MAX,
  PROBE_EVERY_MS,
  PROBE_SILENT_MS,
  USAGE_REPORT_EVERY_MS,
} from '../kit/limits.ts'
import { openLog } from '../kit/log.ts'
import { runMain } from '../kit/main.ts'
import { Metrics } from '../kit/metrics.ts'
import { METRICS_OPTIONS, METRICS_USAGE, parseMetricsAddress, serveMetrics } from '../kit/metrics-server.ts'
import { stopOnSignal } from '../kit/processes.ts'
import { readRelease } from '../kit/release.ts'
import { REQUEST_ID_HEADER } from '../kit/request-id.ts'
import { hostInUrl, parseName, parsePort } from '../kit/role-options.ts'
import { type ControlLine, openControlLink } from '../machine/control-link.ts'
import { ControlTrouble } from '../machine/control-trouble.ts'
import { chooseListening, listenWhereBefore } from '../machine/door-place.ts'
import { HighestEpoch } from '../machine/highest-epoch.ts'
import { ensureIdentity, parseControlUrls } from '../machine/join.ts'
import { Peers } from '../machine/peers.ts'
import { Certificate } from '../machine/renewal.ts'
import { CertificateFiles } from './certificate-files.ts'
import { DashboardCopy } from './dashboard-copy.ts'
import { Holds } from './holds.ts'
import { Lane } from './lane.ts'
import { Load } from './load.ts'
import { GATEWAY_MEASURES, type GatewayNumbers, REQUEST_DURATIONS } from './metrics.ts'
import { Probes } from './probes.ts'
import { answerPublic, type Counts } from './public-server.ts'
import { Routes } from './routes.ts'
import { readProxies, readSecureOptions, SECURE_OPTIONS, SECURE_USAGE } from './secure-options.ts'
import { SecurePort } from './secure-port.ts'
import { ShownCertificates } from './shown-certificates.ts'
import { Traffic } from './traffic.ts'

const OPTIONS = {
  home: { type: 'string', default: './.mainstay-gateway' },
  control: { type: 'string' },
  domain: { type: 'string' },
  address: { type: 'string' },
  advertise: { type: 'string' },
  port: { type: 'string', default: '8080' },
  'door-port': { type: 'string', default: '0' },
  ...SECURE_OPTIONS,
  ...METRICS_OPTIONS,
} as const

const USAGE = [
  '--control URL       https://ADDRESS:PORT of control, of several with commas between (needed)',
  '--domain NAME       the failure domain that this machine is in (needed)',
  '--home FOLDER       where it keeps everything (default ./.mainstay-gateway)',
  '--address HOST      address that it listens on (default: the one that control is reached from)',
  '--advertise HOST    where other machines reach it, when that differs from --address',
  '--port NUMBER       port for apps (default 8080)',
  '--door-port NUMBER  port of its door (default: the one of the last start, else a free one)',
  ...SECURE_USAGE,
  ...METRICS_USAGE,
  'MAINSTAY_JOIN_TOKEN is needed at the first start only.',
]

/** Runs the gateway until a signal, or until the process that started it is gone. */
export async function main(args: string[]): Promise<void> {
  await runMain('gateway', { args, usage: USAGE }, run)
}

async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS })
  if (!values.domain || !values.control)
    throw new Fault('options.missing', 400, 'gateway needs --domain NAME and --control URL', {
      hint: 'See: mainstay gateway --help',
    })
  const domain = parseName('--domain', values.domain)
  const controls = parseControlUrls(values.control)
  const wanted = {
    publicPort: parsePort('--port', values.port, { isAnyAllowed: true }),
    doorPort: parsePort('--door-port', values['door-port'], { isAnyAllowed: true }),
  }
  const secure = readSecureOptions(values, environment())
  const proxies = readProxies(values, environment())
  const files = secure?.files ? await CertificateFiles.open(secure.files) : null
  const metricsAddress = parseMetricsAddress(values, environment().metricsAddress)
  const home = realFolder(values.home)
  const { address, advertise } = await chooseListening(home, controls, values)
  const unlock = await lockHome(home, 'gateway')
  await checkHomeFormat(home, 'gateway')
  const log = openLog('gateway', environment().logLevel)
  const token = environment().joinToken
  const identity = await ensureIdentity({ home, role: 'gateway', domain, controls, token })
  await noteHomeFormat(home, 'gateway')

  const orders = buildHttpApp(log)
  const publicServer = createServer({ requestTimeout: 2 * APP_REQUEST_MS_MAX })
  const door = new Door(identity, {
    [ORDERS_PROTOCOL]: serveHttp(orders.server),
    [PUBLIC_PROTOCOL]: serveHttp(publicServer),
  })
  const highest = await HighestEpoch.open(home)
  const holds = new Holds()
  const certificates = new ShownCertificates(log)
  const routes = new Routes({ door, home, highest, holds, certificates })
  await routes.resume()
  const peers = new Peers(door, 'host')
  const probes = new Probes(routes, peers)
  const dashboard = new DashboardCopy(home, () => probes.facts())
  await dashboard.resume()
  const counts: Counts = { requests: 0, failedRequests: 0 }
  const metrics = new Metrics()
  const durations = metrics.durations(REQUEST_DURATIONS)
  const traffic = new Traffic(log, (seconds) => durations.observe(seconds))
  const load = new Load(() => traffic.refusals.full)
  metrics.add(() => numbersOf({ routes, probes, traffic, highest, load, certificates, files }), GATEWAY_MEASURES)
  let tlsPort: number | null = null
  // A proxy in front that is believed is where apps come by HTTPS when we have no port for that.
  const httpsPort = () => tlsPort ?? (proxies.isAny ? 443 : null)
  const isLost = (machine: string) => probes.silentMsOf(machine) >= PROBE_SILENT_MS
  const answering = { routes, holds, counts, traffic, dashboard, isLost, proxies: proxies.networks, httpsPort }
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    answerPublic(request, response, answering).catch((error) => {
      log.error({ requestId: response.getHeader(REQUEST_ID_HEADER), err: error }, 'a request failed')
      response.destroy()
    })
  }
  publicServer.on('request', answer)
  const lane = new Lane(publicServer, {
    ...answering,
    onError: (error, requestId) => log.error({ requestId, err: error }, 'a request failed'),
  })
  const publicPort = await listenOn(publicServer, { address, port: wanted.publicPort })
  const securePort = secure && new SecurePort({ certificates, own: files?.pair ?? null, plain: publicServer, answer })
  if (securePort) {
    const port = await securePort.listen({ address, port: secure.port })
    tlsPort = secure.publicPort ?? port
    log.info({ port }, 'answering by HTTPS')
  }
  const doorPort = await listenWhereBefore(door, home, { address, port: wanted.doorPort })
  const metricsServer = await serveMetrics(metrics, metricsAddress, log)
  const trouble = new ControlTrouble(log)
  const assign = async (assignment: GatewayAssignment) => {
    trouble.requireSpoken(assignment)
    const { version, operations } = assignment
    if (version > routes.version) log.info({ version, operations }, 'following new routes')
    await routes.assign(assignment)
  }

  orders.app.addHook('onRequest', async (request) => {
    const { role } = peerOfRequest(request.raw.socket)
    if (role !== 'control') throw new Fault('orders.not_control', 403, `a ${role} may not give orders`)
  })
  const large = { bodyLimit: GATEWAY_ASSIGNMENT_BYTES_MAX }
  orders.app.put<{ Body: GatewayAssignment }>('/assignment', large, async (request) => {
    await assign(request.body)
    return { version: routes.version }
  })
  orders.app.get('/traffic', async (): Promise<GatewayTraffic> => {
    return { version: routes.version, underWay: traffic.underWay }
  })
  await orders.app.ready()

  const control = openControlLink(door, controls)
  const certificate = new Certificate(identity)
  const release = readRelease()
  const publicUrl = `http://${hostInUrl(advertise)}:${publicPort}`
  const aborter = new AbortController()
  const onError = (error: unknown) => trouble.note(error)
  const probing = repeat({ everyMs: PROBE_EVERY_MS, signal: aborter.signal, onError }, () => probes.probeAll())
  const beat = async (line: ControlLine) => {
    const facts: GatewayFacts = {
      protocol: PROTOCOL_VERSION,
      release,
      certificateUntil: certificate.until,
      machine: identity.name,
      domain: identity.domain,
      address: advertise,
      port: doorPort,
      publicUrl,
      version: routes.version,
      probes: probes.facts(),
      ...counts,
      highestEpoch: highest.value,
      load: load.read(),
      tls: tlsPort === null ? null : { port: tlsPort, own: files?.state ?? null },
    }
    const call = { method: 'POST' as const, path: '/machine/gateway-heartbeat', body: facts, timeoutMs: 1_000 }
    const answer = (await line.call(call)) as GatewayHeartbeatAnswer
    if (answer.assignment) await assign(answer.assignment)
    trouble.clear()
  }
  // To each control by itself: one that is dead must not delay what the others hear.
  const beating = control.lines.map((line) =>
    repeat({ everyMs: PROBE_EVERY_MS, signal: aborter.signal, onError }, async () => await beat(line)),
  )
  const watching = repeat({ everyMs: DASHBOARD_FETCH_EVERY_MS, signal: aborter.signal, onError }, async () => {
    await dashboard.fetch(control)
  })
  const runId = randomId(6)
  const reporting = repeat({ everyMs: USAGE_REPORT_EVERY_MS, signal: aborter.signal, onError }, async () => {
    const report = traffic.usage.report()
    if (!report) return
    const body: UsageReport = { machine: identity.name, run: runId, minutes: report.minutes }
    await control.call({ method: 'POST', path: MACHINE_USAGE_PATH, body, timeoutMs: USAGE_REPORT_EVERY_MS })
    report.taken()
  })
  const looking = repeat({ everyMs: CERTIFICATE_FILES_LOOK_MS, signal: aborter.signal, onError }, async () => {
    const found = await files?.look()
    if (files && found === 'taken') {
      securePort?.useOwn(files.pair)
      log.info(files.state, 'showing the new certificate of the files')
    } else if (files && found === 'broken') {
      log.error(files.state, 'the files of the certificate cannot be used: the one of before is shown')
    }
  })
  const renewing = certificate.keep({ home, door, control, log, signal: aborter.signal })
  stopOnSignal(async () => {
    aborter.abort()
    securePort?.close()
    lane.close()
    publicServer.close()
    publicServer.closeAllConnections()
    metricsServer?.close()
    await Promise.all([
      routes.close(),
      door.close(),
      control.close(),
      peers.close(),
      probing,
      watching,
      reporting,
      looking,
      ...beating,
      renewing,
    ])
    await unlock()
    return 0
  })
  log.info({ machine: identity.name, port: publicPort }, 'gateway is up')
  const ready: FromRole = { kind: 'ready', url: publicUrl, port: publicPort }
  process.send?.(ready)
}

function numbersOf(from: {
  routes: Routes
  probes: Probes
  traffic: Traffic
  highest: HighestEpoch
  load: Load
  certificates: ShownCertificates
  files: CertificateFiles | null
}): GatewayNumbers {
  const { routes, probes, traffic, highest, load, certificates, files } = from
  traffic.counts.keep((service) => routes.find(service) !== null)
  const { version, all } = routes
  return {
    requests: traffic.counts.list(),
    refusals: traffic.refusals,
    inFlight: traffic.inFlight,
    version,
    highestEpoch: highest.value,
    routes: all,
    probes: probes.facts(),
    busy: load.read().busy,
    certificates: [
      ...(files ? [{ domain: '*', untilMs: Date.parse(files.state.until) }] : []),
      ...[...certificates.all]
        .slice(0, METRIC_SERVICES_MAX)
        .map(([domain, { chain }]) => ({ domain, untilMs: lifeOf(chain).untilMs })),
    ],
    isCertificateBroken: files && files.state.problem !== null,
  }
}
