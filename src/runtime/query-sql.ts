// From the tree of a query to SQL over the columns that a table has. Pure. No text of a query gets into the SQL: names
// are those that PostgreSQL gave us, literals are parameters, and all else is chosen from what stands here.
import { foldedSql, LETTER_COLLATION, TEXT_COLLATION, UPDATED_AT_COLUMN } from '../contract/table-format.ts'
import { Fault } from '../kit/fault.ts'
import { quoteIdentifier } from '../kit/identifiers.ts'
import { type Expression, isLiteral, type Literal, membersOf, partsOf } from '../query/expression.ts'
import { QueryError } from '../query/query-error.ts'
import { invalidQuery } from './app-faults.ts'
import { plainName } from './client-generation.ts'
import { columnValue, type SqlValue } from './column-values.ts'
import { type Column, type ColumnKind, findColumn, type TableColumns } from './columns.ts'
import type { ItemValue } from './item-body.ts'
import { hasCharacterSet, likePattern, setPattern } from './like-patterns.ts'
import { shownSql } from './shown-value.ts'

/** An expression in SQL, in parentheses where it needs them, and what kind of value it has. */
type Sql = { text: string; kind: ColumnKind; column: Column | null }
type Of<Kind extends Expression['kind']> = Extract<Expression, { kind: Kind }>

const COMPARISON_SIGNS = { eq: '=', ne: '<>', gt: '>', ge: '>=', lt: '<', le: '<=' } as const
const MIRRORED = { eq: 'eq', ne: 'ne', gt: 'lt', ge: 'le', lt: 'gt', le: 'ge' } as const
const ARITHMETIC_SIGNS = { add: '+', sub: '-', mul: '*', div: '/' } as const
// By the names of both generations. An app's own column of the second's name costs its readers a question more.
const UPDATED_AT_NAMES = new Set([UPDATED_AT_COLUMN, plainName(UPDATED_AT_COLUMN)].map((name) => name.toLowerCase()))
const INT8_MAX = 2n ** 63n - 1n

/** Writes expressions over one table, whose alias is `t`, and collects their parameters. */
export class QuerySql {
  readonly #columns: TableColumns
  readonly #values: SqlValue[]

  /** `values` are the statement's parameters so far; more are added to it. */
  constructor(columns: TableColumns, values: SqlValue[]) {
    this.#columns = columns
    this.#values = values
  }

  /** What is true of the rows that are wanted. A 400 where it is no condition, or compares what cannot be compared. */
  condition(expression: Expression): string {
    switch (expression.kind) {
      case 'and':
      case 'or':
        return `(${expression.terms.map((term) => this.condition(term)).join(` ${expression.kind} `)})`
      case 'not':
        return `(not ${this.condition(expression.operand)})`
      case 'null':
        return 'null::boolean'
      default: {
        const { text, kind } = this.#value(expression)
        if (kind === 'boolean') return text
        throw invalidAt('A condition is expected', expression.at)
      }
    }
  }

  /** What rows are ordered by. */
  term(expression: Expression): { text: string; column: Column | null } {
    return this.#value(expression)
  }

  #value(expression: Expression): Sql {
    switch (expression.kind) {
      case 'member':
        return this.#member(expression)
      case 'string':
      case 'number':
      case 'boolean':
      case 'date':
      case 'null':
        return this.#literal(expression)
      case 'and':
      case 'or':
      case 'not':
        return made('boolean', this.condition(expression))
      case 'negate':
        return this.#negated(expression)
      case 'comparison':
        return made('boolean', this.#comparison(expression))
      case 'arithmetic':
        return this.#arithmetic(expression)
      case 'call':
        return this.#call(expression)
    }
  }

  #member({ name, at }: Of<'member'>): Sql {
    const column = findColumn(this.#columns, name)
    // Whoever plans has looked for them all.
    if (!column) throw invalidAt(`Unknown identifier '${name}'`, at)
    return { text: `t.${quoteIdentifier(column.name)}`, kind: column.kind, column }
  }

  #literal(literal: Literal): Sql {
    switch (literal.kind) {
      case 'string':
        return made('text', `(${this.#text(literal.text)} collate ${TEXT_COLLATION})`)
      case 'number':
        return made('number', this.#number(literal.text))
      case 'boolean':
        // A bare constant is nothing to order by.
        return made('boolean', `${literal.value}::boolean`)
      case 'date':
        return made('date', this.#add(literal.iso, 'timestamptz'))
      case 'null':
        return made('text', 'null::text')
    }
  }

  // An integer stays one, so that large ids are compared exactly; a double compares with it all the same.
  #number(text: string): string {
    const isInteger = /^-?\d+$/.test(text) && BigInt(text) <= INT8_MAX && BigInt(text) >= -INT8_MAX
    return this.#add(text, isInteger ? 'bigint' : 'float8')
  }

