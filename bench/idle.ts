// What a cloud costs that nobody uses: first start, later start, memory and CPU of every process.
// Usage: npm run bench:idle

import { readFileSync } from 'node:fs'
import { pause } from '../src/kit/clock.ts'
import { memoryOf, treeOf } from '../src/kit/processes.ts'
import { TestCloud } from '../tests/support/cloud.ts'

const SETTLE_MS = 15_000
const WATCH_MS = 20_000
const TICKS_PER_SECOND = 100

const cloud = await TestCloud.prepare()
try {
  const first = await cloud.up()
  await cloud.down()
  const later = await cloud.up()
  await pause(SETTLE_MS)
  const pids = new Set([cloud.pid, ...cloud.processes()].flatMap((pid) => treeOf(pid)))
  const before = sum(pids, cpuTicks)
  await pause(WATCH_MS)
  const ticks = sum(pids, cpuTicks) - before
  const memory = sum(pids, memoryOf)
  console.log(`first start ${(first / 1000).toFixed(1)} s, later start ${(later / 1000).toFixed(1)} s`)
  console.log(`${pids.size} processes, ${Math.round(memory / 1_048_576)} MiB (proportional set size)`)
  console.log(`${((ticks / TICKS_PER_SECOND / (WATCH_MS / 1000)) * 100).toFixed(0)} % of one core while idle`)
  for (const pid of pids) {
    if (memoryOf(pid) < 20 * 1_048_576) continue
    console.log(
      `  ${Math.round(memoryOf(pid) / 1_048_576)} MiB ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(1, 4).join(' ')}`,
    )
  }
} finally {
  await cloud.dispose()
}

function sum(pids: Set<number>, of: (pid: number) => number): number {
  return [...pids].reduce((total, pid) => total + of(pid), 0)
}

function cpuTicks(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  } catch {
    return 0
  }
}
