// Tests of the query language: what a text means, what is wrong with one, and that no text breaks anything.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Expression, FUNCTIONS, type FunctionName } from './expression.ts'
import { parseFilter, parseOrderTerms } from './parse.ts'
import { printExpression } from './print.ts'
import { QueryError } from './query-error.ts'

/** A text with all parentheses: how it was understood. */
function understood(text: string): string {
  return whole(parseFilter(text))
}

function whole(one: Expression): string {
  switch (one.kind) {
    case 'and':
    case 'or':
      return `(${one.terms.map(whole).join(` ${one.kind} `)})`
    case 'comparison':
    case 'arithmetic':
      return `(${whole(one.left)} ${one.operator} ${whole(one.right)})`
    case 'not':
      return `(not ${whole(one.operand)})`
    case 'negate':
      return `(-${whole(one.operand)})`
    case 'call':
      return `${one.name}(${one.args.map(whole).join(',')})`
    default:
      return printExpression(one)
  }
}

for (const [text, expected] of [
  ['a eq 1 or b eq 2 and c eq 3', '((a eq 1) or ((b eq 2) and (c eq 3)))'],
  ['(a eq 1 or b eq 2) and c eq 3', '(((a eq 1) or (b eq 2)) and (c eq 3))'],
  ['a and b and c or d', '((a and b and c) or d)'],
  ['a eq b ne c', '((a eq b) ne c)'],
  ['a sub b sub c', '((a sub b) sub c)'],
  ['a add b mul c lt d div e mod f', '((a add (b mul c)) lt ((d div e) mod f))'],
  ['not x eq 1', '((not x) eq 1)'],
  ['not (x eq 1)', '(not (x eq 1))'],
  ['-a mul -1', '((-a) mul (-1))'],
  ['- - a', '(-(-a))'],
  ["startswith(name,'O''Neil') eq true", "(startswith(name,'O''Neil') eq true)"],
  ["substring( text , 1,2 )eq'x'", "(substring(text,1,2) eq 'x')"],
  ["t ge datetime'2013-01-02T03:04:05Z'", "(t ge datetime'2013-01-02T03:04:05.000Z')"],
  ["t ge datetimeoffset'2013-01-02T03:04:05+02:00'", "(t ge datetime'2013-01-02T01:04:05.000Z')"],
  ['a eq 10L or a eq 1.5e3F or a eq 2m or a eq 3D', '((a eq 10) or (a eq 1.5e3) or (a eq 2) or (a eq 3))'],
  ['a eq 12345678901234567890', '(a eq 12345678901234567890)'],
  ['address/city eq null', '(address/city eq null)'],
  ['datetime eq true', '(datetime eq true)'],
  ['length eq 1', '(length eq 1)'],
  ["a eq ''", "(a eq '')"],
] as const) {
  test(`${text} is ${expected}`, () => assert.equal(understood(text), expected))
}

for (const [text, message] of [
  ['', 'Expression expected (at index 0)'],
  ['a eq', 'Expression expected (at index 4)'],
  ['a eq 1 and', 'Expression expected (at index 10)'],
  ['eq 1', 'Expression expected (at index 0)'],
  ['a 1', 'Syntax error (at index 2)'],
  ['a EQ 1', 'Syntax error (at index 2)'],
  ['a eq 1)', 'Syntax error (at index 6)'],
  ['(a eq 1', "')' or operator expected (at index 7)"],
  ["a eq 'x", 'Unterminated string literal (at index 5)'],
  ['a = 1', "Syntax error '=' (at index 2)"],
  ['a eq "x"', "Syntax error '\"' (at index 5)"],
  ['a eq 😀', "Syntax error '😀' (at index 5)"],
  ['a eq 1.5L', "Syntax error 'L' (at index 8)"],
  ['a eq 1e999', "Invalid real literal '1e999' (at index 5)"],
  ['foo(a)', "Unknown identifier 'foo' (at index 3)"],
  ['ToLower(a)', "Unknown identifier 'ToLower' (at index 7)"],
  ['length() eq 1', "Function 'length' requires 1 parameter. (at index 0)"],
  ["length(a,'b') eq 1", "Function 'length' requires 1 parameter. (at index 0)"],
  ['substring(a) eq 1', "Function 'substring' requires 2 or 3 parameters. (at index 0)"],
  ['length(a', "')' or ',' expected (at index 8)"],
  ['a/ eq 1', 'Syntax error (at index 6)'],
  ['a/1', 'Identifier expected (at index 2)'],
  ["t eq datetime'2013-01-02'", "Invalid 'datetime' literal (at index 5)"],
  ["t eq datetime'2013-13-02T00:00:00Z'", "Invalid 'datetime' literal (at index 5)"],
  ["t eq datetimeoffset'yesterday'", "Invalid 'datetimeoffset' literal (at index 5)"],
  ["t eq datetimeoffset'0000-01-01T00:00:00Z'", "Invalid 'datetimeoffset' literal (at index 5)"],
  ["a eq '\0'", 'Invalid character in string literal (at index 5)'],
  ["replace(a,'x',b) eq 'y'", "The replacement of 'replace' must be a string of at most 100 characters (at index 14)"],
  ["replace(replace(a,'x','y'),'y','z') eq 'y'", "Calls of 'replace' can not be nested (at index 0)"],
] as const) {
  test(`${JSON.stringify(text)} is refused: ${message}`, () => {
    assert.throws(() => parseFilter(text), { name: 'QueryError', message })
  })
}

