// One run of the fencing campaign: a region is cut off, stopped or killed in part, its service is recovered elsewhere,
// and a ledger outside of it all says whether anything was still acknowledged under the old epoch.
import assert from 'node:assert/strict'
import { readlink } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import pg from 'pg'
import type { ServerView, ServiceView } from '../../src/contract/api.ts'
import { EPOCH_HEADER, SERVICE_HEADER } from '../../src/contract/protocols.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { messageOf } from '../../src/kit/fault.ts'
import { slugOf } from '../../src/kit/identifiers.ts'
import { commandOf, findProcesses, processesIn, signalProcess } from '../../src/kit/processes.ts'
import { stepClock } from './clocks.ts'
import type { TestCloud } from './cloud.ts'
import { victimsOf } from './crash-cases.ts'

/** How the region is cut off: both ways, or so that only one side still reaches the other. */
export const CUTS = ['network', 'inbound', 'outbound'] as const
/** What is done besides the cut; for `all stopped`, instead of it. */
export const TROUBLES = [
  'nothing else',
  'guard killed',
  'host stopped',
  'guard stopped',
  'host and guard stopped',
  'PostgreSQL stopped',
  'all stopped',
  'control killed',
  'standby host stopped',
  'clock stepped',
] as const
export type Trouble = (typeof TROUBLES)[number]

/**
 * `stopMs`: how long processes stand still (SIGSTOP). `clockSeconds`: by how much the region's wall clock is stepped,
 * in a cloud that has clocks (`clocks.ts`).
 */
export type FencingRun = {
  trouble: Trouble
  cut: (typeof CUTS)[number]
  stopMs: number
  clockSeconds: number
  region: string
  number: number
}
/** Milliseconds of this process. `old`: what the lost side acknowledged; `promotedAt`: the first write on the new one. */
export type Ledger = { old: number[]; oldSql: number[]; promotedAt: number | null }

const POLL_MS = 8

/** Carries one run out. Faults, or fails an assertion, when anything was acknowledged after the promotion. */
export async function runFencing(cloud: TestCloud, run: FencingRun): Promise<Ledger> {
  const others = (await cloud.status()).regions.filter(({ name }) => name !== run.region)
  const refuge = others[0]?.name ?? ''
  const service = await prepare(cloud, run, refuge)
  const at = { slug: slugOf(run.region), refuge: slugOf(refuge) }
  const ledger: Ledger = { old: [], oldSql: [], promotedAt: null }
  const stop = new AbortController()
  const watching = Promise.all([
    writeInside(cloud, service, at.slug, ledger, stop.signal),
    watchSql(await cloud.inside(at.slug, service.server), stop.signal, () => ledger.oldSql.push(performance.now())),
    watchSql(await cloud.inside(at.refuge, service.server), stop.signal, () => {
      ledger.promotedAt ??= performance.now()
    }),
  ])
  try {
    await waitFor('writes inside', () => (ledger.old.length > 5 && ledger.oldSql.length > 5 ? true : undefined), {
      withinMs: 20_000,
    })
    await makeTrouble(cloud, run, { ...at, server: service.server })
    await recover(cloud, service.name)
    await waitFor('a write on the new side', () => ledger.promotedAt ?? undefined, { withinMs: 30_000 })
    await heal(cloud, run, at.slug)
    // What wakes up late must not answer either.
    await untilQuarantined(cloud, service.server, run.region)
  } finally {
    await heal(cloud, run, at.slug)
    stop.abort()
    await watching
  }
  check(run, ledger)
  return ledger
}

/** A run in words. */
export function nameOf({ cut, trouble, stopMs, clockSeconds }: Omit<FencingRun, 'region' | 'number'>): string {
  const amount = trouble.endsWith('stopped') ? ` for ${stopMs} ms` : ''
  const step = trouble === 'clock stepped' ? ` by ${clockSeconds} s` : ''
  return trouble === 'all stopped' ? `${trouble}${amount}` : `${cut} cut, ${trouble}${amount}${step}`
}

