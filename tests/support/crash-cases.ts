// Crashes at a named point: the point is armed, a command is given, a process dies, and then all must come right.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OperationView, ServiceView } from '../../src/contract/api.ts'
import { findPostmaster } from '../../src/databases/cluster.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { postgresFolderOf } from '../../src/kit/home-folder.ts'
import { findProcesses, signalProcess } from '../../src/kit/processes.ts'
import type { TestCloud } from './cloud.ts'
import type { CliResult } from './command-line.ts'
import type { FaultPoints } from './fault-points.ts'

/** Who dies: the process that reached the point, or another one while that one stands still. */
export const VICTIMS = [
  'self',
  'control',
  'gateway',
  'west-us',
  'east-us',
  'guard',
  'runtime',
  'postgres',
  'control-postgres',
] as const
export type Victim = (typeof VICTIMS)[number]
export type Crash = { point: string; victim: Victim }

const COMING_BACK_MS_MAX = 60_000
const SETTLE_MS_MAX = 120_000
const MOVE_TRIES = 3
/** Of a planned move that was put back for the time that requests would have waited. */
export const TOO_SLOW = 'requests would have had to wait for too long, so all was put back'

/**
 * Runs a command with a point armed. Returns its result, and whether the point was reached. A planned move that was put
 * back before it got there, since requests would have had to wait too long on a busy machine, is given again, as its
 * hint says.
 */
export async function crashDuring(
  cloud: TestCloud,
  points: FaultPoints,
  crash: Crash & { region: string; server: string },
  command: () => Promise<CliResult>,
): Promise<{ result: CliResult; isReached: boolean }> {
  for (let triesLeft = MOVE_TRIES; ; triesLeft -= 1) {
    const tried = await crashOnce(cloud, points, crash, command)
    const isTooSlow = !tried.isReached && tried.result.stderr.includes(TOO_SLOW)
    if (!isTooSlow || triesLeft === 1) return tried
    const { members } = await cloud.server(crash.server)
    if (members.length > 1) await cloud.untilProtected(crash.server)
  }
}

async function crashOnce(
  cloud: TestCloud,
  points: FaultPoints,
  crash: Crash & { region: string; server: string },
  command: () => Promise<CliResult>,
): Promise<{ result: CliResult; isReached: boolean }> {
  await points.arm(crash.point, crash.victim === 'self' ? 'kill' : 'stop')
  let isOver = false
  const running = command().finally(() => {
    isOver = true
  })
  let pid = await points.hitBy(crash.point)
  while (pid === null && !isOver) {
    await pause(5)
    pid = await points.hitBy(crash.point)
  }
  if (pid !== null && crash.victim !== 'self') {
    await killVictims(cloud, crash, pid)
  }
  const result = await running
  await points.disarm()
  return { result, isReached: pid !== null }
}

/** Kills the victims while the process that reached the point stands still, and lets that one go on. */
export async function killVictims(
  cloud: TestCloud,
  crash: { victim: Victim; region: string; server: string },
  standing: number,
): Promise<void> {
  await untilStopped(standing)
  const victims = await victimsOf(cloud, crash)
  for (const victim of victims) signalProcess(victim, 'SIGKILL')
  signalProcess(standing, 'SIGCONT')
  assert.ok(victims.length > 0, `no process of ${crash.victim} was there to be killed`)
}

// It has said that it will stop; continued before it did, it would stand still for ever.
async function untilStopped(pid: number): Promise<void> {
  const isStopped = () => (/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')) ? true : undefined)
  await waitFor(`process ${pid} to stop`, isStopped, { withinMs: 10_000, everyMs: 1 })
}

/** The processes that a victim's name means, as far as they run. */
export async function victimsOf(
  cloud: TestCloud,
  crash: { victim: Victim; region: string; server: string },
): Promise<number[]> {
  const host = join(cloud.home, 'hosts', crash.region)
  switch (crash.victim) {
    case 'self':
      return []
    case 'control':
    case 'gateway':
    case 'west-us':
    case 'east-us': {
      const words = crash.victim.endsWith('-us') ? ['mjs host ', `/hosts/${crash.victim}`] : [`mjs ${crash.victim} `]
      return findProcesses(cloud.home, ...words)
    }
    case 'guard':
    case 'runtime':
      return findProcesses(`mjs ${crash.victim} `, host)
    case 'postgres':
      return postmasterIn(join(await postgresFolderOf(host), crash.server))
    case 'control-postgres':
      return postmasterIn(join(await postgresFolderOf(cloud.home), 'control'))
  }
}

function postmasterIn(folder: string): number[] {
  const pid = findPostmaster(join(folder, 'data'))
  return pid === null ? [] : [pid]
}

/**
 * Waits until nothing is under way any more. Every operation is finished, rolled back, or says what to type; that is
 * typed and must work. Until then no secondary may be gone whose primary has not passed its proof.
 */
export async function settle(cloud: TestCloud): Promise<OperationView[]> {
  await waitFor('control', async () => (await cloud.status().catch(() => null)) ?? undefined, {
    withinMs: COMING_BACK_MS_MAX,
    everyMs: 100,
  })
  for (let round = 0; ; round += 1) {
    const all = await untilEnded(cloud)
    // What moved was then verified by itself: it may have found nobody to ask, but nothing that is wrong.
    const checks = all.filter(({ kind }) => kind === 'verify_service')
    assert.deepEqual(
      checks.filter(({ error }) => error?.code === 'verify.found'),
      [],
    )
    const operations = all.filter(({ kind }) => kind !== 'verify_service')
    const stopped = operations.filter((operation) => operation.state === 'needs_you')
    if (stopped.length === 0) {
      await requireNothingClaimed(cloud)
      return operations
    }
    assert.ok(round < 3, `still needs a person: ${JSON.stringify(stopped)}`)
    for (const { next, id } of stopped) {
      assert.match(next ?? '', /^mainstay /, `operation ${id} stopped without saying what to do`)
      await cloud.cli([...(next ?? '').split(' ').slice(1), '-q'])
    }
  }
}

async function untilEnded(cloud: TestCloud): Promise<OperationView[]> {
  return await waitFor(
    'every operation to end',
    async () => {
      const operations = await cloud.api<OperationView[]>('/operations').catch(() => null)
      if (!operations) return undefined
      for (const operation of operations) await requireNotConsumedEarly(cloud, operation)
      return operations.every(({ state }) => state !== 'running') ? operations : undefined
    },
    { withinMs: SETTLE_MS_MAX, everyMs: 100 },
  )
}

async function requireNotConsumedEarly(cloud: TestCloud, operation: OperationView): Promise<void> {
  if (operation.kind !== 'recover' || operation.state !== 'running' || !operation.plan) return
  if (operation.steps.find((step) => step.name === 'prove')?.state === 'done') return
  const services = await cloud.api<ServiceView[]>('/services').catch(() => null)
  if (!services) return
  const secondary = operation.plan.secondary
  const now = await cloud.operation(operation.id).catch(() => operation)
  if (now.steps.find((step) => step.name === 'prove')?.state === 'done') return
  assert.ok(
    services.some(({ name }) => name === secondary),
    `'${secondary}' was given up before the proof`,
  )
}

async function requireNothingClaimed(cloud: TestCloud): Promise<void> {
  const services = await cloud.api<ServiceView[]>('/services')
  const claimed = services.filter((service) => service.operation !== null).map(({ name }) => name)
  assert.deepEqual(claimed, [], 'services are claimed by operations that are over')
}
