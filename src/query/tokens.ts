// The words and signs of a query, one after the other.
import { QueryError } from './query-error.ts'

/** `raw` is the token as it is written; `text` what it stands for: of a string without its quotes. */
export type Token = {
  kind: 'name' | 'string' | 'number' | '(' | ')' | ',' | '/' | '-' | 'end'
  raw: string
  text: string
  at: number
}

const BLANKS = /[ \t\r\n]*/y
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
const STRING = /'((?:[^']|'')*)'/y
// A number, its fraction, its exponent, its suffix. `.` and `e` are no integer's, and `L` is nothing else's.
const NUMBER = /(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)([A-Za-z]?)/y
const SIGNS = ['(', ')', ',', '/', '-'] as const

/** Takes a text apart. Ends with a token of kind `end`. Throws QueryError. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    at = matchAt(BLANKS, text, at)?.end ?? at
    const token = nextToken(text, at)
    tokens.push(token)
    if (token.kind === 'end') return tokens
    at += token.raw.length
  }
}

function nextToken(text: string, at: number): Token {
  const first = text[at]
  if (first === undefined) return { kind: 'end', raw: '', text: '', at }
  const sign = SIGNS.find((one) => one === first)
  if (sign !== undefined) return { kind: sign, raw: sign, text: sign, at }
  if (first === "'") return stringToken(text, at)
  const name = matchAt(NAME, text, at)
  if (name) return { kind: 'name', raw: name.whole, text: name.whole, at }
  const number = matchAt(NUMBER, text, at)
  if (number) return numberToken(number, at)
  throw new QueryError(`Syntax error '${characterAt(text, at)}'`, at)
}

function stringToken(text: string, at: number): Token {
  const found = matchAt(STRING, text, at)
  if (!found) throw new QueryError('Unterminated string literal', at)
  const inner = (found.groups[0] ?? '').replaceAll("''", "'")
  // PostgreSQL has no such text: none could be equal to it.
  if (inner.includes('\0') || !inner.isWellFormed()) throw new QueryError('Invalid character in string literal', at)
  return { kind: 'string', raw: found.whole, text: inner, at }
}

function numberToken({ whole, groups }: Match, at: number): Token {
  const [digits = '', suffix = ''] = groups
  const isInteger = /^\d+$/.test(digits)
  const isSuffix = suffix === '' || /^[fmd]$/i.test(suffix) || (isInteger && /^l$/i.test(suffix))
  if (!isSuffix) throw new QueryError(`Syntax error '${suffix}'`, at + digits.length)
  if (!Number.isFinite(Number(digits))) {
    throw new QueryError(`Invalid ${isInteger ? 'integer' : 'real'} literal '${digits}'`, at)
  }
  return { kind: 'number', raw: whole, text: digits, at }
}

type Match = { whole: string; groups: (string | undefined)[]; end: number }

function matchAt(pattern: RegExp, text: string, at: number): Match | null {
  pattern.lastIndex = at
  const found = pattern.exec(text)
  return found ? { whole: found[0], groups: found.slice(1), end: pattern.lastIndex } : null
}

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0xfffd)
}