function check(run: FencingRun, ledger: Ledger): void {
  const promotedAt = ledger.promotedAt ?? Number.POSITIVE_INFINITY
  const late = ledger.old.filter((at) => at >= promotedAt)
  const what = `${nameOf(run)}, ${run.region}, run ${run.number}`
  assert.deepEqual(late, [], `${what}: writes were acknowledged under the old epoch after the promotion`)
  // A guard that stands still stops nobody; then runtimes alone keep the promise, and sessions inside are on their own.
  if (run.trouble.includes('guard') || run.trouble === 'all stopped') return
  const lateSql = ledger.oldSql.filter((at) => at >= promotedAt)
  assert.deepEqual(lateSql, [], `${what}: the old PostgreSQL took writes beside the promoted one`)
}

async function prepare(cloud: TestCloud, run: FencingRun, refuge: string): Promise<ServiceView> {
  const name = `Fence${run.number}`
  await waitFor(
    `a protected server in ${run.region}`,
    async () => {
      const status = await cloud.status().catch(() => null)
      if (status?.regions.every(({ health }) => health.state === 'Ready') !== true) return undefined
      const servers = await cloud.api<ServerView[]>('/servers').catch(() => [])
      const here = servers.filter((server) => server.region === run.region)
      return here.some((server) => server.members.some(({ standing }) => standing === 'ready')) ? true : undefined
    },
    { withinMs: 60_000, everyMs: 100 },
  )
  await cloud.ok(['mobile', 'create', name, '--location', run.region])
  await cloud.ok(['mobile', 'create', `${name}-2`, '--location', refuge, '--secondary-for', name])
  await cloud.ok(['mobile', 'table', 'create', name, 'TodoItem'])
  const service = await cloud.service(name)
  await cloud.untilProtected(service.server)
  return service
}

async function makeTrouble(
  cloud: TestCloud,
  run: FencingRun,
  at: { slug: string; refuge: string; server: string },
): Promise<void> {
  const { trouble } = run
  const pids = async (victim: 'guard' | 'postgres' | 'runtime' | 'host') => {
    if (victim === 'host') return [cloud.rolePid(at.slug)]
    const [first] = await victimsOf(cloud, { victim, region: at.slug, server: at.server })
    if (first === undefined) return []
    // PostgreSQL stands still only when its backends do.
    if (victim !== 'postgres') return await victimsOf(cloud, { victim, region: at.slug, server: at.server })
    return [first, ...processesIn(await dataFolderOf(first))]
  }
  const freeze = async (...victims: Parameters<typeof pids>[0][]) => {
    for (const victim of victims) for (const pid of await pids(victim)) stopFor(pid, run.stopMs)
  }
  if (trouble === 'all stopped') return await freeze('host', 'guard', 'runtime', 'postgres')
  await cloud.ok(['dev', 'outage', 'start', run.region, '--only', run.cut])
  if (trouble === 'guard killed') for (const pid of await pids('guard')) signalProcess(pid, 'SIGKILL')
  if (trouble === 'host stopped') await freeze('host')
  if (trouble === 'guard stopped') await freeze('guard')
  if (trouble === 'host and guard stopped') await freeze('host', 'guard')
  if (trouble === 'PostgreSQL stopped') await freeze('postgres')
  if (trouble === 'control killed') signalProcess(cloud.rolePid('control'), 'SIGKILL')
  // A region that still reaches control has its silent standby released after 1.5 s; then nothing is to be promoted.
  const refugeMsMax = run.cut === 'inbound' ? 700 : 2_500
  if (trouble === 'standby host stopped') stopFor(cloud.rolePid(at.refuge), Math.min(run.stopMs, refugeMsMax))
  if (trouble === 'clock stepped') await stepClock(cloud.home, at.slug, run.clockSeconds)
}

async function dataFolderOf(postmaster: number): Promise<string> {
  return await readlink(`/proc/${postmaster}/cwd`)
}

const stopped = new Set<number>()

function stopFor(pid: number, ms: number): void {
  signalProcess(pid, 'SIGSTOP')
  stopped.add(pid)
  setTimeout(() => goOn(pid), ms).unref()
}

