// What a context has by itself, JavaScript's own and ours, as it was at first: a script that changed some of it, or
// was brought to (prototype pollution), is noticed, and no later call finds what it left there.
import { Script } from 'node:vm'

/** Gives, inside a context, the prototypes that no global name leads to. */
export const NAMELESS = new Script(
  `[globalThis, function* () {}, async function () {}, async function* () {}, [].values(), new Map().values(),
    new Set().values(), ''[Symbol.iterator](), ''.matchAll(/x/g), [].values().map(String), Iterator.from({ next() {} })]
    .map((one) => Object.getPrototypeOf(one))`,
  { filename: 'mainstay' },
)
/** Globals of today: nothing of old changed what is in them, so nobody can. */
const FROZEN = ['Atomics', 'Intl', 'WebAssembly']

type Known = {
  object: Record<PropertyKey, unknown>
  prototype: object | null
  count: number
  names: PropertyKey[]
  /** Of those names, in their order. */
  values: unknown[]
  accessors: [PropertyKey, PropertyDescriptor][]
}
/** What a context has. */
export type World = {
  /** Its global object. */
  self: object
  /** What JavaScript has there, by name. */
  named: Map<PropertyKey, unknown>
  nameless: object[]
  /** What we put there. */
  ours: unknown[]
}

export class Intrinsics {
  readonly #self: object
  readonly #prototype: object | null
  readonly #names: PropertyKey[]
  readonly #known: Known[] = []

  /** As they are now. Of functions only constructors and ours are looked at. */
  constructor({ self, named, nameless, ours }: World) {
    this.#self = self
    this.#prototype = Object.getPrototypeOf(self) as object | null
    this.#names = [...named.keys()]
    const found = new Set<unknown>([self])
    const looked = [...named].filter(([name]) => !FROZEN.includes(String(name))).map(([, value]) => value)
    walk([...looked, ...nameless, ...ours.flatMap((one) => [one, ...valuesOf(one)])], found, (known) => {
      this.#known.push(known)
    })
    const frozen = FROZEN.map((name) => named.get(name))
    walk(frozen, found, ({ object }) => Object.freeze(object))
  }

  /** True while each has what it had then, and nothing else. What stands in the place of a name is not seen here. */
  get areUntouched(): boolean {
    if (Object.getPrototypeOf(this.#self) !== this.#prototype || !Object.isExtensible(this.#self)) return false
    // All at once: to ask for each would cost four times as much.
    const names = new Set<PropertyKey>(Reflect.ownKeys(this.#self))
    for (const name of this.#names) if (!names.has(name)) return false
    for (const known of this.#known) if (!isUntouched(known)) return false
    return true
  }
}

/** Takes each object that they lead to, once. */
function walk(roots: unknown[], found: Set<unknown>, take: (known: Known) => void): void {
  const queue = [...roots]
  // It grows meanwhile.
  for (const one of queue) {
    if (!isObject(one) || found.has(one)) continue
    found.add(one)
    const known = knownOf(one, (value) => {
      if (typeof value === 'function' ? Object.hasOwn(value, 'prototype') : isObject(value)) queue.push(value)
    })
    take(known)
    queue.push(known.prototype)
  }
}

function knownOf(object: object, follow: (value: unknown) => void): Known {
  const names = Reflect.ownKeys(object)
  const known: Known = {
    object: object as Record<PropertyKey, unknown>,
    prototype: Object.getPrototypeOf(object) as object | null,
    count: names.length,
    names: [],
    values: [],
    accessors: [],
  }
  for (const name of names) {
    const found = Reflect.getOwnPropertyDescriptor(object, name)
    if (!found) continue
    if (!('value' in found)) {
      known.accessors.push([name, found])
      continue
    }
    follow(found.value)
    // What can never be another need not be looked at; what is no number cannot be compared.
    if ((!found.configurable && !found.writable) || Number.isNaN(found.value)) continue
    known.names.push(name)
    known.values.push(found.value)
  }
  return known
}

// For every call of a script, hence plain: values are only looked at, since descriptors would cost ten times as much.
function isUntouched({ object, prototype, count, names, values, accessors }: Known): boolean {
  for (let at = 0; at < names.length; at += 1) if (object[names[at] as string] !== values[at]) return false
  for (const [name, { get, set }] of accessors) {
    const now = Reflect.getOwnPropertyDescriptor(object, name)
    if (now === undefined || now.get !== get || now.set !== set) return false
  }
  if (Object.getPrototypeOf(object) !== prototype || !Object.isExtensible(object)) return false
  return Reflect.ownKeys(object).length === count
}

function valuesOf(one: unknown): unknown[] {
  return isObject(one) ? Object.values(one) : []
}

function isObject(one: unknown): one is object {
  return (typeof one === 'object' && one !== null) || typeof one === 'function'
}
