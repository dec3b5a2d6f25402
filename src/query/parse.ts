// From the text of a query to its tree. Whatever comes in, what comes out is a tree or a QueryError: depth and size are
// bounded, so that a text can neither exhaust the stack nor fill the memory.
import { QUERY_DEPTH_MAX, QUERY_NODES_MAX } from '../kit/limits.ts'
import {
  type ArithmeticOperator,
  type ComparisonOperator,
  type Expression,
  FUNCTIONS,
  isFunctionName,
  type Literal,
  type OrderTerm,
  partsOf,
} from './expression.ts'
import { QueryError } from './query-error.ts'
import { type Token, tokenize } from './tokens.ts'

const COMPARISONS: ComparisonOperator[] = ['eq', 'ne', 'gt', 'ge', 'lt', 'le']
const SUMS: ArithmeticOperator[] = ['add', 'sub']
const PRODUCTS: ArithmeticOperator[] = ['mul', 'div', 'mod']
// Words that stand between operands: a column of such a name cannot be asked for.
const OPERATORS = new Set<string>(['and', 'or', ...COMPARISONS, ...SUMS, ...PRODUCTS])
const EXACT_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z$/
const REPLACEMENT_LENGTH_MAX = 100

/** The condition that a `$filter` states. Throws QueryError. */
export function parseFilter(text: string): Expression {
  const parser = new Parser(text)
  const expression = parser.readExpression()
  parser.expectEnd()
  return expression
}

/** The terms of an `$orderby`, the first one first. Throws QueryError. */
export function parseOrderTerms(text: string): OrderTerm[] {
  const parser = new Parser(text)
  const terms: OrderTerm[] = []
  do {
    const expression = parser.readExpression()
    terms.push({ expression, isDescending: parser.readDirection() === 'desc' })
  } while (parser.takeComma())
  parser.expectEnd()
  return terms
}

class Parser {
  readonly #tokens: Token[]
  readonly #depths = new WeakMap<Expression, number>()
  #next = 0
  #nodes = 0
  #nesting = 0

  constructor(text: string) {
    this.#tokens = tokenize(text)
  }

  readExpression(): Expression {
    return this.#readOr()
  }

  readDirection(): 'asc' | 'desc' {
    return this.#takeWord(['asc', 'desc'] as const) ?? 'asc'
  }

  takeComma(): boolean {
    return this.#take(',') !== null
  }

  expectEnd(): void {
    const token = this.#current
    if (token.kind !== 'end') throw new QueryError('Syntax error', token.at)
  }

