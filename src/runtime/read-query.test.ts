// Tests of read-query: what it takes, makes and refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseItemQuery, parseListQuery, parseOptions } from './read-query.ts'

function list(text: string) {
  return parseListQuery(new URLSearchParams(text))
}

test('a list without options has 50 rows, no order and all columns', () => {
  assert.deepEqual(list(''), { top: 50, skip: 0, orderBy: [], select: null, wantsCount: false, filters: [] })
})

test('a list takes its options; a plus is a blank', () => {
  assert.deepEqual(list('$top=0&$skip=7&$orderby=a+desc,b,c+asc&$select=x,+y,X&$inlinecount=allpages'), {
    top: 0,
    skip: 7,
    orderBy: [
      { expression: { kind: 'member', name: 'a', at: 0 }, isDescending: true },
      { expression: { kind: 'member', name: 'b', at: 7 }, isDescending: false },
      { expression: { kind: 'member', name: 'c', at: 9 }, isDescending: false },
    ],
    select: ['x', 'y'],
    wantsCount: true,
    filters: [],
  })
})

for (const [query, message] of [
  ['$top=1001', /cannot exceed 1000\.$/],
  ['$top=-1', /greater or equal to 0\.$/],
  ['$top=1.5', /'\$top' must be a number\.$/],
  ['$skip=', /'\$skip' must be a number\.$/],
  ['$skip=99999999999999999999', /must be a number\.$/],
  ['$inlinecount=yes', /\$inlinecount/],
  ['$select=*', /^Invalid query specified\. Error: '\*' is not a valid identifier/],
  ['$select=a,', /is not a valid identifier/],
  ['$orderby=a DESC', /^Invalid query specified\. Error: Syntax error/],
  ['$orderby=a"', /^Invalid query specified\. Error: Syntax error '"' \(at index 1\)$/],
  ['$orderby=a,', /Expression expected \(at index 2\)$/],
  ['$filter=foo(a)', /^Invalid query specified\. Error: Unknown identifier 'foo' \(at index 3\)$/],
] as const) {
  test(`a list refuses ${query}`, () => {
    assert.throws(() => list(query), { status: 400, message })
  })
}

test('system properties come in any case, with and without underscores, or all at once', () => {
  const asked = (text: string) => parseOptions(new URLSearchParams(text)).systemColumns
  assert.deepEqual(asked('__SYSTEMPROPERTIES=CreatedAt,__version'), ['__createdAt', '__version'])
  assert.deepEqual(asked('__systemProperties=*'), ['__createdAt', '__updatedAt', '__version', '__deleted'])
  assert.throws(() => asked('__systemProperties=bogus'), { message: /'bogus' is not a supported system property/ })
})

test('names that begin with $ or __ are ours; all others are the app’s', () => {
  assert.throws(() => parseOptions(new URLSearchParams('$TOP=1')), { message: /parameter name '\$TOP'/ })
  assert.throws(() => parseOptions(new URLSearchParams('__x=1')), { message: /parameter name '__x'/ })
  assert.equal(parseOptions(new URLSearchParams('mine=1&NoScript=True')).isScriptSkipped, true)
})

test('a read by id takes only a selection', () => {
  assert.deepEqual(parseItemQuery(new URLSearchParams('$select=a')), { select: ['a'], filters: [] })
  assert.throws(() => parseItemQuery(new URLSearchParams('$skip=0')), { message: /cannot be applied to id queries/ })
})
