import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Capacity,
  findRoom,
  type Holder,
  holdingsOf,
  type RegionRoom,
  requireNotBelowUse,
  type Size,
  shortageOf,
  usageOf,
} from './ledger.ts'
import { offerOf } from './offer.ts'

const WEST = { region: 'west-us', machine: 'west-us-1' }
const EAST = { region: 'east-us', machine: 'east-us-1' }
const one = (given: Partial<Holder>): Holder => ({
  ...WEST,
  id: 'a',
  mode: 'reserved',
  units: 2,
  also: null,
  move: null,
  ...given,
})
const room = (set: Capacity | null, machines = ['west-us-1']): RegionRoom => {
  const hosts = machines.map((machine) => ({ machine, isReporting: true, offer: {} }))
  return { name: 'West US', slug: 'west-us', offer: offerOf(set, hosts) }
}
const FOUR = { reservedUnits: 4, sharedSlots: 20 }

test('counts units of reserved services and slots of shared ones, per region', () => {
  const holdings = holdingsOf([one({}), one({ id: 'b', mode: 'shared', units: 1 }), one({ id: 'c', ...EAST })])
  assert.deepEqual(usageOf({ region: 'west-us' }, holdings), { reservedUnits: 2, sharedSlots: 1 })
})

test('counts a service that is being scaled in both of its shapes', () => {
  const holdings = holdingsOf([one({ mode: 'shared', units: 1, also: { mode: 'reserved', units: 3 } })])
  assert.deepEqual(usageOf({ region: 'west-us' }, holdings), { reservedUnits: 3, sharedSlots: 1 })
})

const sumOf = ({ reservedUnits, sharedSlots }: Capacity) => reservedUnits + sharedSlots
const recovered = (size: Size) => one({ id: 'p', ...size, move: { secondaryId: 's', from: WEST, to: EAST } })

test('a recovering service keeps its old place, since it may go back, and stands on its secondary in the new one', () => {
  const secondary = one({ id: 's', ...EAST, units: 3 })
  const holdings = holdingsOf([recovered({ mode: 'reserved', units: 2 }), secondary])
  assert.deepEqual(usageOf({ region: 'west-us' }, holdings), { reservedUnits: 2, sharedSlots: 0 })
  assert.deepEqual(usageOf({ region: 'east-us' }, holdings), { reservedUnits: 3, sharedSlots: 0 })
})

test('a shared service on a reserved secondary holds a slot of its own in the new place from the start', () => {
  const secondary = one({ id: 's', ...EAST, units: 1 })
  const holdings = holdingsOf([recovered({ mode: 'shared', units: 1 }), secondary])
  assert.deepEqual(usageOf({ region: 'east-us' }, holdings), { reservedUnits: 1, sharedSlots: 1 })
})

test('a service that moves as planned keeps room for a larger secondary that goes the other way', () => {
  const returning: Size = { mode: 'reserved', units: 1 }
  const mover = one({
    id: 'p',
    mode: 'reserved',
    units: 2,
    move: { secondaryId: 's', from: WEST, to: EAST, returning },
  })
  const holdings = holdingsOf([mover, one({ id: 's', ...EAST, units: 3 })])
  assert.deepEqual(usageOf({ region: 'west-us' }, holdings), { reservedUnits: 3, sharedSlots: 0 })
  assert.deepEqual(usageOf({ region: 'east-us' }, holdings), { reservedUnits: 3, sharedSlots: 0 })
})

test('a service that moves onto free room holds both places, and only its own once its secondary is given up', () => {
  const free = holdingsOf([one({ id: 'p', move: { secondaryId: null, from: WEST, to: EAST } })])
  assert.deepEqual([usageOf({ region: 'west-us' }, free), usageOf({ region: 'east-us' }, free)].map(sumOf), [2, 2])
  const over = holdingsOf([one({ id: 'p', ...EAST, move: { secondaryId: 'gone', from: WEST, to: EAST } })])
  assert.deepEqual([usageOf({ region: 'west-us' }, over), usageOf({ region: 'east-us' }, over)].map(sumOf), [0, 2])
})

test('refuses what does not fit and names the command that would make room', () => {
  assert.throws(() => findRoom(room(null), holdingsOf([one({})]), { mode: 'reserved', units: 3 }), {
    code: 'capacity.exceeded',
    message: 'West US has 2 reserved units free and 3 are needed',
    hint: 'Choose another region, or raise its capacity: mainstay region set "West US" --reserved-units 5',
  })
})

test('chooses the least loaded host, and refuses what no single host can hold', () => {
  const two = room(FOUR, ['west-us-1', 'west-us-2'])
  const holdings = holdingsOf([one({ units: 1 })])
  assert.equal(findRoom(two, holdings, { mode: 'reserved', units: 1 }), 'west-us-2')
  assert.throws(() => findRoom(two, holdings, { mode: 'reserved', units: 3 }), {
    code: 'capacity.exceeded',
    message: 'no single host of West US has 3 reserved units free; the most is 2',
  })
})

test('what is promised beyond what reporting hosts offer is a shortage of that mode', () => {
  const offer = offerOf(FOUR, [
    { machine: 'west-us-1', isReporting: true, offer: {} },
    { machine: 'west-us-2', isReporting: false, offer: {} },
  ])
  const short = shortageOf({ name: 'West US', slug: 'west-us', offer }, holdingsOf([one({ units: 3 })]))
  assert.deepEqual(short, [
    {
      mode: 'reserved',
      message: 'the hosts of West US that report offer 2 reserved units, and 3 are promised',
    },
  ])
})

test('a capacity is never set below what is promised', () => {
  assert.throws(() => requireNotBelowUse(room(null), holdingsOf([one({})]), { reservedUnits: 1 }), {
    code: 'capacity.in_use',
  })
})

