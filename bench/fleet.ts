// Many services on one server: what each costs idle, how soon a dead region shows, how long all their recoveries take.
// Usage: npm run bench:fleet -- [services ...]      default: 1 20 100 200
import { parseArgs } from 'node:util'
import type { OperationView } from '../src/contract/api.ts'
import { pause, waitFor } from '../src/kit/clock.ts'
import { memoryOf, treeOf } from '../src/kit/processes.ts'
import { TestCloud } from '../tests/support/cloud.ts'
import { printTable, type Summary, summarise } from './statistics.ts'

const SIZES_DEFAULT = [1, 20, 100, 200]
const CREATE_AT_ONCE = 10
const OPERATION_MS_MAX = 600_000
const SHOWN_MS_MAX = 60_000
const MIB = 1_048_576
const SETTLE_MS = 15_000

type Found = {
  services: number
  /** Of all after the first pair, each with its table and nothing asked of it; null for one pair. */
  memoryPerServiceMiB: number | null
  firstUnhealthyMs: number
  allUnhealthyMs: number
  /** Of each operation, by control's own clock. */
  recoveryMs: number[]
  allRecoveredMs: number
  steps: OperationView['steps'][]
  missing: number
}

const { positionals } = parseArgs({ allowPositionals: true })
const sizes = positionals.length > 0 ? positionals.map(Number) : SIZES_DEFAULT
const found: Found[] = []
for (const size of sizes) {
  found.push(await measure(size))
  const { recoveryMs: _all, steps: _steps, ...short } = found.at(-1) as Found
  console.error(JSON.stringify(short))
}
report()

async function measure(size: number): Promise<Found> {
  const cloud = await TestCloud.start()
  try {
    for (const region of ['West US', 'East US']) await cloud.ok(['region', 'set', region, '--shared-slots', '1000'])
    const names = Array.from({ length: size }, (_, index) => `Fleet${index}`)
    await createPairs(cloud, names.slice(0, 1))
    const oneBytes = await settledMemory(cloud)
    await createPairs(cloud, names.slice(1))
    const allBytes = await settledMemory(cloud)
    const memoryPerServiceMiB = size === 1 ? null : (allBytes - oneBytes) / MIB / (2 * (size - 1))
    await cloud.untilProtected('sql-west-us')

    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    const killedAt = performance.now()
    const firstUnhealthyMs = await untilUnhealthy(cloud, names, 1, killedAt)
    const allUnhealthyMs = await untilUnhealthy(cloud, names, size, killedAt)

    const startedAt = performance.now()
    const ended = await operateAll(cloud, names, async (name) => {
      return await cloud.call('POST', `/services/${name}/recover`, { secondary: `${name}-2` })
    })
    const allRecoveredMs = performance.now() - startedAt
    let missing = 0
    for (const name of names) if ((await cloud.readIds(await cloud.service(name))).length !== 1) missing += 1
    return {
      services: size,
      memoryPerServiceMiB,
      firstUnhealthyMs,
      allUnhealthyMs,
      recoveryMs: ended.map(({ startedAt: from, finishedAt: to }) => Date.parse(to ?? '') - Date.parse(from)),
      allRecoveredMs,
      steps: ended.map(({ steps }) => steps),
      missing,
    }
  } finally {
    await cloud.dispose()
  }
}

async function createPairs(cloud: TestCloud, names: string[]): Promise<void> {
  await operateAll(cloud, names, async (name) => await cloud.call('POST', '/services', { name, location: 'West US' }))
  await operateAll(cloud, names, async (name) => {
    const secondary = { name: `${name}-2`, location: 'East US', secondaryFor: name }
    return await cloud.call('POST', '/services', secondary)
  })
  for (const name of names) await addRow(cloud, name)
}

// Begins one operation for each name, some at a time, and waits for them all. Whatever does not succeed ends the bench.
async function operateAll(
  cloud: TestCloud,
  names: string[],
  begin: (name: string) => Promise<{ status: number; body: { id?: string } }>,
): Promise<OperationView[]> {
  const ids: string[] = []
  const waiting = [...names]
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const { status, body } = await begin(name)
      if (status !== 202 || body.id === undefined) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`)
      ids.push(body.id)
    }
  }
  await Promise.all(Array.from({ length: CREATE_AT_ONCE }, work))
  const ended: OperationView[] = []
  for (const id of ids) {
    const isEnded = async () => {
      const operation = await cloud.operation(id)
      return operation.state === 'running' ? undefined : operation
    }
    const operation = await waitFor(`operation ${id}`, isEnded, { withinMs: OPERATION_MS_MAX, everyMs: 50 })
    if (operation.state !== 'succeeded') throw new Error(`${operation.service}: ${JSON.stringify(operation.error)}`)
    ended.push(operation)
  }
  return ended
}

async function addRow(cloud: TestCloud, name: string): Promise<void> {
  const { status } = await cloud.call('POST', `/services/${name}/tables`, { name: 'TodoItem' })
  const service = await cloud.service(name)
  const acknowledged = await cloud.insertRows(service, ['row'])
  if (status !== 201 || acknowledged.length !== 1) throw new Error(`${name}: no row was taken`)
}

async function untilUnhealthy(cloud: TestCloud, names: string[], count: number, since: number): Promise<number> {
  const wanted = new Set(names)
  const isShown = async () => {
    const { services } = await cloud.status()
    const lost = services.filter(({ name, health }) => wanted.has(name) && health.state === 'Unhealthy')
    return lost.length >= count ? true : undefined
  }
  await waitFor(`${count} to be Unhealthy`, isShown, { withinMs: SHOWN_MS_MAX, everyMs: 20 })
  return performance.now() - since
}

// Proportional set size of every process of the cloud: what is shared is counted once.
async function settledMemory(cloud: TestCloud): Promise<number> {
  await pause(SETTLE_MS)
  const pids = new Set([cloud.pid, ...cloud.processes()].flatMap((pid) => treeOf(pid)))
  return [...pids].reduce((sum, pid) => sum + memoryOf(pid), 0)
}

function report(): void {
  const rows: Record<string, Summary> = {}
  for (const { services, recoveryMs, steps } of found) {
    rows[`recover, ${services} at once`] = summarise(recoveryMs)
    for (const { name } of steps[0] ?? []) {
      const times = steps.flatMap((all) => all.filter((step) => step.name === name)).map(({ ms }) => ms ?? 0)
      rows[`… its step ${name}, ${services} at once`] = summarise(times)
    }
  }
  printTable(rows, 'ms')
  console.log(
    '\n| services | first Unhealthy ms | all Unhealthy ms | all recovered ms | MiB per idle service | without their row |',
  )
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const one of found) {
    const times = [one.firstUnhealthyMs, one.allUnhealthyMs, one.allRecoveredMs].map(Math.round).join(' | ')
    console.log(`| ${one.services} | ${times} | ${one.memoryPerServiceMiB?.toFixed(2) ?? ''} | ${one.missing} |`)
  }
}
