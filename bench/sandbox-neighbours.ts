// What a service whose scripts block, eat memory and exit costs its neighbours in the same runtime: the times of their
// requests before, meanwhile and after, as a ratio. Also how long a sandbox takes to start and what memory it has.
// Usage: npm run bench:sandbox
import { spawnSync } from 'node:child_process'
import type { RuntimeService } from '../src/contract/runtime-channel.ts'
import { pause } from '../src/kit/clock.ts'
import { childrenOf, memoryOf, treeOf } from '../src/kit/processes.ts'
import { startTestCluster } from '../tests/support/runtime-cluster.ts'
import { TestRuntime } from '../tests/support/runtime-process.ts'
import { APP, routed } from '../tests/support/runtime-scenario.ts'
import { addScripted } from '../tests/support/script-service.ts'
import { printTable, summarise } from './statistics.ts'

const ROUNDS = 5
const REQUESTS = 200
const EVERY_MS = 10
const STARTS = 40
const SPARE_MS = 1_500

const FINE = 'function insert(item, user, request) { item.seen = true; request.execute(); }'
// Without SQL, so that it is the sandbox that is measured, not the connection to PostgreSQL.
const BARE = 'function insert(item, user, request) { request.respond(statusCodes.CREATED); }'
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
    starters.push(await addScripted(postgres, `start${index}`, { 'TodoItem.insert': BARE }))
  }
  runtime.setLeases()
  await runtime.assign([plain, scripted, hostile, ...starters])
  await insert(scripted)
  await measureStarts(starters)
  const times: Record<string, number[]> = {}
  const add = async (name: string, service: RuntimeService) => {
    times[name] = [...(times[name] ?? []), ...(await measure(service))]
  }
  // In turns: whatever else the machine does meets both alike.
  for (let round = 0; round < ROUNDS; round += 1) {
    await add('no script, calm', plain)
    await add('with a script, calm', scripted)
    const aborter = new AbortController()
    const names = Object.keys(HOSTILE).map((name) => name.split('.')[0] ?? '')
    const attacks = names.map(async (name) => await attack(hostile, name, aborter.signal))
    await add('no script, beside a hostile one', plain)
    await add('with a script, beside a hostile one', scripted)
    aborter.abort()
    await Promise.all(attacks)
  }
  const rows = Object.fromEntries(Object.entries(times).map(([name, values]) => [name, summarise(values)]))
  printTable(rows, 'µs')
  for (const kind of ['no script', 'with a script']) {
    const [calm, beside] = ['calm', 'beside a hostile one'].map((when) => rows[`${kind}, ${when}`])
    const ratio = (of: 'median' | 'p99') => ((beside?.[of] ?? 0) / (calm?.[of] ?? 1)).toFixed(2)
    console.log(`${kind}: ${ratio('median')} of the calm median, ${ratio('p99')} of the calm p99`)
  }
} finally {
  await runtime.stop()
  await postgres.stop()
}

async function measureStarts(services: RuntimeService[]): Promise<void> {
  const times: Record<string, number[]> = { cold: [], spare: [], second: [] }
  for (const [index, service] of services.entries()) {
    // The first half come one after the other, faster than spares are made.
    if (index >= STARTS / 2) await pause(SPARE_MS)
    times[index < STARTS / 2 ? 'cold' : 'spare']?.push(await insert(service))
  }
  await pause(SPARE_MS)
  for (const service of services) times.second?.push(await insert(service))
  const bare: number[] = []
  for (let index = 0; index < STARTS / 2; index += 1) {
    const startedAt = performance.now()
    spawnSync(process.execPath, ['-e', '0'])
    bare.push((performance.now() - startedAt) * 1_000)
  }
  printTable(
    {
      'for comparison: node -e 0': summarise(bare),
      'first request, nothing runs yet': summarise(times.cold ?? []),
      'first request, a spare is there': summarise(times.spare ?? []),
      'second request': summarise(times.second ?? []),
    },
    'µs',
  )
  const sandboxes = childrenOf(runtime.pid).map((pid) => treeOf(pid).reduce((sum, one) => sum + memoryOf(one), 0))
  const { n, median, max } = summarise(sandboxes.map((bytes) => bytes / 1_048_576))
  console.log(`${n} sandboxes: median ${median} MiB, at most ${max} MiB (proportional set size)`)
}

/** Times in µs of requests that come at their own pace, whoever is still waiting. */
async function measure(service: RuntimeService): Promise<number[]> {
  const running: Promise<number>[] = []
  for (let index = 0; index < REQUESTS; index += 1) {
    running.push(insert(service))
    await pause(EVERY_MS)
  }
  return await Promise.all(running)
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
