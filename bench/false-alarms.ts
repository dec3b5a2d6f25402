// A cloud on a machine that is far too busy, whose processes stand still now and then: nothing is lost, so nothing may
// be called Unhealthy. Usage: npm run bench:false-alarms -- [minutes]      default: 30
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { pause } from '../src/kit/clock.ts'
import { findProcesses, signalProcess } from '../src/kit/processes.ts'
import { TestCloud } from '../tests/support/cloud.ts'
import { startWriters } from './writers.ts'

const MINUTES_DEFAULT = 30
const PAUSE_MS = 2_000
const BETWEEN_PAUSES_MS = 10_000
const LOOK_EVERY_MS = 200

const { positionals } = parseArgs({ allowPositionals: true })
const minutes = Number(positionals[0] ?? MINUTES_DEFAULT)
const cloud = await TestCloud.start('pair')
const burners: ChildProcess[] = []
const alarms: string[] = []
const told = new Set<string>()
let lastPaused = 'nothing'
const counts = { pauses: 0, looks: 0, unanswered: 0, degraded: 0 }
try {
  const primary = await cloud.service('PrimaryService')
  const ledger = startWriters(cloud, primary, 2)
  for (let core = 0; core < availableParallelism(); core += 1) {
    burners.push(spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }))
  }
  const aborter = new AbortController()
  const watching = watch(aborter.signal)
  const until = performance.now() + minutes * 60_000
  while (performance.now() < until) {
    await pause(BETWEEN_PAUSES_MS)
    await standStill()
  }
  aborter.abort()
  await watching
  await ledger.stop()
  const rows = new Set(await cloud.readIds(primary))
  const lost = ledger.acknowledged.filter((id) => !rows.has(id)).length
  const burnt = `${burners.length} busy loops on ${availableParallelism()} cores`
  console.log(`${minutes} minutes, ${burnt}, ${counts.pauses} pauses of ${PAUSE_MS} ms`)
  console.log(`${counts.looks} looks: ${alarms.length} false Unhealthy, ${counts.degraded} Degraded`)
  console.log(`${counts.unanswered} looks got no answer from control`)
  console.log(
    `lost ${lost} of ${ledger.acknowledged.length} acknowledged writes; longest gap ${Math.round(ledger.longestGapMs())} ms`,
  )
  process.exitCode = alarms.length === 0 && lost === 0 ? 0 : 1
} finally {
  for (const burner of burners) burner.kill('SIGKILL')
  await cloud.dispose()
}

// One role, or everything that belongs to a region, as when its virtual machine is moved.
async function standStill(): Promise<void> {
  const choices: Record<string, () => number[]> = {
    control: () => [cloud.rolePid('control')],
    gateway: () => [cloud.rolePid('gateway')],
    'the host of West US': () => [cloud.rolePid('west-us')],
    'the host of East US': () => [cloud.rolePid('east-us')],
    'all of West US': () => findProcesses(cloud.home, '/hosts/west-us'),
    'all of East US': () => findProcesses(cloud.home, '/hosts/east-us'),
  }
  const names = Object.keys(choices)
  lastPaused = names[counts.pauses % names.length] ?? ''
  const pids = choices[lastPaused]?.() ?? []
  counts.pauses += 1
  for (const pid of pids) signalProcess(pid, 'SIGSTOP')
  try {
    await pause(PAUSE_MS)
  } finally {
    for (const pid of pids) signalProcess(pid, 'SIGCONT')
  }
}

async function watch(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(LOOK_EVERY_MS)
    try {
      const { services, regions } = await cloud.status()
      counts.looks += 1
      for (const { name, health } of [...services, ...regions]) {
        if (health.state === 'Degraded') counts.degraded += 1
        if (health.state !== 'Unhealthy' || told.has(`${name} ${health.since}`)) continue
        told.add(`${name} ${health.since}`)
        const paused = `${counts.pauses} pauses so far, the last of ${lastPaused}`
        alarms.push(`${new Date().toISOString()} ${name}: ${health.cause} ${health.evidence.join('; ')} (${paused})`)
        console.error(alarms.at(-1))
      }
    } catch {
      counts.unanswered += 1
    }
  }
}