  get #current(): Token {
    // The last token is the end, and nothing is taken beyond it.
    return this.#tokens[this.#next] as Token
  }

  #take(kind: Token['kind']): Token | null {
    const token = this.#current
    if (token.kind !== kind) return null
    this.#next += 1
    return token
  }

  #takeWord<Word extends string>(words: readonly Word[]): Word | null {
    const { kind, text } = this.#current
    const word = kind === 'name' ? words.find((one) => one === text) : undefined
    if (word === undefined) return null
    this.#next += 1
    return word
  }

  #readOr(): Expression {
    return this.#readTerms('or', () => this.#readTerms('and', () => this.#readComparison()))
  }

  #readTerms(kind: 'and' | 'or', readTerm: () => Expression): Expression {
    const { at } = this.#current
    const first = readTerm()
    const terms = [first]
    while (this.#takeWord([kind])) terms.push(readTerm())
    return terms.length === 1 ? first : this.#made({ kind, terms, at })
  }

  #readComparison(): Expression {
    return this.#readChain(
      COMPARISONS,
      () => this.#readSum(),
      (operator, left, right) => {
        return { kind: 'comparison', operator, left, right, at: left.at }
      },
    )
  }

  #readSum(): Expression {
    return this.#readChain(SUMS, () => this.#readProduct(), arithmetic)
  }

  #readProduct(): Expression {
    return this.#readChain(PRODUCTS, () => this.#readUnary(), arithmetic)
  }

  #readChain<Operator extends string>(
    operators: readonly Operator[],
    readOperand: () => Expression,
    combine: (operator: Operator, left: Expression, right: Expression) => Expression,
  ): Expression {
    let left = readOperand()
    for (;;) {
      const operator = this.#takeWord(operators)
      if (operator === null) return left
      left = this.#made(combine(operator, left, readOperand()))
    }
  }

  #readUnary(): Expression {
    const { at } = this.#current
    const kind = this.#take('-') ? 'negate' : this.#takeWord(['not'] as const)
    if (kind === null) return this.#readPrimary()
    return this.#made({ kind, operand: this.#nested(at, () => this.#readUnary()), at })
  }

  #readPrimary(): Expression {
    const token = this.#current
    if (this.#take('(')) {
      const inner = this.#nested(token.at, () => this.readExpression())
      this.#expect(')', "')' or operator expected")
      return inner
    }
    if (this.#take('string')) return this.#made({ kind: 'string', text: token.text, at: token.at })
    if (this.#take('number')) return this.#made({ kind: 'number', text: token.text, at: token.at })
    if (token.kind !== 'name' || OPERATORS.has(token.text)) throw new QueryError('Expression expected', token.at)
    this.#next += 1
    return this.#made(this.#readNamed(token))
  }

  #readNamed(name: Token): Expression {
    const { text, at } = name
    if (text === 'true' || text === 'false') return { kind: 'boolean', value: text === 'true', at }
    if (text === 'null') return { kind: 'null', at }
    if (text === 'datetime' || text === 'datetimeoffset') {
      const value = this.#take('string')
      if (value) return dateLiteral(text, value, at)
    }
    if (this.#current.kind === '(') return this.#readCall(name)
    const path = [text]
    while (this.#take('/')) path.push(this.#expect('name', 'Identifier expected').text)
    return { kind: 'member', name: path.join('/'), at }
  }

  #readCall({ text: name, at }: Token): Expression {
    if (!isFunctionName(name)) throw new QueryError(`Unknown identifier '${name}'`, this.#current.at)
    this.#expect('(', "'(' expected")
    const args: Expression[] = []
    this.#nested(at, () => {
      if (this.#current.kind === ')') return
      do args.push(this.readExpression())
      while (this.takeComma())
    })
    this.#expect(')', "')' or ',' expected")
    const [fewest, most] = FUNCTIONS[name]
    if (args.length < fewest || args.length > most) throw new QueryError(wrongCount(name), at)
    if (name === 'replace') checkReplace(args, at)
    return { kind: 'call', name, args, at }
  }

  #expect(kind: Token['kind'], otherwise: string): Token {
    const token = this.#take(kind)
    if (!token) throw new QueryError(otherwise, this.#current.at)
    return token
  }

  // Reads what stands deeper: in parentheses, behind a sign.
  #nested<T>(at: number, read: () => T): T {
    this.#nesting += 1
    if (this.#nesting > QUERY_DEPTH_MAX) throw tooDeep(at)
    const found = read()
    this.#nesting -= 1
    return found
  }

  // A chain of operators is deep without being nested: the tree itself is measured, too.
  #made<Made extends Expression>(expression: Made): Made {
    this.#nodes += 1
    if (this.#nodes > QUERY_NODES_MAX) {
      throw new QueryError(`The query has more than ${QUERY_NODES_MAX} parts`, expression.at)
    }
    let below = 0
    for (const part of partsOf(expression)) below = Math.max(below, this.#depths.get(part) ?? 0)
    if (below >= QUERY_DEPTH_MAX) throw tooDeep(expression.at)
    this.#depths.set(expression, below + 1)
    return expression
  }
}

function arithmetic(operator: ArithmeticOperator, left: Expression, right: Expression): Expression {
  return { kind: 'arithmetic', operator, left, right, at: left.at }
}

function dateLiteral(word: 'datetime' | 'datetimeoffset', { text }: Token, at: number): Literal {
  const time = word === 'datetimeoffset' || EXACT_DATE.test(text) ? Date.parse(text) : Number.NaN
  const iso = Number.isNaN(time) ? '' : new Date(time).toISOString()
  // Years of more digits, and the year 0, are none to PostgreSQL.
  if (!EXACT_DATE.test(iso) || iso.startsWith('0000')) throw new QueryError(`Invalid '${word}' literal`, at)
  return { kind: 'date', iso, at }
}

function checkReplace([subject, , replacement]: Expression[], at: number): void {
  const isShort = replacement?.kind === 'string' && replacement.text.length <= REPLACEMENT_LENGTH_MAX
  if (!isShort) {
    const what = `The replacement of 'replace' must be a string of at most ${REPLACEMENT_LENGTH_MAX} characters`
    throw new QueryError(what, replacement?.at ?? at)
  }
  if (subject && hasReplace(subject)) throw new QueryError("Calls of 'replace' can not be nested", at)
}

function hasReplace(expression: Expression): boolean {
  return (expression.kind === 'call' && expression.name === 'replace') || partsOf(expression).some(hasReplace)
}

function wrongCount(name: keyof typeof FUNCTIONS): string {
  const [fewest, most] = FUNCTIONS[name]
  const count = fewest === most ? String(fewest) : `${fewest} or ${most}`
  return `Function '${name}' requires ${count} parameter${count === '1' ? '' : 's'}.`
}

function tooDeep(at: number): QueryError {
  return new QueryError(`The query is nested deeper than ${QUERY_DEPTH_MAX} levels`, at)
}
