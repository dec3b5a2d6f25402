// A disaster and its recovery in one minute, on a throw-away cloud of its own.
import { chmod, mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceView } from '../contract/api.ts'
import { waitFor } from '../kit/clock.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { removeTree } from '../kit/files.ts'
import type { ControlCalls } from './cloud.ts'
import { LocalCloud } from './cloud.ts'
import { cloudHome } from './cloud-home.ts'
import { pickPort } from './ports.ts'
import { carryOutReset, planReset } from './reset.ts'
import { Traffic } from './traffic.ts'

export type DemoOptions = {
  env: NodeJS.ProcessEnv
  connect: (url: string, token: string) => ControlCalls
  /** Says what happens next. */
  tell: (text: string) => void
  /** Shows a line that changes until the returned function is called. */
  live: (text: () => string) => () => void
  /** Runs one of our commands as a person would, its output shown. Faults when it fails. */
  run: (args: string[], home: string) => Promise<void>
  signal: AbortSignal
}

export type DemoResult = { acked: number; lost: number; downMs: number; commandMs: number; tookMs: number }

const PRIMARY = 'PrimaryService'
const SECONDARY = 'SecondaryService'
const TABLE = 'TodoItem'
const WEST = 'West US'
const EAST = 'East US'
const ROWS_PER_SECOND = 50
/** Rows before the kill and after the recovery: enough to see that all is well. */
const ROWS_SEEN = 150
const WAIT_MS_MAX = 30_000

/** Plays the whole story; everything is stopped and removed afterwards, however it ends. */
export async function playDemo(options: DemoOptions): Promise<DemoResult> {
  const startedAt = performance.now()
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'mainstay-demo-')))
  // Open, so that PostgreSQL's own user reaches its files in it and nothing has to lie elsewhere.
  await chmod(folder, 0o755)
  const cloud = new LocalCloud({
    home: join(folder, 'cloud'),
    port: await pickPort(),
    controlPort: await pickPort(),
    regions: [WEST, EAST],
    env: options.env,
    connect: options.connect,
    say: (label) => options.tell(label),
    onStopRequest: () => {},
  })
  const killNow = () => cloud.killNow()
  process.on('exit', killNow)
  try {
    await cloud.start()
    const told = await tellStory(cloud, options)
    return { ...told, tookMs: performance.now() - startedAt }
  } finally {
    options.tell('Stopping the throw-away cloud')
    await cloud.stop()
    process.removeListener('exit', killNow)
    const home = cloudHome(join(folder, 'cloud'))
    // Nothing to reset when it never came as far as its home.
    const folders = await planReset(home).catch(() => null)
    if (folders) await carryOutReset(home, folders)
    await removeTree(folder)
  }
}

async function tellStory(cloud: LocalCloud, options: DemoOptions): Promise<Omit<DemoResult, 'tookMs'>> {
  const { tell, run } = options
  const home = cloud.home.folder
  await run(['mobile', 'create', PRIMARY, '--location', WEST], home)
  await run(['mobile', 'create', SECONDARY, '--location', EAST, '--secondary-for', PRIMARY], home)
  await run(['mobile', 'table', 'create', PRIMARY, TABLE], home)
  const calls = await cloud.calls()
  tell(`Waiting until the standby in ${EAST} may be promoted`)
  await until('the standby', options, async () => (await isProtected(calls)) || undefined)

  const { pathUrl, applicationKey } = await serviceOf(calls)
  const traffic = new Traffic({ pathUrl, applicationKey, table: TABLE }, { ratePerSecond: ROWS_PER_SECOND })
  const stopping = new AbortController()
  const running = traffic.run(AbortSignal.any([stopping.signal, options.signal]))
  let hide = options.live(() => traffic.line())
  // The live line makes room for what else is told.
  const aside = async <T>(work: () => Promise<T>): Promise<T> => {
    hide()
    try {
      return await work()
    } finally {
      hide = options.live(() => traffic.line())
    }
  }
  try {
    await until('the first rows', options, () => traffic.ledger.acked.size >= ROWS_SEEN || undefined).catch(
      (error: unknown) => {
        throw new Fault('demo.failed', 500, `${messageOf(error)}; the last request: ${traffic.lastProblem}`)
      },
    )
    const killed = await aside(async () => await cloud.startOutage(WEST, 'all'))
    await aside(async () => tell(`Killed ${WEST}: ${killed} processes, PostgreSQL included`))
    await until(`${PRIMARY} to be Unhealthy`, options, async () => {
      return (await serviceOf(calls)).health.state === 'Unhealthy' || undefined
    })
    const commandMs = await aside(async () => {
      const recoverAt = performance.now()
      await run(['mobile', 'recover', PRIMARY, SECONDARY, '--quiet'], home)
      return performance.now() - recoverAt
    })
    await until('rows again', options, () => !traffic.ledger.isDown() || undefined)
    await aside(async () => tell(`Bringing ${WEST} back: its old PostgreSQL is fenced and kept whole`))
    await cloud.stopOutage(WEST)
    const { server } = await serviceOf(calls)
    const before = traffic.ledger.acked.size
    await until(
      'the old copy to be quarantined',
      options,
      async () => (await isQuarantined(calls, server)) || undefined,
    )
    await until('more rows', options, () => traffic.ledger.acked.size >= before + ROWS_SEEN || undefined)
    await aside(async () => await run(['sql', 'server', 'show', server], home))
    stopping.abort()
    await running
    await traffic.check()
    const { ledger } = traffic
    const downMs = ledger.longestDownMs(performance.now())
    return { acked: ledger.acked.size, lost: ledger.lost.size, downMs, commandMs }
  } finally {
    hide()
    stopping.abort()
    await running
    await traffic.close()
  }
}

async function until<T>(
  what: string,
  options: DemoOptions,
  check: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  return await waitFor(what, check, { withinMs: WAIT_MS_MAX, everyMs: 50, signal: options.signal })
}

async function serviceOf(calls: ControlCalls): Promise<ServiceView> {
  const service = (await calls.status()).services.find((one) => one.name === PRIMARY)
  if (service) return service
  throw new Fault('demo.failed', 500, `${PRIMARY} is not there`)
}

async function isProtected(calls: ControlCalls): Promise<boolean> {
  const servers = await calls.listServers()
  const server = servers.find((one) => one.services.includes(PRIMARY))
  return server?.members.some((member) => member.standing === 'ready') ?? false
}

async function isQuarantined(calls: ControlCalls, name: string): Promise<boolean> {
  const server = (await calls.listServers()).find((one) => one.name === name)
  return server?.members.some((member) => member.role === 'quarantined' && member.quarantine !== null) ?? false
}