test('an order has terms with directions, which may be expressions', () => {
  const terms = parseOrderTerms('a desc, b asc,length(c),d')
  const texts = terms.map(({ expression, isDescending }) => [printExpression(expression), isDescending])
  assert.deepEqual(texts, [
    ['a', true],
    ['b', false],
    ['length(c)', false],
    ['d', false],
  ])
  for (const text of ['a desc asc', 'a DESC', 'a,', ',a', 'a;b']) assert.throws(() => parseOrderTerms(text), QueryError)
})

test('depth and size are bounded, however they come about', () => {
  const deep = 1_000_000
  for (const text of [
    `${'('.repeat(deep)}a${')'.repeat(deep)}`,
    `${'not '.repeat(deep)}a`,
    '-'.repeat(deep),
    `${'length('.repeat(deep)}a`,
    `a${' add 1'.repeat(deep)}`,
    `a${' eq a'.repeat(deep)}`,
  ]) {
    assert.throws(
      () => parseFilter(text),
      { message: /nested deeper than 100 levels \(at index \d+\)/ },
      text.slice(0, 20),
    )
  }
  assert.throws(() => parseFilter(`a${' or a'.repeat(deep)}`), { message: /more than 10000 parts/ })
  assert.equal(parseFilter(`a eq 1${' or a eq 1'.repeat(2_000)}`).kind, 'or')
  assert.equal(parseFilter(`${'('.repeat(90)}a${')'.repeat(90)}`).kind, 'member')
})

const words = fc.constantFrom(
  ...[
    'a',
    'id',
    ' eq ',
    ' and ',
    'not ',
    '(',
    ')',
    ',',
    "'",
    "''",
    '-',
    '1',
    '1.5',
    'null',
    'true',
    '/',
    '\0',
    '%',
    ';',
  ],
  ...Object.keys(FUNCTIONS),
  ...["datetime'", "datetimeoffset'2020-01-01'", ' desc', '\ud800', 'é', '"', '\\', '--', '/*'],
)

test('whatever the text, it is a tree or refused with an index', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words, { maxLength: 40 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      for (const parse of [parseFilter, parseOrderTerms]) {
        try {
          parse(text)
        } catch (error) {
          assert.ok(error instanceof QueryError, String(error))
          assert.match(error.message, /\(at index \d+\)$/)
        }
      }
    }),
    { numRuns: 5_000 },
  )
})

const names = fc.constantFrom('id', 'text', '__updatedAt', 'Anna', 'not_a', 'datetime', 'length')
const dates = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-31T00:00:00Z'),
  noInvalidDate: true,
})
const texts = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))
const leaf: fc.Arbitrary<Expression> = fc.oneof(
  names.map((name) => ({ kind: 'member' as const, name, at: 0 })),
  texts.map((text) => ({ kind: 'string' as const, text, at: 0 })),
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => number(value)),
  fc.boolean().map((value) => ({ kind: 'boolean' as const, value, at: 0 })),
  dates.map((date) => ({ kind: 'date' as const, iso: date.toISOString(), at: 0 })),
  fc.constant({ kind: 'null' as const, at: 0 }),
)

function number(value: number): Expression {
  return { kind: 'number', text: String(Object.is(value, -0) ? 0 : value), at: 0 }
}

/** Any tree that a text could mean. */
const trees = fc.letrec<{ tree: Expression }>((tie) => {
  const tree = tie('tree')
  const call = fc.constantFrom(...(Object.keys(FUNCTIONS) as FunctionName[])).chain((name) => {
    const [fewest, most] = FUNCTIONS[name]
    if (name === 'replace') {
      return fc
        .tuple(leaf, leaf)
        .map(([a, b]) => [a, b, { kind: 'string' as const, text: "'x", at: 0 }])
        .map(madeOf(name))
    }
    return fc.array(tree, { minLength: fewest, maxLength: most }).map(madeOf(name))
  })
  return {
    tree: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      leaf,
      fc
        .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tree, { minLength: 2, maxLength: 4 }))
        .map(([kind, terms]) => ({ kind, terms, at: 0 })),
      fc
        .tuple(
          fc.constantFrom('eq' as const, 'ne' as const, 'gt' as const, 'ge' as const, 'lt' as const, 'le' as const),
          tree,
          tree,
        )
        .map(([operator, left, right]) => ({ kind: 'comparison' as const, operator, left, right, at: 0 })),
      fc
        .tuple(
          fc.constantFrom('add' as const, 'sub' as const, 'mul' as const, 'div' as const, 'mod' as const),
          tree,
          tree,
        )
        .map(([operator, left, right]) => ({ kind: 'arithmetic' as const, operator, left, right, at: 0 })),
      fc
        .tuple(fc.constantFrom('not' as const, 'negate' as const), tree)
        .map(([kind, operand]) => ({ kind, operand, at: 0 })),
      call,
    ),
  }
}).tree

function madeOf(name: FunctionName) {
  return (args: Expression[]): Expression => ({ kind: 'call', name, args, at: 0 })
}

// Where things stand in a text is no part of what it means.
function bare(tree: Expression): unknown {
  return JSON.parse(JSON.stringify(tree, (key, value) => (key === 'at' ? undefined : value)))
}

test('a tree printed and parsed is the same tree', () => {
  fc.assert(
    fc.property(trees, (tree) => {
      assert.deepEqual(bare(parseFilter(printExpression(tree))), bare(tree))
    }),
    { numRuns: 2_000 },
  )
})
