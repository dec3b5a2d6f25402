// The query language of the table protocol as a tree. Nothing in it was checked against a table: a name may mean none.

/** Lower case only, as in the original. */
export type ComparisonOperator = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le'
export type ArithmeticOperator = 'add' | 'sub' | 'mul' | 'div' | 'mod'

/** `text` of a number is decimal, without suffix; `iso` has three decimals and Z. */
export type Literal =
  | { kind: 'string'; text: string; at: number }
  | { kind: 'number'; text: string; at: number }
  | { kind: 'boolean'; value: boolean; at: number }
  | { kind: 'date'; iso: string; at: number }
  | { kind: 'null'; at: number }

/** `at`: where in the text it stands, from 0; for messages. */
export type Expression =
  | Literal
  | { kind: 'member'; name: string; at: number }
  | { kind: 'not'; operand: Expression; at: number }
  | { kind: 'negate'; operand: Expression; at: number }
  /** Two or more terms. */
  | { kind: 'and' | 'or'; terms: Expression[]; at: number }
  | { kind: 'comparison'; operator: ComparisonOperator; left: Expression; right: Expression; at: number }
  | { kind: 'arithmetic'; operator: ArithmeticOperator; left: Expression; right: Expression; at: number }
  | { kind: 'call'; name: FunctionName; args: Expression[]; at: number }

export type OrderTerm = { expression: Expression; isDescending: boolean }

export type FunctionName = keyof typeof FUNCTIONS

/** Every function, with how few and how many parameters it takes. */
export const FUNCTIONS = {
  day: [1, 1],
  month: [1, 1],
  year: [1, 1],
  hour: [1, 1],
  minute: [1, 1],
  second: [1, 1],
  floor: [1, 1],
  ceiling: [1, 1],
  round: [1, 1],
  tolower: [1, 1],
  toupper: [1, 1],
  length: [1, 1],
  trim: [1, 1],
  substringof: [2, 2],
  startswith: [2, 2],
  endswith: [2, 2],
  indexof: [2, 2],
  concat: [2, 2],
  replace: [3, 3],
  substring: [2, 3],
} as const satisfies Record<string, readonly [number, number]>

export function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name)
}

export function isLiteral(expression: Expression): expression is Literal {
  return ['string', 'number', 'boolean', 'date', 'null'].includes(expression.kind)
}

/** The expressions directly below one. */
export function partsOf(expression: Expression): Expression[] {
  switch (expression.kind) {
    case 'not':
    case 'negate':
      return [expression.operand]
    case 'and':
    case 'or':
      return expression.terms
    case 'comparison':
    case 'arithmetic':
      return [expression.left, expression.right]
    case 'call':
      return expression.args
    default:
      return []
  }
}

/** The names of all columns that an expression asks for, as they are written there. */
export function membersOf(expression: Expression): string[] {
  return expression.kind === 'member' ? [expression.name] : partsOf(expression).flatMap(membersOf)
}
