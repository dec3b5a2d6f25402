import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { holds, parseTagExpression, type TagExpression, tagSql } from './tag-expression.ts'

const CASES: { text: string; for: string[]; notFor: string[] }[] = [
  { text: 'news', for: ['news', 'news sports'], notFor: ['', 'News', 'newsletter'] },
  { text: 'a || b', for: ['a', 'b', 'a b'], notFor: ['c'] },
  { text: 'a && b', for: ['a b'], notFor: ['a', 'b'] },
  { text: '(a || b) && !c', for: ['a', 'b d'], notFor: ['a c', 'c', ''] },
  { text: 'a || b && c', for: ['a', 'b c'], notFor: ['b', 'c'] },
  { text: '!(a||b)', for: ['', 'c'], notFor: ['a', 'b c'] },
  { text: '!!a', for: ['a'], notFor: [''] },
  { text: '_UserId:Facebook:1234', for: ['_UserId:Facebook:1234'], notFor: ['_UserId:Facebook:12345'] },
  { text: '$InstallationId:{4f-2}', for: ['$InstallationId:{4f-2}'], notFor: ['4f-2'] },
]

for (const { text, ...cases } of CASES) {
  test(`${text} holds where it should`, () => {
    const expression = parseTagExpression(text)
    const tagsOf = (words: string) => new Set(words.split(' ').filter((word) => word !== ''))
    for (const words of cases.for) assert.equal(holds(expression, tagsOf(words)), true, words)
    for (const words of cases.notFor) assert.equal(holds(expression, tagsOf(words)), false, words)
  })
}

const BAD: [string, RegExp][] = [
  ['', /it ends too early/],
  ['a b', /'b' at 2 is not expected: join tags by \|\| or &&/],
  ['a |b', /half an operator/],
  ['a & b', /half an operator/],
  ['(a || b', /a parenthesis is not closed/],
  ['a)', /'\)' at 1 is not expected/],
  ['a && || b', /a tag is missing at 5/],
  ['!', /it ends too early/],
  [`${'('.repeat(30)}a${')'.repeat(30)}`, /more than 20 of its parts/],
  [`${'!'.repeat(30)}a`, /more than 20 of its parts/],
  [Array.from({ length: 21 }, (_, at) => `t${at}`).join('||'), /more than 20 tags/],
  ['a'.repeat(5_000), /characters/],
]

for (const [text, message] of BAD) {
  test(`'${text.slice(0, 30)}' is refused, and why is said`, () => {
    assert.throws(() => parseTagExpression(text), { code: 'app.bad_request', status: 400, message })
  })
}

test('as SQL, tags are values and nothing else', () => {
  const expression = parseTagExpression("(a || x'y) && !c")
  assert.deepEqual(tagSql(expression, { column: 'tags', first: 3 }), {
    text: '((tags @> array[$3::text] or tags @> array[$4::text]) and not (tags @> array[$5::text]))',
    values: ['a', "x'y", 'c'],
  })
})

test('whatever comes, it is read or refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '|', '&', '!', '(', ')', ' ', '$', "'") }), (text) => {
      let read: TagExpression | null = null
      try {
        read = parseTagExpression(text)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'app.bad_request')
      }
      if (read) assert.doesNotMatch(tagSql(read, { column: 'tags', first: 1 }).text, /'/)
    }),
  )
})
