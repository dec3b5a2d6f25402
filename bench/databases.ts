// What planned moves and synchronous commits cost the apps: how long requests are held, and how long an insert takes.
// Usage: npm run bench:databases -- [moves]
import type { OperationView, ServiceView } from '../src/contract/api.ts'
import { TestCloud } from '../tests/support/cloud.ts'
import { SteadyWriters } from '../tests/support/steady-writers.ts'
import { measureDistances } from './distance.ts'
import { printTable, type Summary, summarise } from './statistics.ts'

const WRITERS = 4
const MOVES_DEFAULT = 20
const INSERTS = 2_000
// One region's two halves, and two coasts.
const DISTANCES_MS = [0, 35]
const SERVER = 'sql-west-us'

const moves = Number(process.argv[2] ?? MOVES_DEFAULT)
const rows: Record<string, Summary> = {}
const cloud = await TestCloud.start('pair')
try {
  const service = await cloud.service('PrimaryService')
  await measureMoves(service)
  rows['insert, asynchronous standby'] = summarise(await measureInserts(service, 'async'))
  await cloud.ok(['sql', 'server', 'protect', SERVER, '--protection', 'sync'])
  rows['insert, synchronous standby'] = summarise(await measureInserts(service, 'sync'))
} finally {
  await cloud.dispose()
}
Object.assign(rows, await measureDistances(DISTANCES_MS))
printTable(rows, 'ms')

// Under load, there and back: held as control counts it, and the longest that a writer waited for one answer.
async function measureMoves(service: ServiceView): Promise<void> {
  const [held, longest, commands]: number[][] = [[], [], []]
  let [failed, acknowledged] = [0, 0]
  for (let number = 1; number <= moves; number += 1) {
    const writers = SteadyWriters.start(cloud, service, WRITERS)
    await writers.untilWritten(50)
    const startedAt = performance.now()
    const { steps } = await cloud.json<OperationView>(['mobile', 'switchover', 'PrimaryService'])
    commands?.push(performance.now() - startedAt)
    await writers.untilWritten(50)
    const written = await writers.stop()
    held?.push(Number(/held for (\d+) ms/.exec(steps.find(({ name }) => name === 'release')?.detail ?? '')?.[1]))
    longest?.push(written.longestMs)
    failed += written.failed.length
    acknowledged += written.acknowledged.length
    await cloud.untilProtected(SERVER)
  }
  rows['switchover: requests held'] = summarise(held ?? [])
  rows['switchover: longest answer of a writer'] = summarise(longest ?? [])
  rows['switchover: the whole command'] = summarise(commands ?? [])
  const there = new Set(await cloud.readIds(service))
  console.log(`${failed} failed requests, ${acknowledged} acknowledged writes, ${there.size} rows in the table`)
}

async function measureInserts(service: ServiceView, prefix: string): Promise<number[]> {
  const times: number[] = []
  for (let number = 0; number < INSERTS; number += 1) {
    const startedAt = performance.now()
    await cloud.insertRows(service, [`${prefix}-${number}`])
    times.push(performance.now() - startedAt)
  }
  // The first ones warm up connections and plans.
  return times.slice(INSERTS / 10)
}
