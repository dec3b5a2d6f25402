// From the tree of a query back to its text: parsed again, it is the same tree.
import type { Expression } from './expression.ts'

// How tightly a kind of expression binds; an operand that binds less stands in parentheses.
const TIGHTNESS = { or: 1, and: 2, comparison: 3, sum: 4, product: 5, unary: 6, primary: 7 } as const

/** The text of an expression. */
export function printExpression(expression: Expression): string {
  return print(expression, 0)
}

function print(expression: Expression, wanted: number): string {
  const tightness = tightnessOf(expression)
  const text = bare(expression, tightness)
  return tightness < wanted ? `(${text})` : text
}

function bare(expression: Expression, tightness: number): string {
  switch (expression.kind) {
    case 'and':
    case 'or':
      return expression.terms.map((term) => print(term, tightness + 1)).join(` ${expression.kind} `)
    case 'comparison':
    case 'arithmetic':
      // Chains are read from the left.
      return `${print(expression.left, tightness)} ${expression.operator} ${print(expression.right, tightness + 1)}`
    case 'not':
      return `not ${print(expression.operand, tightness)}`
    case 'negate':
      return `-${print(expression.operand, tightness)}`
    case 'call':
      return `${expression.name}(${expression.args.map((arg) => print(arg, 0)).join(',')})`
    case 'member':
      return expression.name
    case 'string':
      return `'${expression.text.replaceAll("'", "''")}'`
    case 'number':
      return expression.text
    case 'boolean':
      return String(expression.value)
    case 'date':
      return `datetime'${expression.iso}'`
    case 'null':
      return 'null'
  }
}

function tightnessOf(expression: Expression): number {
  switch (expression.kind) {
    case 'or':
    case 'and':
    case 'comparison':
      return TIGHTNESS[expression.kind]
    case 'arithmetic':
      return expression.operator === 'add' || expression.operator === 'sub' ? TIGHTNESS.sum : TIGHTNESS.product
    case 'not':
    case 'negate':
      return TIGHTNESS.unary
    default:
      return TIGHTNESS.primary
  }
}
