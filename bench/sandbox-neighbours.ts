// What a service whose scripts block, eat memory and exit costs its neighbours in the same runtime: the times of their
// requests before, meanwhile and after, as a ratio. Also how long a sandbox takes to start and what memory it has.
// Usage: npm run bench:sandbox
import type { RuntimeService } from '../src/contract/runtime-channel.ts'
import { pause } from '../src/kit/clock.ts'
import { childrenOf, memoryOf, treeOf } from '../src/kit/processes.ts'
import { startTestCluster } from '../tests/support/runtime-cluster.ts'
import { TestRuntime } from '../tests/support/runtime-process.ts'
import { APP, routed } from '../tests/support/runtime-scenario.ts'
import { addScripted } from '../tests/support/script-service.ts'
import { printTable, type Summary, summarise } from './statistics.ts'

const REQUESTS = 1_000
const EVERY_MS = 10
const STARTS = 20

const FINE = 'function insert(item, user, request) { item.seen = true; request.execute(); }'
const HOSTILE = {
  'Loop.insert': 'function insert() { for (;;) {} }',
  'Heap.insert': 'function insert() { var all = []; for (;;) all.push(new Array(1e5).fill(1)); }',
  'Exit.insert': 'function insert() { process.exit(1); }',
  'Flood.insert': 'function insert() { for (;;) console.log("x"); }',
}

const postgres = await startTestCluster()
const runtime = await TestRuntime.start(postgres.folder, 'bench')
try {
  const plain = await addScripted(postgres, 'plain', {})
  const scripted = await addScripted(postgres, 'scripted', { 'TodoItem.insert': FINE })
  const hostile = await addScripted(postgres, 'hostile', HOSTILE)
  const starters: RuntimeService[] = []
  for (let index = 0; index < STARTS; index += 1) {
    starters.push(await addScripted(postgres, `start${index}`, { 'TodoItem.insert': FINE }))
  }
  runtime.setLeases()
  await runtime.assign([plain, scripted, hostile, ...starters])
  await insert(scripted)
  await measureStarts(starters)
  const rows: Record<string, Summary> = {}
  rows['no script, before'] = await measure(plain)
  rows['with a script, before'] = await measure(scripted)
  const aborter = new AbortController()
  const attacks = Object.keys(HOSTILE).map(
    async (name) => await attack(hostile, name.split('.')[0] ?? '', aborter.signal),
  )
  rows['no script, meanwhile'] = await measure(plain)
  rows['with a script, meanwhile'] = await measure(scripted)
  aborter.abort()
  await Promise.all(attacks)
  rows['no script, after'] = await measure(plain)
  rows['with a script, after'] = await measure(scripted)
  printTable(rows, 'µs')
  for (const kind of ['no script', 'with a script']) {
    const [before, meanwhile, after] = ['before', 'meanwhile', 'after'].map(
      (when) => rows[`${kind}, ${when}`]?.p99 ?? 0,
    )
    const calm = Math.max(before ?? 0, after ?? 0)
    console.log(`${kind}: p99 meanwhile is ${((meanwhile ?? 0) / calm).toFixed(2)} of the calm one`)
  }
} finally {
  await runtime.stop()
  await postgres.stop()
}

async function measureStarts(services: RuntimeService[]): Promise<void> {
  const first: number[] = []
  for (const service of services) first.push(await insert(service))
  const second: number[] = []
  for (const service of services) second.push(await insert(service))
  printTable({ 'first request, which starts a sandbox': summarise(first), 'second request': summarise(second) }, 'µs')
  const sandboxes = childrenOf(runtime.pid).map((pid) => treeOf(pid).reduce((sum, one) => sum + memoryOf(one), 0))
  const { n, median, max } = summarise(sandboxes.map((bytes) => bytes / 1_048_576))
  console.log(`${n} sandboxes: median ${median} MiB, at most ${max} MiB (proportional set size)`)
}

/** Times in µs of requests that come at their own pace, whoever is still waiting. */
async function measure(service: RuntimeService): Promise<Summary> {
  const running: Promise<number>[] = []
  for (let index = 0; index < REQUESTS; index += 1) {
    running.push(insert(service))
    await pause(EVERY_MS)
  }
  return summarise(await Promise.all(running))
}

async function insert(service: RuntimeService): Promise<number> {
  const startedAt = performance.now()
  const answer = await runtime.call({
    method: 'POST',
    path: '/tables/TodoItem',
    body: { text: 'x' },
    headers: routed(service, APP),
  })
  if (answer.status !== 201) throw new Error(`${service.name}: ${answer.status} ${answer.body}`)
  return (performance.now() - startedAt) * 1_000
}

async function attack(service: RuntimeService, table: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await runtime.call({ method: 'POST', path: `/tables/${table}`, body: {}, headers: routed(service, APP) })
    await pause(20)
  }
}
