// The objects that JavaScript itself gives a context, as they were at first: a script that changed one of them, or was
// brought to (prototype pollution), is noticed, and no later call finds what it left there.
import { Script } from 'node:vm'

/** Gives those that are looked at, inside a context: all that a value of a client leads to, and what scripts extend. */
export const INTRINSICS = new Script(
  `[Object, Function, Array, String, Number, Boolean, Date, RegExp, Promise, Map, Set, Error]
    .flatMap((one) => [one, one.prototype]).concat([JSON, Math])`,
  { filename: 'mainstay' },
)

type Known = {
  object: Record<PropertyKey, unknown>
  prototype: object | null
  count: number
  names: PropertyKey[]
  /** Of those names, in their order. */
  values: unknown[]
  accessors: [PropertyKey, PropertyDescriptor][]
}

export class Intrinsics {
  readonly #known: Known[]

  /** As they are now. */
  constructor(objects: object[]) {
    this.#known = objects.map(knownOf)
  }

  /** True while each has what it had then, and nothing else. */
  get areUntouched(): boolean {
    for (const known of this.#known) if (!isUntouched(known)) return false
    return true
  }
}

function knownOf(object: object): Known {
  const known: Known = {
    object: object as Record<PropertyKey, unknown>,
    prototype: Object.getPrototypeOf(object) as object | null,
    count: Reflect.ownKeys(object).length,
    names: [],
    values: [],
    accessors: [],
  }
  for (const name of Reflect.ownKeys(object)) {
    const found = Reflect.getOwnPropertyDescriptor(object, name)
    if (!found) continue
    // What is no number cannot be compared.
    if ('value' in found && !Number.isNaN(found.value)) {
      known.names.push(name)
      known.values.push(found.value)
    } else if (found.get) known.accessors.push([name, found])
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
