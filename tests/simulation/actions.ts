// What happens to a simulated cloud: faults, and orders of operators, each applied at its moment.
import { beginCreate, beginDelete, beginRecover, setSlots } from './commands.ts'
import type { SimHost } from './host.ts'
import type { World } from './world.ts'

export const FAULTS = [
  'kill host',
  'kill guard',
  'kill runtime',
  'kill postgres',
  'kill region',
  'kill control',
  'kill gateway',
  'pause host',
  'pause guard',
  'pause runtime',
  'pause postgres',
  'pause machine',
  'pause control',
  'cut one way',
  'cut off',
  'compute down',
  'arm control',
  'arm host',
] as const
export const ORDERS = ['create', 'create secondary', 'delete', 'recover', 'force', 'set slots'] as const

type Fault = (typeof FAULTS)[number]
type Order = (typeof ORDERS)[number]
/** `who` chooses among hosts, servers or services; `ms` is how long a fault lasts. */
export type Action = { at: number; kind: Fault | Order; who: number; ms: number }

/** Applies an action; what lasts ends after `leftMs` at the latest. */
export function apply(world: World, action: Action, leftMs: number): void {
  const { kind, who } = action
  const host = chosen(world.hosts, who)
  if (!host) return
  if (isOrder(kind)) order(world, kind, who)
  else
    breakSomething(world, host, { ...action, kind, ms: kind === 'kill region' ? leftMs : Math.min(action.ms, leftMs) })
}

/** An action in words. */
export function describe({ kind, who, ms }: Action): string {
  return `${kind} (${who}) for ${Math.round(ms)} ms`
}

function isOrder(kind: Action['kind']): kind is Order {
  return ORDERS.some((order) => order === kind)
}

function breakSomething(world: World, host: SimHost, fault: { kind: Fault; who: number; ms: number }): void {
  const { kind, who, ms } = fault
  const { control, network } = world
  const postgres = host.postgres(chosen(control.rows.servers, who)?.name ?? '')
  const until = world.scheduler.now + ms
  // The worst moment for a pause is while something is being written.
  if (kind.startsWith('pause')) for (const { name } of control.rows.living) world.write(name)
  const faults: Record<Fault, () => void> = {
    'kill host': () => world.killHost(host),
    'kill guard': () => host.guard.kill(),
    'kill runtime': () => world.holdRuntimeDown(host, 300),
    'compute down': () => world.holdRuntimeDown(host, ms),
    'kill postgres': () => postgres.stop(),
    'kill region': () => world.killRegion(host, ms),
    'kill control': () => world.killControl(ms),
    'kill gateway': () => world.killGateway(),
    'pause host': () => world.pause(host.actor, ms),
    'pause guard': () => world.pause(host.guard.actor, ms),
    'pause runtime': () => world.pause(host.runtime.actor, ms),
    'pause control': () => world.pause(control.actor, ms),
    'pause postgres': () => {
      postgres.pausedUntil = until
    },
    'pause machine': () => {
      for (const actor of [host.actor, host.guard.actor, host.runtime.actor]) world.pause(actor, ms)
      for (const { name } of control.rows.servers) host.postgres(name).pausedUntil = until
    },
    'cut one way': () => network.cut(host.name, chosen(world.othersOf(host), who) ?? '', until),
    'cut off': () => {
      for (const other of world.othersOf(host)) {
        network.cut(host.name, other, until)
        network.cut(other, host.name, until)
      }
    },
    'arm control': () => {
      control.isArmed = true
    },
    'arm host': () => {
      host.isArmed = true
    },
  }
  faults[kind]()
}

function order(world: World, kind: Order, who: number): void {
  const { control } = world
  const living = control.rows.living
  const primaries = living.filter((one) => living.some((other) => other.secondary_for === one.id))
  const region = chosen(world.hosts, who)?.name ?? ''
  const orders: Record<Order, () => void> = {
    create: () => {
      world.command(() => {
        const name = `n${control.rows.services.length}`
        return beginCreate(control, { name, region, mode: 'shared', units: 1, secondaryFor: null })
      })
    },
    'create secondary': () => {
      const bare = living.filter((one) => one.secondary_for === null && !primaries.includes(one))
      const target = chosen(bare, who)
      if (!target) return
      const { mode, units, name: secondaryFor } = target
      const name = `x${control.rows.services.length}`
      world.command(() => beginCreate(control, { name, region, mode, units, secondaryFor }))
    },
    delete: () => {
      const target = chosen(living, who)
      if (target) world.command(() => beginDelete(control, target.name))
    },
    'set slots': () => {
      world.command(() => {
        setSlots(control, region, who % 7)
        return undefined
      })
    },
    recover: () => recover(world, chosen(primaries, who)?.name, { isForced: false, who }),
    force: () => recover(world, chosen(primaries, who)?.name, { isForced: true, who }),
  }
  orders[kind]()
}

// An operator who is refused tries again for a while; now and then two do so at once.
function recover(world: World, primary: string | undefined, how: { isForced: boolean; who: number }): void {
  const { living } = world.control.rows
  const service = living.find((one) => one.name === primary)
  const secondary = service && living.find((one) => one.secondary_for === service.id)
  if (!secondary) return
  const wanted = { primary: service.name, secondary: secondary.name, isForced: how.isForced }
  const everyMs = how.who % 4 === 0 ? 400 : 900
  for (let time = 0; time < 12_000; time += everyMs) {
    world.scheduler.after(null, time, () => world.command(() => beginRecover(world.control, wanted)))
  }
}

function chosen<T>(list: T[], who: number): T | undefined {
  return list[who % Math.max(1, list.length)]
}