  #text(text: string): string {
    return this.#add(text.normalize('NFC'), 'text')
  }

  #add(value: SqlValue, type: string): string {
    this.#values.push(value)
    return `$${this.#values.length}::${type}`
  }

  // ---- comparisons

  #comparison({ operator, left, right }: Of<'comparison'>): string {
    if (isLiteral(left) && !isLiteral(right)) return this.#compared(right, MIRRORED[operator], left)
    return this.#compared(left, operator, right)
  }

  #compared(left: Expression, operator: keyof typeof COMPARISON_SIGNS, right: Expression): string {
    if (right.kind === 'null') {
      const { text } = this.#value(left)
      if (operator === 'eq') return `(${text} is null)`
      return operator === 'ne' ? `(${text} is not null)` : 'null::boolean'
    }
    const subject = this.#value(left)
    if (!isLiteral(right)) return this.#comparedValues(subject, operator, this.#value(right), left.at)
    if (subject.kind === 'boolean' && right.kind === 'boolean' && (operator === 'eq' || operator === 'ne')) {
      // As the condition itself, which an index may serve.
      return (operator === 'eq') === right.value ? subject.text : `(not ${subject.text})`
    }
    const isTime = subject.kind === 'date' || subject.kind === 'timestamp'
    return isTime ? this.#comparedTime(subject, operator, right) : this.#comparedLiteral(subject, operator, right)
  }

  #comparedLiteral({ text, kind }: Sql, operator: keyof typeof COMPARISON_SIGNS, right: Literal): string {
    const sign = COMPARISON_SIGNS[operator]
    switch (kind) {
      case 'number':
        return `(${text} ${sign} ${this.#number(digitsOf(right))})`
      case 'boolean':
        return `(${text} ${sign} ${this.#add(valueFor(right, kind), 'boolean')})`
      case 'binary':
        return `(${text} ${sign} ${this.#add(valueFor(right, kind), 'bytea')})`
      case 'version':
        return this.#comparedVersion(text, operator, right)
      case 'other':
        return `(${text}::text ${sign} ${this.#text(plainText(right))})`
      default:
        return `(${text} ${sign} ${this.#text(plainText(right))})`
    }
  }

  // What is no version is no row's.
  #comparedVersion(text: string, operator: keyof typeof COMPARISON_SIGNS, right: Literal): string {
    const bytes = right.kind === 'string' ? Buffer.from(right.text, 'base64') : null
    if (bytes?.length !== 8) return operator === 'ne' ? `(${text} is not null)` : `(${text} is null)`
    return `(${text} ${COMPARISON_SIGNS[operator]} ${this.#add(bytes.readBigInt64BE().toString(), 'bigint')})`
  }

  // Times are shown to the millisecond, and kept to the microsecond: what is shown as equal is equal.
  #comparedTime({ text, kind }: Sql, operator: keyof typeof COMPARISON_SIGNS, right: Literal): string {
    const moment = this.#add(momentOf(right), kind === 'date' ? 'timestamptz' : 'timestamp')
    const next = `${moment} + interval '1 ms'`
    switch (operator) {
      case 'eq':
        return `(${text} >= ${moment} and ${text} < ${next})`
      case 'ne':
        return `(${text} < ${moment} or ${text} >= ${next})`
      case 'gt':
        return `(${text} >= ${next})`
      case 'le':
        return `(${text} < ${next})`
      case 'ge':
        return `(${text} >= ${moment})`
      case 'lt':
        return `(${text} < ${moment})`
    }
  }

  #comparedValues(left: Sql, operator: keyof typeof COMPARISON_SIGNS, right: Sql, at: number): string {
    const sign = COMPARISON_SIGNS[operator]
    if (left.kind === right.kind) return `(${left.text} ${sign} ${right.text})`
    const kinds = new Set([left.kind, right.kind])
    const isOf = (...allowed: ColumnKind[]) => [...kinds].every((kind) => allowed.includes(kind))
    if (isOf('number', 'boolean')) return `(${numberOf(left)} ${sign} ${numberOf(right)})`
    if (isOf('date', 'timestamp')) return `(${dateOf(left)} ${sign} ${dateOf(right)})`
    throw invalidAt('The operands are of types that can not be compared', at)
  }

  // ---- arithmetic

  #negated({ operand }: Of<'negate'>): Sql {
    // A negative number is a number like any other.
    if (operand.kind === 'number') return made('number', this.#number(`-${operand.text}`))
    return made('number', `(- ${this.#float(operand)})`)
  }

  #arithmetic({ operator, left, right }: Of<'arithmetic'>): Sql {
    if (operator !== 'mod') {
      return made('number', `(${this.#float(left)} ${ARITHMETIC_SIGNS[operator]} ${this.#float(right)})`)
    }
    return made('number', `mod(round(${this.#float(left)}::numeric), ${this.#float(right)}::numeric)::float8`)
  }

  #float(expression: Expression): string {
    if (expression.kind === 'null') return 'null::float8'
    if (isLiteral(expression)) return this.#add(digitsOf(expression), 'float8')
    const value = this.#value(expression)
    if (value.kind !== 'number' && value.kind !== 'boolean') throw invalidAt('A number is expected', expression.at)
    return `(${numberOf(value)})::float8`
  }

  // ---- functions

  #call({ name, args, at }: Of<'call'>): Sql {
    const [first, second, third] = args
    // The parser has counted them.
    if (!first) throw invalidAt(`Function '${name}' requires parameters.`, at)
    switch (name) {
      case 'day':
      case 'month':
      case 'year':
      case 'hour':
      case 'minute':
      case 'second':
        return made('number', `floor(extract(${name} from ${this.#utc(first)}))::int`)
      case 'floor':
        return made('number', `floor(${this.#float(first)})`)
      case 'ceiling':
        return made('number', `ceil(${this.#float(first)})`)
      case 'round':
        return made('number', this.#rounded(first))
      case 'tolower':
        return made('text', `lower(${this.#string(first)})`)
      case 'toupper':
        return made('text', `upper(${this.#string(first)})`)
      case 'trim':
        return made('text', `btrim(${this.#string(first)})`)
      case 'length':
        return made('number', `char_length(${this.#string(first)})`)
      case 'substringof':
        return made('boolean', this.#like(second ?? first, first, ['%', '%']))
      case 'startswith':
        return made('boolean', this.#like(first, second ?? first, ['', '%']))
      case 'endswith':
        return made('boolean', this.#like(first, second ?? first, ['%', '']))
      case 'indexof': {
        const [text, wanted] = [foldedSql(this.#string(first)), foldedSql(this.#string(second ?? first))]
        return made('number', `(strpos(${text}, ${wanted}) - 1)`)
      }
      case 'concat':
        return made('text', `(${this.#string(first)} || ${this.#string(second ?? first)})`)
      case 'replace':
        return made('text', this.#replaced(first, second ?? first, third))
      case 'substring': {
        const start = `${this.#int(second ?? first)} + 1`
        const length = third ? `, ${this.#int(third)}` : ''
        return made('text', `substr(${this.#string(first)}, ${start}${length})`)
      }
    }
  }

  // Text of any value, as the original converts it.
  #string(expression: Expression): string {
    if (expression.kind === 'null') return 'null::text'
    if (isLiteral(expression)) return `(${this.#text(plainText(expression))} collate ${TEXT_COLLATION})`
    const { text, kind } = this.#value(expression)
    switch (kind) {
      case 'text':
        return text
      case 'number':
      case 'other':
        return `(${text})::text`
      case 'boolean':
        return `(${text})::int::text`
      case 'date':
      case 'timestamp':
        return shownSql(text, kind)
      case 'binary':
      case 'version':
        throw invalidAt('A text is expected', expression.at)
    }
  }

  #utc(expression: Expression): string {
    if (expression.kind === 'null') return 'null::timestamp'
    if (isLiteral(expression)) return `(${this.#add(momentOf(expression), 'timestamptz')} at time zone 'UTC')`
    const { text, kind } = this.#value(expression)
    if (kind === 'timestamp') return text
    if (kind === 'date') return `(${text} at time zone 'UTC')`
    throw invalidAt('A date is expected', expression.at)
  }

  #int(expression: Expression): string {
    return `trunc(${this.#float(expression)})::int`
  }

  // Half away from zero, where PostgreSQL rounds to the even one. What is rounded is computed once.
  #rounded(expression: Expression): string {
    const half = 'case when abs(v - trunc(v)) >= 0.5 then sign(v) else 0 end'
    return `(select trunc(v) + ${half} from (select ${this.#float(expression)} as v) as q)`
  }

  // The wanted text is a pattern, as in the original: `%`, `_` and sets in brackets.
  #like(subject: Expression, wanted: Expression, [before, after]: ['' | '%', '' | '%']): string {
    const text = foldedSql(this.#string(subject))
    if (isLiteral(wanted) && wanted.kind !== 'null') {
      const pattern = plainText(wanted).normalize('NFC')
      if (hasCharacterSet(pattern)) return `(${text} ~ ${this.#folded(setPattern(before + pattern + after))})`
      return `(${text} like ${this.#folded(before + likePattern(pattern) + after)})`
    }
    const escaped = `replace(${foldedSql(this.#string(wanted))}, '\\', '\\\\')`
    const parts = [before && `'%'`, escaped, after && `'%'`].filter((part) => part !== '')
    return `(${text} like (${parts.join(' || ')}))`
  }

  #folded(pattern: string): string {
    return foldedSql(this.#add(pattern, 'text'))
  }

  #replaced(subject: Expression, wanted: Expression, by: Expression | undefined): string {
    const text = this.#string(subject)
    const replacement = by?.kind === 'string' ? by.text.replaceAll('\\', '\\\\') : ''
    const found = this.#string(wanted)
    // `***=`: what follows is no pattern. An empty text is found nowhere.
    const pattern = `('***=' || ${found}) collate ${LETTER_COLLATION}`
    const replaced = `regexp_replace(${text} collate ${LETTER_COLLATION}, ${pattern}, ${this.#text(replacement)}, 'gi')`
    return `(case when ${found} = '' then ${text} else ${replaced} collate ${TEXT_COLLATION} end)`
  }
}