// A fleet that lives: services are created, scaled, recovered, given up and put back, as operations do it.
type Act =
  | { kind: 'create'; region: number; mode: 'shared' | 'reserved'; units: number }
  | { kind: 'delete' | 'claim' | 'moveOn' | 'goBack'; which: number; other: number }
  | { kind: 'scale'; which: number; mode: 'shared' | 'reserved'; units: number }
  | { kind: 'scaled'; which: number }

const mode = fc.constantFrom<'shared' | 'reserved'>('shared', 'reserved')
const index = fc.nat(20)
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('create'),
      region: fc.nat(2),
      mode,
      units: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('delete', 'claim', 'moveOn', 'goBack'), which: index, other: index }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('scale'), which: index, mode, units: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('scaled'), which: index }) },
) as fc.Arbitrary<Act>

class Fleet {
  readonly regions: RegionRoom[]
  holders: Holder[] = []
  #made = 0

  constructor(sets: (Capacity | null)[], hosts: number[]) {
    this.regions = sets.map((set, region) => {
      const list = Array.from({ length: hosts[region] ?? 1 }, (_, host) => `r${region}-${host}`)
      const offer = offerOf(
        set,
        list.map((machine) => ({ machine, isReporting: true, offer: {} })),
      )
      return { name: `R${region}`, slug: `r${region}`, offer }
    })
  }

  do(act: Act): void {
    try {
      this.#do(act)
    } catch {
      // Refused: nothing has changed.
    }
  }

  #do(act: Act): void {
    if (act.kind === 'create') {
      this.#create(act)
      return
    }
    const holder = this.holders[act.which % Math.max(1, this.holders.length)]
    if (!holder) return
    const isBusy = holder.move !== null || holder.also !== null || this.#isClaimed(holder)
    switch (act.kind) {
      case 'delete':
        if (!isBusy) this.holders = this.holders.filter((other) => other !== holder)
        break
      case 'claim':
        if (!isBusy) this.#claim(holder, act.other)
        break
      case 'moveOn': {
        // Activated first, then the secondary is given up and the claim is over.
        const { move } = holder
        if (!move) break
        if (holder.region !== move.to.region) Object.assign(holder, move.to)
        else {
          holder.move = null
          this.holders = this.holders.filter(({ id }) => id !== move.secondaryId)
        }
        break
      }
      case 'goBack':
        if (holder.move) Object.assign(holder, { ...holder.move.from, move: null })
        break
      case 'scale':
        if (!isBusy) {
          const size = { mode: act.mode, units: act.mode === 'shared' ? 1 : act.units }
          findRoom(this.#room(holder.region), holdingsOf(this.holders), size, holder.machine)
          holder.also = size
        }
        break
      case 'scaled':
        if (holder.also) Object.assign(holder, { ...holder.also, also: null })
    }
  }

  #create(act: Extract<Act, { kind: 'create' }>): void {
    const region = this.regions[act.region % this.regions.length]
    if (!region) return
    const size = { mode: act.mode, units: act.mode === 'shared' ? 1 : act.units }
    const machine = findRoom(region, holdingsOf(this.holders), size)
    this.#made += 1
    this.holders.push(one({ id: `s${this.#made}`, region: region.slug, machine, ...size }))
  }

  #claim(holder: Holder, other: number): void {
    const free = this.holders.filter(
      (one) =>
        one.region !== holder.region &&
        one.move === null &&
        one.also === null &&
        !this.#isClaimed(one) &&
        (holder.mode === 'shared' || (one.mode === 'reserved' && one.units >= holder.units)),
    )
    const secondary = free[other % Math.max(1, free.length)]
    if (!secondary) return
    const size = { mode: holder.mode, units: holder.units }
    const machine =
      holder.mode === secondary.mode
        ? secondary.machine
        : findRoom(this.#room(secondary.region), holdingsOf(this.holders), size)
    const from = { region: holder.region, machine: holder.machine }
    holder.move = { secondaryId: secondary.id, from, to: { region: secondary.region, machine } }
  }

  #isClaimed(holder: Holder): boolean {
    return this.holders.some((other) => other.move?.secondaryId === holder.id)
  }

  #room(slug: string): RegionRoom {
    const found = this.regions.find((region) => region.slug === slug)
    assert.ok(found)
    return found
  }

  check(): void {
    const holdings = holdingsOf(this.holders)
    for (const { slug, offer } of this.regions) {
      const whole = usageOf({ region: slug }, holdings)
      assert.ok(whole.reservedUnits <= offer.total.reservedUnits, `${slug} is over-booked`)
      assert.ok(whole.sharedSlots <= offer.total.sharedSlots, `${slug} is over-booked`)
      for (const [machine, own] of offer.hosts) {
        const used = usageOf({ region: slug, machine }, holdings)
        assert.ok(used.reservedUnits <= own.reservedUnits, `${machine} is over-booked`)
        assert.ok(used.sharedSlots <= own.sharedSlots, `${machine} is over-booked`)
      }
    }
  }
}

test('no order of creations, scalings, recoveries and returns over-books a region or a host', () => {
  const sets = fc.array(fc.option(fc.record({ reservedUnits: fc.nat(8), sharedSlots: fc.nat(8) }), { nil: null }), {
    minLength: 3,
    maxLength: 3,
  })
  const hosts = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 })
  fc.assert(
    fc.property(sets, hosts, fc.array(act, { maxLength: 60, size: 'max' }), (set, counts, acts) => {
      const fleet = new Fleet(set, counts)
      for (const one of acts) {
        fleet.do(one)
        fleet.check()
      }
    }),
    { numRuns: 10_000 },
  )
})
