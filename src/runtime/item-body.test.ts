// Tests of item-body: what it takes, makes and refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkId, checkIdLength, parseItem } from './item-body.ts'

test('values keep their JSON type; dates become dates', () => {
  const item = parseItem({ id: 'a', s: 'x', n: 1.5, b: false, d: '2020-01-02T03:04:05Z', m: '/Date(0+0100)/', z: null })
  assert.deepEqual(item, {
    id: 'a',
    properties: [
      { name: 's', value: { kind: 'string', value: 'x' } },
      { name: 'n', value: { kind: 'number', value: 1.5 } },
      { name: 'b', value: { kind: 'boolean', value: false } },
      { name: 'd', value: { kind: 'date', value: '2020-01-02T03:04:05.000Z' } },
      { name: 'm', value: { kind: 'date', value: '1970-01-01T00:00:00.000Z' } },
      { name: 'z', value: { kind: 'null', value: null } },
    ],
  })
})

for (const text of [
  '2020-01-02',
  '2020-01-02T03:04:05',
  '2020-01-02T03:04:05.12Z',
  '2020-13-45T00:00:00Z',
  ' /Date(0)/',
]) {
  test(`${text} stays text`, () => {
    assert.deepEqual(parseItem({ d: text }).properties[0]?.value, { kind: 'string', value: text })
  })
}

test('text is stored composed', () => {
  assert.equal(parseItem({ t: 'e\u0301' }).properties[0]?.value.value, '\u00e9')
})

test('no id, null and an empty one are left to the server', () => {
  for (const body of [{}, { id: null }, { id: '' }]) assert.equal(parseItem(body).id, null)
})

for (const body of [null, undefined, 'x', 5, [], [{}]]) {
  test(`${JSON.stringify(body)} is no item`, () => {
    assert.throws(() => parseItem(body), { message: 'A single (valid) JSON object is expected.' })
  })
}

for (const [body, message] of [
  [{ ID: 'a' }, /only be specified via the 'id' property/],
  [{ id: 0 }, /'id' must be a string$/],
  [{ id: '..' }, /'id' is invalid/],
  [{ __createdAt: 'x' }, /'__createdAt' can not be set/],
  [{ 'a b': 1 }, /^'a b' is not a valid identifier/],
  [{ '1a': 1 }, /is not a valid identifier/],
  [{ [`a${'b'.repeat(128)}`]: 1 }, /is not a valid identifier/],
  [{ [`a${'b'.repeat(63)}`]: 1 }, /too long for a column/],
  [{ é: 1 }, /is not a valid identifier/],
  [{ o: [] }, /'o' is of type 'object'/],
] as const) {
  test(`${JSON.stringify(body).slice(0, 40)} is refused`, () => {
    assert.throws(() => parseItem(body), { status: 400, message })
  })
}

for (const id of ['a+b', 'a"b', 'a/b', 'a\\b', 'a?b', 'a`b', '.', '..', 'a\u0001', 'a\u0085', 'a\ud800']) {
  test(`${JSON.stringify(id)} is no id`, () => assert.throws(() => checkId(id), { status: 400 }))
}

test('any other text of up to 255 characters is an id', () => {
  for (const id of [' ', '日本', '😀', "'", '%', '-- ;', '...']) assert.equal(checkId(id), id)
  assert.equal(checkIdLength('x'.repeat(255)).length, 255)
  assert.throws(() => checkIdLength('x'.repeat(256)), { message: /maximum column size restriction/ })
})

test('whatever JSON comes, it is an item or a refusal with 400, never a bug', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      try {
        parseItem(value)
      } catch (error) {
        assert.equal((error as { status?: number }).status, 400)
      }
    }),
  )
})
