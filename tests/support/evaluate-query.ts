// What a query means, in JavaScript and by itself: the SQL that is made of one is compared with it.
import type { Expression } from '../../src/query/expression.ts'

/** Dates are milliseconds since 1970 in a Date. */
export type QueryValue = string | number | boolean | Date | null
export type QueryRow = Record<string, QueryValue>

const collator = new Intl.Collator('und', { sensitivity: 'accent' })

/** The value of an expression for a row; null is unknown, as in SQL. */
export function evaluate(one: Expression, row: QueryRow): QueryValue {
  switch (one.kind) {
    case 'member':
      return row[one.name] ?? null
    case 'string':
      return one.text
    case 'number':
      return Number(one.text)
    case 'boolean':
      return one.value
    case 'date':
      return new Date(one.iso)
    case 'null':
      return null
    case 'not': {
      const value = evaluate(one.operand, row)
      return value === null ? null : !value
    }
    case 'negate': {
      const value = evaluate(one.operand, row)
      return value === null ? null : -Number(value)
    }
    case 'and':
    case 'or': {
      const values = one.terms.map((term) => evaluate(term, row))
      const decisive = one.kind === 'or'
      if (values.includes(decisive)) return decisive
      return values.includes(null) ? null : !decisive
    }
    case 'comparison': {
      const [left, right] = [evaluate(one.left, row), evaluate(one.right, row)]
      if (one.left.kind === 'null' || one.right.kind === 'null') {
        const value = one.right.kind === 'null' ? left : right
        return one.operator === 'eq' ? value === null : one.operator === 'ne' ? value !== null : null
      }
      return left === null || right === null ? null : compared(one.operator, order(left, right))
    }
    case 'arithmetic': {
      const [left, right] = [evaluate(one.left, row), evaluate(one.right, row)]
      if (left === null || right === null) return null
      const [a, b] = [Number(left), Number(right)]
      return { add: a + b, sub: a - b, mul: a * b, div: a / b, mod: rounded(a) % b }[one.operator]
    }
    case 'call': {
      const args = one.args.map((arg) => evaluate(arg, row))
      return args.includes(null) ? null : called(one.name, args as Exclude<QueryValue, null>[])
    }
  }
}

/** Which of two comes first, as an order and a comparison see it: nulls do. */
export function order(left: QueryValue, right: QueryValue): number {
  if (left === null || right === null) return Number(left !== null) - Number(right !== null)
  if (typeof left === 'string' && typeof right === 'string') return collator.compare(left, right)
  return Number(left) - Number(right)
}

function compared(operator: string, sign: number): boolean {
  return { eq: sign === 0, ne: sign !== 0, gt: sign > 0, ge: sign >= 0, lt: sign < 0, le: sign <= 0 }[operator] ?? false
}

function called(name: string, args: Exclude<QueryValue, null>[]): QueryValue {
  const [first = '', second = '', third = ''] = args
  const [text, other] = [String(first), String(second)]
  const date = new Date(Number(first))
  switch (name) {
    case 'day':
      return date.getUTCDate()
    case 'month':
      return date.getUTCMonth() + 1
    case 'year':
      return date.getUTCFullYear()
    case 'hour':
      return date.getUTCHours()
    case 'minute':
      return date.getUTCMinutes()
    case 'second':
      return date.getUTCSeconds()
    case 'floor':
      return Math.floor(Number(first))
    case 'ceiling':
      return Math.ceil(Number(first))
    case 'round':
      return rounded(Number(first))
    case 'tolower':
      return text.toLowerCase()
    case 'toupper':
      return text.toUpperCase()
    case 'trim':
      return text.replace(/^ +| +$/g, '')
    case 'length':
      return [...text].length
    case 'substringof':
      return isLike(other, `%${text}%`)
    case 'startswith':
      return isLike(text, `${other}%`)
    case 'endswith':
      return isLike(text, `%${other}`)
    case 'indexof':
      return text.toLowerCase().indexOf(other.toLowerCase())
    case 'concat':
      return text + other
    case 'replace':
      return other === '' ? text : text.replace(new RegExp(RegExp.escape(other), 'giu'), () => String(third))
    case 'substring':
      return text.slice(Number(second), args.length > 2 ? Number(second) + Number(third) : undefined)
    default:
      throw new Error(`no function ${name}`)
  }
}

function rounded(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5)
}

// `%`, `_` and sets, letter by letter and whatever the case.
function isLike(text: string, pattern: string): boolean {
  const parts = pattern.match(/\[\^?[^\]]+\]|[\s\S]/gu) ?? []
  const signs: Record<string, string> = { '%': '[\\s\\S]*', _: '[\\s\\S]' }
  const source = parts.map((part) => signs[part] ?? (part.length > 2 ? part : RegExp.escape(part)))
  return new RegExp(`^${source.join('')}$`, 'iu').test(text)
}
