// What a small script may do with values: the names it may call, the operators, and what they cost. Whatever is not
// here, or is asked of another kind of value, is beyond what is evaluated.
import { BEYOND, isPrimitive, lengthOf, ownOf, type SmallCall } from './small-call.ts'

/** Gives a value in a call. */
export type Evaluate = (call: SmallCall) => unknown

/** What these names stand for. */
export const CONSTANTS = new Map<string, unknown>([
  ['undefined', undefined],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
])
/** What is called by these names, with values that are no objects. */
export const FUNCTIONS = new Map<string, (...given: never[]) => unknown>([
  ['String', String],
  ['Number', Number],
  ['Boolean', Boolean],
  ['parseInt', Number.parseInt],
  ['parseFloat', Number.parseFloat],
  // The global one: it converts first.
  ['isNaN', (...given: unknown[]) => Number.isNaN(Number(given[0]))],
])
/** Names that nothing of a script may have. */
export const RESERVED = new Set([...CONSTANTS.keys(), ...FUNCTIONS.keys(), 'Date', 'statusCodes', 'arguments', 'eval'])
/** What is called by these names, on what and with what is no object, or a date. */
export const METHODS = {
  string: new Set([
    ...['charAt', 'charCodeAt', 'concat', 'endsWith', 'includes', 'indexOf', 'lastIndexOf', 'slice', 'startsWith'],
    ...['substr', 'substring', 'toLowerCase', 'toUpperCase', 'trim'],
  ]),
  number: new Set(['toFixed']),
  date: new Set(['getTime', 'toISOString']),
}

export type Operator = (left: never, right: never) => unknown
/** Of values that are no objects, where JavaScript calls nothing to convert them. */
export const OPERATORS = new Map<string, Operator>([
  ['+', (left, right) => left + right],
  ['-', (left, right) => left - right],
  ['*', (left, right) => left * right],
  ['/', (left, right) => left / right],
  ['%', (left, right) => left % right],
  ['<', (left, right) => left < right],
  ['>', (left, right) => left > right],
  ['<=', (left, right) => left <= right],
  ['>=', (left, right) => left >= right],
  // biome-ignore lint/suspicious/noDoubleEquals: as scripts mean it.
  ['==', (left, right) => left == right],
  // biome-ignore lint/suspicious/noDoubleEquals: as scripts mean it.
  ['!=', (left, right) => left != right],
])
/** Of any values. */
export const IDENTITY = new Map<string, (left: unknown, right: unknown) => boolean>([
  ['===', (left, right) => left === right],
  ['!==', (left, right) => left !== right],
])

/** `value.name`. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value === 'string' && name === 'length') return value.length
  if (typeof value !== 'object' || value === null || value instanceof Date) throw BEYOND
  return ownOf(value, name)
}

/** `===` or `!==`. */
export function compared(
  identity: (left: unknown, right: unknown) => boolean,
  left: Evaluate,
  right: Evaluate,
): Evaluate {
  return (call) => {
    const [one, other] = [left(call), right(call)]
    call.spend(lengthOf(one))
    return identity(one, other)
  }
}

/** Any other operator of two values. */
export function operated(operator: Operator, left: Evaluate, right: Evaluate): Evaluate {
  return (call) => {
    const [one, other] = [primitive(left(call)), primitive(right(call))]
    call.spend(lengthOf(one) + lengthOf(other))
    return call.kept(operator(one as never, other as never))
  }
}

/** As a number. */
export function numberOf(call: SmallCall, value: unknown): number {
  call.spend(lengthOf(value))
  return Number(primitive(value))
}

/** Gives back what is no object. */
export function primitive(value: unknown): unknown {
  if (!isPrimitive(value)) throw BEYOND
  return value
}
