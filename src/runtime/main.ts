// The runtime role: serves apps' requests for the services that its host assigns, on a unix socket.
import { readFile, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { parseArgs } from 'node:util'
import { SHARED_RUNTIME } from '../contract/assignment.ts'
import type { FromRuntime, RuntimeNumbers, ToRuntime } from '../contract/runtime-channel.ts'
import { bootMs, pause, waitFor } from '../kit/clock.ts'
import { egressPolicy } from '../kit/egress-agent.ts'
import { environment } from '../kit/environment.ts'
import { Fault } from '../kit/fault.ts'
import { removeTree } from '../kit/files.ts'
import {
  APP_REQUEST_MS_MAX,
  RUNTIME_DRAIN_MS_MAX,
  RUNTIME_LINGER_MS,
  RUNTIME_NUMBERS_EVERY_MS,
  SERVICE_LOG_TELL_EVERY_MS,
  SLOW_READ_MS,
} from '../kit/limits.ts'
import { openLog } from '../kit/log.ts'
import { runMain } from '../kit/main.ts'
import { stopOnSignal } from '../kit/processes.ts'
import { RequestCounts } from '../kit/request-counts.ts'
import { Providers } from '../sign-in/providers.ts'
import { DatabaseHealth } from './health.ts'
import { JobScheduler } from './job-scheduler.ts'
import { Leases } from './leases.ts'
import { ConnectionBudget } from './pools.ts'
import { PushSender } from './push-sender.ts'
import { Scripts } from './scripts.ts'
import { createAppServer, type Draining } from './server.ts'
import { Services } from './services.ts'

const OPTIONS = {
  home: { type: 'string' },
  name: { type: 'string' },
  socket: { type: 'string' },
  /** Networks that scripts may reach although they are private. */
  'egress-allow': { type: 'string', multiple: true },
  /** Milliseconds that a request may take; for tests. */
  'request-ms': { type: 'string', default: String(APP_REQUEST_MS_MAX) },
  /** From how many milliseconds on a read is looked at; for tests. */
  'slow-read-ms': { type: 'string', default: String(SLOW_READ_MS) },
} as const

const USAGE = ['A runtime is started by its host; see: mainstay host --help']

/** Runs the runtime until a signal, or until the host that started it is gone. */
export async function main(args: string[]): Promise<void> {
  await runMain('runtime', { args, usage: USAGE }, run)
}

async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS })
  const { name, socket } = values
  if (!name || !socket)
    throw new Fault('options.missing', 400, 'runtime needs --name NAME and --socket PATH', {
      hint: 'See: mainstay runtime --help',
    })
  const requestMs = millisecondsOf('request-ms', values['request-ms'])
  const slowReadMs = millisecondsOf('slow-read-ms', values['slow-read-ms'])
  const log = openLog('runtime', environment().logLevel)
  const budget = new ConnectionBudget()
  const services = new Services({ budget, requestMs, slowReadMs })
  const requests = new RequestCounts()
  const leases = new Leases(bootMs)
  const health = new DatabaseHealth()
  const draining: Draining = { isDraining: false }
  const version = await readVersion()
  const policy = egressPolicy([...(values['egress-allow'] ?? []), ...environment().egressAllow])
  const push = new PushSender({ services, leases, policy, log })
  // Beside its socket, where root lets others read and nobody else writes.
  const scripts = new Scripts({ folder: `${socket}.sandbox`, isKeptWarm: name !== SHARED_RUNTIME, policy, push, log })
  const jobs = new JobScheduler({ services, scripts, leases, log })
  const providers = new Providers(policy)
  const deps = { services, leases, scripts, jobs, providers, health, log, requests, draining }
  const server = createAppServer({ name, version, requestMs, ...deps })
  await listen(server, socket)

  process.on('message', (message: ToRuntime) => {
    switch (message.kind) {
      case 'services':
        services.assign(message.services)
        scripts.assign(message.services)
        tell({ kind: 'serving', version: message.version, services: served(services) })
        break
      case 'leases':
        leases.set(message.leases)
        break
    }
  })
  const numbers = numbersSource({ requests, budget, scripts, services, push })
  const tellLines = () => {
    const lines = scripts.lines.take()
    if (lines.length > 0) tell({ kind: 'lines', lines })
  }
  const tellingLines = setInterval(tellLines, SERVICE_LOG_TELL_EVERY_MS)
  const telling = setInterval(() => tell({ kind: 'numbers', numbers: numbers() }), RUNTIME_NUMBERS_EVERY_MS)
  stopOnSignal(async () => {
    clearInterval(telling)
    clearInterval(tellingLines)
    jobs.close()
    await push.close()
    await drain(server, draining)
    tell({ kind: 'numbers', numbers: numbers() })
    push.end()
    scripts.close()
    tellLines()
    providers.close()
    services.close()
    health.close()
    await rm(socket, { force: true })
    await removeTree(`${socket}.sandbox`)
    return 0
  })
  tell({ kind: 'listening' })
  log.info({ name, socket }, 'the runtime listens')
  for (let isUnknown = true; isUnknown; ) {
    const { level, isLate } = await scripts.level()
    tell({ kind: 'sandbox', sandbox: level })
    isUnknown = isLate
  }
}

function millisecondsOf(option: string, text: string): number {
  const ms = Number(text)
  if (!Number.isInteger(ms) || ms <= 0) throw new TypeError(`--${option} needs a number above 0`)
  return ms
}

function served(services: Services): { name: string; epoch: number }[] {
  return services.list().map(({ name, epoch }) => ({ name, epoch }))
}

// Gives the numbers since it was last asked.
function numbersSource(from: {
  requests: RequestCounts
  budget: ConnectionBudget
  scripts: Scripts
  services: Services
  push: PushSender
}) {
  let startsTold = 0
  return (): RuntimeNumbers => {
    const { running, blocked, started } = from.scripts.sandboxes
    const sandboxStarts = started - startsTold
    startsTold = started
    return {
      requests: from.requests.take(),
      scripts: from.scripts.runs.take(),
      push: from.push.takeCounts(),
      sandboxStarts,
      sandboxes: { running, blocked },
      connections: { open: from.budget.open, waiting: from.budget.waiting },
      memoryBytes: process.memoryUsage.rss(),
      slowReads: from.services.slowReads(),
    }
  }
}

// A host that is gone hears nothing; its absence stops us by itself.
function tell(message: FromRuntime): void {
  if (process.connected) process.send?.(message, undefined, {}, () => {})
}

async function listen(server: Server, socket: string): Promise<void> {
  // Left behind by this worker's last life, if that was killed.
  await rm(socket, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, () => resolve())
  })
}

// Requests under way may end. Whoever asks on an open connection is answered, and told to ask elsewhere next time: a
// connection that is closed just as a request arrives on it would look like a failure. Then those that wait are closed.
async function drain(server: Server, draining: Draining): Promise<void> {
  draining.isDraining = true
  const isUnused = async () => ((await connectionsOf(server)) === 0 ? true : undefined)
  await waitFor('clients to leave', isUnused, { withinMs: RUNTIME_LINGER_MS, everyMs: 20 }).catch(() => {})
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  await Promise.race([closed, pause(RUNTIME_DRAIN_MS_MAX)])
  server.closeAllConnections()
}

async function connectionsOf(server: Server): Promise<number> {
  return await new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { version: string }
  return version
}
