// How soon trouble is known: from the fault to the verdict, to the public page at a gateway, to a webhook; and from its
// end to the verdict that all is well. Usage: npm run bench:watch -- [runs of each cause]      default: 5
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ServiceView } from '../src/contract/api.ts'
import type { HostAssignment } from '../src/contract/assignment.ts'
import type { NoticeEvent } from '../src/contract/notice.ts'
import type { StatusPage } from '../src/contract/status-page.ts'
import { waitFor } from '../src/kit/clock.ts'
import { readJsonIfAny } from '../src/kit/files.ts'
import { connectInside, TestCloud } from '../tests/support/cloud.ts'
import { printTable, summarise } from './statistics.ts'
import { startWriters } from './writers.ts'

const RUNS_DEFAULT = 5
const LOOK = { withinMs: 60_000, everyMs: 10 }
// Runs of scripts count for a minute.
const WELL = { withinMs: 150_000, everyMs: 10 }
const REGION = 'West US'
const BROKEN = `function insert(item, user, request) { throw new Error('broken on purpose') }`

/** `page`: whether the public page shows it; a script that fails is its author's business. */
type Fault = { name: string; cause: string; page: boolean; begin: () => Promise<unknown>; end: () => Promise<unknown> }
type Found = { verdict: number[]; page: number[]; webhook: number[]; over: number[] }

const { positionals } = parseArgs({ allowPositionals: true })
const runs = Number(positionals[0] ?? RUNS_DEFAULT)
const folder = await mkdtemp(join(tmpdir(), 'mainstay-watch-bench-'))
const told: { event: NoticeEvent; atMs: number }[] = []
const hook = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => (body += chunk))
  request.on('end', () => {
    const { events } = JSON.parse(body) as { events: NoticeEvent[] }
    for (const event of events) told.push({ event, atMs: performance.now() })
    response.end()
  })
}).listen(0, '127.0.0.1')
await once(hook, 'listening')
const cloud = await TestCloud.start('pair', { env: { MAINSTAY_EGRESS_ALLOW: '127.0.0.0/8' } })
try {
  await cloud.ok(['notice', 'add', '--webhook', `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`])
  const service = await cloud.service('PrimaryService')
  const ledger = startWriters(cloud, service, 2)
  const found = new Map<string, Found>()
  for (const fault of faultsOf(service)) {
    const all: Found = { verdict: [], page: [], webhook: [], over: [] }
    found.set(fault.name, all)
    for (let run = 1; run <= runs; run += 1) {
      await measure(fault, all)
      console.error(
        `${fault.name} ${run} of ${runs}: ${Object.values(all).map((one) => Math.round(one.at(-1) ?? 0))} ms`,
      )
    }
  }
  await ledger.stop()
  for (const [name, all] of found) {
    console.log(`\n${name}`)
    const rows = Object.entries(all).filter(([, values]) => values.length > 0)
    printTable(Object.fromEntries(rows.map(([what, values]) => [what, summarise(values)])), 'ms')
  }
} finally {
  await cloud.dispose()
  hook.closeAllConnections()
  hook.close()
  await rm(folder, { recursive: true, force: true })
}

async function measure({ cause, page, begin, end }: Fault, all: Found): Promise<void> {
  await untilWell()
  // The page of the run before is a few seconds old.
  await waitFor('the page to be well', async () => ((await isShown()) ? undefined : true), WELL)
  const startMs = performance.now()
  const since = (atMs = performance.now()) => atMs - startMs
  await begin()
  const isJudged = async () =>
    (await cloud.service('PrimaryService').catch(() => null))?.health.cause === cause || undefined
  const isTold = () =>
    told.find(({ event, atMs }) => atMs > startMs && event.incident.cause === cause && event.event === 'opened')?.atMs
  const [verdict, shown, webhook] = await Promise.all([
    waitFor(cause, isJudged, LOOK).then(() => since()),
    page ? waitFor('the page', isShown, LOOK).then(() => since()) : null,
    waitFor('the webhook', isTold, LOOK).then((atMs) => since(atMs)),
  ])
  all.verdict.push(verdict)
  if (shown !== null) all.page.push(shown)
  all.webhook.push(webhook)
  const endMs = performance.now()
  await end()
  await untilWell()
  all.over.push(performance.now() - endMs)
}

async function isShown(): Promise<true | undefined> {
  const answer = await fetch(`${cloud.gatewayUrl}/status.json`).catch(() => null)
  const { rows } = ((await answer?.json()) ?? { rows: [] }) as StatusPage
  return rows.some(({ state }) => state === 'Unhealthy') ? true : undefined
}

async function untilWell(): Promise<void> {
  const isWell = async () =>
    (await cloud.service('PrimaryService').catch(() => null))?.health.state === 'Ready' || undefined
  await waitFor('all to be well', isWell, WELL)
}

function faultsOf(service: ServiceView): Fault[] {
  const outage = (...kind: string[]) => ({
    begin: async () => await cloud.ok(['dev', 'outage', 'start', REGION, ...kind]),
    end: async () => {
      await cloud.ok(['dev', 'outage', 'stop', REGION])
      await cloud.untilProtected(service.server)
    },
  })
  return [
    { name: 'a region that is killed', cause: 'region_unreachable', page: true, ...outage() },
    { name: 'a region that is cut off', cause: 'region_unreachable', page: true, ...outage('--only', 'network') },
    {
      name: 'a database that refuses the password',
      cause: 'database_auth_failed',
      page: true,
      begin: async () => await setPassword(service, 'another'),
      end: async () => await setPassword(service, null),
    },
    {
      name: 'scripts that fail',
      cause: 'scripts_failing',
      page: false,
      begin: async () => {
        const file = join(folder, 'insert.js')
        await writeFile(file, BROKEN)
        await cloud.ok(['mobile', 'script', 'upload', service.name, 'table/TodoItem.insert.js', '--file', file])
      },
      end: async () => await cloud.ok(['mobile', 'script', 'delete', service.name, 'table/TodoItem.insert', '-q']),
    },
  ]
}

// Null: the one that the service has.
async function setPassword(service: ServiceView, password: string | null): Promise<void> {
  const assigned = await readJsonIfAny<HostAssignment>(join(cloud.home, 'hosts', 'west-us', 'assignment.json'))
  const all = assigned?.runtimes.flatMap(({ services }) => services) ?? []
  const login = all.find(({ name }) => name === service.name)?.database
  if (!login) throw new Error('the host has no login of the service')
  const client = await connectInside(cloud, 'west-us', service.server)
  try {
    await client.query(`alter role "${login.user}" password '${password ?? login.password}'`)
    await client.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [login.user])
  } finally {
    await client.end()
  }
}
