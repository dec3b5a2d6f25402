// A scenario: a seed, a cloud, and what happens to it at which moment. Made by chance, run again by its seed, cut down
// to what is needed when it fails.
import { type Action, apply, describe, FAULTS, ORDERS } from './actions.ts'
import { beginRecover } from './commands.ts'
import { build } from './first-state.ts'
import { type Random, randomFrom } from './random.ts'
import { World, type WorldOptions } from './world.ts'

export type Scenario = { seed: number; regions: number; slots: number; units: number; loss: number; actions: Action[] }

const PAUSE_MS_MAX = 30_000
const STEP_MS = 100
const SETTLE_MS_MAX = 180_000

/** The scenario of a seed. */
export function makeScenario(seed: number): Scenario {
  const random = randomFrom(seed ^ 0x5eed)
  const endMs = random.between(8_000, 30_000)
  const disaster = random.chance(0.7) ? makeDisaster(random, endMs) : []
  const actions = [...disaster, ...Array.from({ length: 2 + random.below(7) }, () => makeAction(random, endMs))]
  actions.sort((left, right) => left.at - right.at)
  const loss = random.chance(0.4) ? random.between(0, 0.25) : 0
  return { seed, regions: random.chance(0.7) ? 2 : 3, slots: 2 + random.below(4), units: 5, loss, actions }
}

// What the product is for: a region is lost, and a few seconds later somebody types the command.
function makeDisaster(random: Random, endMs: number): Action[] {
  const at = random.between(500, endMs / 2)
  const who = random.below(64)
  const kind = random.pick(['kill region', 'cut off', 'cut off', 'pause machine', 'compute down'] as const)
  const recover = { kind: 'recover' as const, ms: 0 }
  const recoveries = Array.from({ length: 1 + random.below(3) }, (_, index) => {
    return { ...recover, at: at + random.between(3_000, 6_000), who: who + index * random.below(4) }
  })
  return [{ at, kind, who, ms: random.between(8_000, PAUSE_MS_MAX) }, ...recoveries]
}

function makeAction(random: Random, endMs: number): Action {
  const kind = random.chance(0.55)
    ? random.pick(FAULTS)
    : random.pick([...ORDERS, 'create', 'create', 'recover'] as const)
  // Most troubles are short; some are as long as the product promises to bear.
  const ms = random.chance(0.3) ? random.between(5_000, PAUSE_MS_MAX) : random.between(50, 5_000)
  return { at: random.between(500, endMs), kind, who: random.below(64), ms }
}

export type Run = { world: World; violation: string | null; history: string[] }

/** Runs a scenario to its end. */
export function runScenario(scenario: Scenario, options: WorldOptions = {}): Run {
  const world = new World(scenario.seed, options)
  const history: string[] = []
  const run = (until: number) => world.scheduler.runUntil(until, () => {})
  const last = scenario.actions.at(-1)?.at ?? 0
  const settleAt = last + 6_000
  try {
    build(world, scenario)
    // A few quiet seconds first, in which the leases are armed.
    run(2_000)
    world.network.loss = scenario.loss
    let next = 0
    for (let now = 2_000; now < 2_000 + settleAt; now += STEP_MS) {
      for (;;) {
        const action = scenario.actions[next]
        if (!action || action.at + 2_000 > now) break
        history.push(`${(now / 1_000).toFixed(1)} s: ${describe(action)}`)
        apply(world, action, 2_000 + settleAt - now)
        next += 1
      }
      world.write()
      run(now)
    }
    settle(world, 2_000 + settleAt)
    return { world, violation: null, history }
  } catch (error) {
    const at = `${(world.scheduler.now / 1_000).toFixed(2)} s`
    return { world, violation: `${at}: ${error instanceof Error ? (error.stack ?? error.message) : error}`, history }
  }
}

/** The same failure with as few actions as possible. */
export function shrink(scenario: Scenario, options: WorldOptions = {}): Scenario {
  let best = scenario
  const fails = (actions: Action[]) => runScenario({ ...best, actions }, options).violation !== null
  for (let size = Math.ceil(best.actions.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < best.actions.length; ) {
      const actions = best.actions.filter((_, index) => index < from || index >= from + size)
      if (fails(actions)) best = { ...best, actions }
      else from += size
    }
  }
  return best
}

// The faults are over: everything comes back, operators type what they are told, and then nothing may be left undone.
function settle(world: World, from: number): void {
  world.network.heal()
  world.control.isArmed = false
  for (const host of world.hosts) host.isArmed = false
  const { rows } = world.control
  let unsettled: string | null = 'not looked at yet'
  for (let now = from; now < from + SETTLE_MS_MAX; now += 1_000) {
    for (const operation of rows.operations.values()) {
      if (operation.state !== 'needs_you' || !operation.next) continue
      const [primary = '', secondary = ''] = operation.next.split(' ').slice(3)
      world.command(() => beginRecover(world.control, { primary, secondary, isForced: false }))
    }
    world.write()
    world.scheduler.runUntil(now, () => {})
    unsettled = world.invariants.findUnsettled()
    if (unsettled === null && now > from + 3_000) break
  }
  if (unsettled !== null) throw new Error(`stuck after the faults: ${unsettled}`)
  for (const id of world.acknowledged) {
    if (!rows.operations.has(id)) throw new Error(`${id} was acknowledged and is not there`)
  }
}