function goOn(pid: number): void {
  if (stopped.delete(pid)) signalProcess(pid, 'SIGCONT')
}

// As an operator would: again and again until it is accepted.
async function recover(cloud: TestCloud, name: string): Promise<void> {
  let said = ''
  const isRecovered = async () => {
    const result = await cloud.cli(['mobile', 'recover', name, `${name}-2`, '-q'])
    said = result.stderr
    return result.code === 0 ? true : undefined
  }
  await waitFor(`the recovery of ${name}`, isRecovered, { withinMs: 90_000, everyMs: 250 }).catch((error: unknown) => {
    throw new Error(`${messageOf(error)}: ${said}`, { cause: error })
  })
}

async function heal(cloud: TestCloud, run: FencingRun, slug: string): Promise<void> {
  for (const pid of [...stopped]) goOn(pid)
  if (run.trouble === 'clock stepped') await stepClock(cloud.home, slug, 0)
  if (run.trouble === 'all stopped') return
  const outages = await cloud.cli(['dev', 'outage', 'stop', run.region])
  assert.equal(outages.code, 0, `${slug}: ${outages.stderr}`)
}

async function untilQuarantined(cloud: TestCloud, server: string, region: string): Promise<void> {
  await waitFor(
    `${server} in ${region} to be quarantined`,
    async () => {
      const found = (await cloud.server(server).catch(() => null))?.members.find((member) => member.region === region)
      return found?.state === 'quarantined' ? true : undefined
    },
    { withinMs: 40_000, everyMs: 100 },
  )
}

// An app of the region itself, at its runtime, under the epoch of before: no gateway is asked.
async function writeInside(
  cloud: TestCloud,
  service: ServiceView,
  slug: string,
  ledger: Ledger,
  signal: AbortSignal,
): Promise<void> {
  const socketPath = runtimeSocket(cloud, slug)
  const headers = {
    'content-type': 'application/json',
    'x-zumo-application': service.applicationKey,
    [SERVICE_HEADER]: service.name.toLowerCase(),
    [EPOCH_HEADER]: String(service.epoch),
  }
  for (let number = 0; !signal.aborted; number += 1) {
    const body = JSON.stringify({ id: `inside-${number}`, text: 'old' })
    const status = await new Promise<number>((resolve) => {
      const sent = request({ socketPath, path: '/tables/TodoItem', method: 'POST', headers, timeout: 40_000 })
      signal.addEventListener('abort', () => sent.destroy(), { once: true })
      sent.once('response', (answer) => {
        if (answer.statusCode === 201) ledger.old.push(performance.now())
        answer.resume().once('close', () => resolve(answer.statusCode ?? 0))
      })
      sent.once('error', () => resolve(0))
      sent.end(body)
    })
    if (status !== 201) await pause(POLL_MS, signal)
  }
}

// Where the shared runtime of a region listens, as its own command line says.
function runtimeSocket(cloud: TestCloud, slug: string): string {
  const [pid] = findProcesses('mjs runtime ', join(cloud.home, 'hosts', slug), '--name shared')
  const socket = /--socket (\S+)/.exec(pid === undefined ? '' : commandOf(pid))?.[1]
  assert.ok(socket, `no runtime in ${slug}`)
  return socket
}

// Asks for a transaction id every few milliseconds: what a write needs and a standby refuses.
async function watchSql(
  at: { host: string; password: string },
  signal: AbortSignal,
  onWrite: () => void,
): Promise<void> {
  let client: pg.Client | null = null
  while (!signal.aborted) {
    try {
      if (!client) {
        const limits = { connectionTimeoutMillis: 500, query_timeout: 500 }
        client = new pg.Client({ ...at, user: 'mainstay', database: 'postgres', ...limits })
        client.on('error', () => {})
        await client.connect()
      }
      await client.query('select pg_current_xact_id()')
      onWrite()
    } catch {
      client?.end().catch(() => {})
      client = null
    }
    await pause(POLL_MS, signal)
  }
  client?.end().catch(() => {})
}