/** True for a filter of a reader that wants what was changed since it last read. */
export function asksForChanges(filter: Expression): boolean {
  if (filter.kind !== 'comparison') return partsOf(filter).some(asksForChanges)
  const { left, right, operator } = filter
  const [later, earlier] = operator === 'gt' || operator === 'ge' ? [left, right] : [right, left]
  if (operator === 'eq' || operator === 'ne' || !isLiteral(earlier)) return false
  return later.kind === 'member' && UPDATED_AT_NAMES.has(later.name.toLowerCase())
}

/** The columns that a query names and the table has not. */
export function missingMembers(columns: TableColumns, expressions: Expression[]): string[] {
  return expressions.flatMap(membersOf).filter((name) => !findColumn(columns, name))
}

function made(kind: ColumnKind, text: string): Sql {
  return { kind, text, column: null }
}

function numberOf({ text, kind }: Sql): string {
  return kind === 'boolean' ? `(${text})::int` : text
}

function dateOf({ text, kind }: Sql): string {
  return kind === 'timestamp' ? `(${text} at time zone 'UTC')` : text
}

// A literal as the value of a column of that kind; a 400 where it is none.
function valueFor(literal: Literal, kind: ColumnKind): SqlValue {
  try {
    return columnValue(itemValueOf(literal), kind)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw invalidAt(`The value can not be compared with a ${kind}`, literal.at)
  }
}

