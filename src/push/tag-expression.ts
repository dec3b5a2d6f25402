// Which devices a message is for: tags with `||`, `&&`, `!` and parentheses, read into a tree and from there into SQL.
import { Fault } from '../kit/fault.ts'
import { PUSH_EXPRESSION_CHARACTERS_MAX, PUSH_EXPRESSION_TAGS_MAX } from '../kit/limits.ts'

export type TagExpression =
  | { kind: 'tag'; tag: string }
  | { kind: 'not'; of: TagExpression }
  | { kind: 'and' | 'or'; parts: TagExpression[] }

const TOKENS = /\s*(\|\||&&|!|\(|\)|[^\s()!&|]+)/y

/** Reads one. Faults with `app.bad_request`, saying where. */
export function parseTagExpression(text: string): TagExpression {
  if (text.length > PUSH_EXPRESSION_CHARACTERS_MAX) {
    throw bad(`it has more than ${PUSH_EXPRESSION_CHARACTERS_MAX} characters`)
  }
  const reader = new Reader(tokensOf(text))
  const made = reader.or(0)
  reader.end()
  return made
}

/** As SQL over a column of tags, with values from `$first` on. */
export function tagSql(
  expression: TagExpression,
  { column, first }: { column: string; first: number },
): { text: string; values: string[] } {
  const values: string[] = []
  const write = (node: TagExpression): string => {
    switch (node.kind) {
      case 'tag':
        values.push(node.tag)
        return `${column} @> array[$${first + values.length - 1}::text]`
      case 'not':
        return `not (${write(node.of)})`
      case 'and':
      case 'or':
        return `(${node.parts.map(write).join(` ${node.kind} `)})`
    }
  }
  return { text: write(expression), values }
}

/** Whether it holds for a device with these tags. */
export function holds(expression: TagExpression, tags: ReadonlySet<string>): boolean {
  switch (expression.kind) {
    case 'tag':
      return tags.has(expression.tag)
    case 'not':
      return !holds(expression.of, tags)
    case 'and':
      return expression.parts.every((part) => holds(part, tags))
    case 'or':
      return expression.parts.some((part) => holds(part, tags))
  }
}

type Token = { text: string; at: number }

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  TOKENS.lastIndex = 0
  while (text.slice(TOKENS.lastIndex).trim() !== '') {
    const at = TOKENS.lastIndex
    const found = TOKENS.exec(text)
    if (!found) throw bad(`'${text.slice(at).trim()[0]}' at ${at} is half an operator: they are ||, && and !`)
    tokens.push({ text: found[1] ?? '', at: TOKENS.lastIndex - (found[1] ?? '').length })
  }
  return tokens
}

const DEPTH_MAX = 20
const OPERATORS = new Set(['||', '&&', '!', '(', ')'])

class Reader {
  readonly #tokens: Token[]
  #next = 0
  #tags = 0

  constructor(tokens: Token[]) {
    this.#tokens = tokens
  }

  or(depth: number): TagExpression {
    return this.#joined('or', '||', () => this.#joined('and', '&&', () => this.#unary(depth)))
  }

  end(): void {
    const token = this.#tokens[this.#next]
    if (token) throw bad(`'${token.text}' at ${token.at} is not expected: join tags by || or &&`)
  }

  #joined(kind: 'and' | 'or', word: string, read: () => TagExpression): TagExpression {
    const parts = [read()]
    while (this.#take(word)) parts.push(read())
    return parts.length === 1 && parts[0] ? parts[0] : { kind, parts }
  }

  #unary(depth: number): TagExpression {
    if (depth > DEPTH_MAX) throw bad(`more than ${DEPTH_MAX} of its parts lie in each other`)
    if (this.#take('!')) return { kind: 'not', of: this.#unary(depth + 1) }
    if (this.#take('(')) {
      const inner = this.or(depth + 1)
      if (!this.#take(')')) throw bad('a parenthesis is not closed')
      return inner
    }
    const token = this.#tokens[this.#next]
    if (!token || OPERATORS.has(token.text)) throw bad(token ? `a tag is missing at ${token.at}` : 'it ends too early')
    this.#next += 1
    this.#tags += 1
    if (this.#tags > PUSH_EXPRESSION_TAGS_MAX) throw bad(`it names more than ${PUSH_EXPRESSION_TAGS_MAX} tags`)
    return { kind: 'tag', tag: token.text }
  }

  #take(word: string): boolean {
    if (this.#tokens[this.#next]?.text !== word) return false
    this.#next += 1
    return true
  }
}

function bad(why: string): Fault {
  return new Fault('app.bad_request', 400, `The tag expression can not be read: ${why}.`)
}