// A number keeps its digits, of which a double would lose some.
function digitsOf(literal: Literal): string {
  return literal.kind === 'number' ? literal.text : String(valueFor(literal, 'number'))
}

function itemValueOf(literal: Literal): ItemValue {
  switch (literal.kind) {
    case 'string':
      return { kind: 'string', value: literal.text }
    case 'number':
      return { kind: 'number', value: Number(literal.text) }
    case 'boolean':
      return { kind: 'boolean', value: literal.value }
    case 'date':
      return { kind: 'date', value: literal.iso }
    case 'null':
      return { kind: 'null', value: null }
  }
}

function plainText(literal: Literal): string {
  switch (literal.kind) {
    case 'string':
    case 'number':
      return literal.text
    case 'boolean':
      return literal.value ? '1' : '0'
    case 'date':
      return literal.iso
    case 'null':
      return ''
  }
}

function momentOf(literal: Literal): string {
  if (literal.kind === 'date') return literal.iso
  const time = literal.kind === 'string' ? Date.parse(literal.text) : Number.NaN
  const iso = Number.isNaN(time) ? '' : new Date(time).toISOString()
  if (!/^\d{4}-/.test(iso) || iso.startsWith('0000')) throw invalidAt('A date is expected', literal.at)
  return iso
}

function invalidAt(what: string, at: number) {
  return invalidQuery(new QueryError(what, at).message)
}
