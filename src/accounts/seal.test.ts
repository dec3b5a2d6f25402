import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { OPENED_SECRETS_MAX } from '../kit/limits.ts'
import { rememberOpened, sealOf } from './seal.ts'

const KEY = randomBytes(32)

test('what was sealed is opened with the same key only, and only unchanged', () => {
  const seal = sealOf(KEY)
  const sealed = seal.seal('a master key')
  assert.equal(seal.open(sealed), 'a master key')
  assert.notEqual(seal.seal('a master key'), sealed)
  assert.throws(() => sealOf(randomBytes(32)).open(sealed))
  const changed = Buffer.from(sealed, 'base64')
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
  assert.throws(() => seal.open(changed.toString('base64')))
})

test('a secret that was opened lately is not opened again; one that cannot be opened is never remembered', () => {
  const seal = sealOf(KEY)
  const asked: string[] = []
  const open = (sealed: string) => {
    asked.push(sealed)
    return seal.open(sealed)
  }
  const remembering = rememberOpened({ ...seal, open })
  const [one, two] = [seal.seal('one'), seal.seal('two')]
  assert.deepEqual([one, two, one, two].map(remembering.open), ['one', 'two', 'one', 'two'])
  assert.deepEqual(asked, [one, two])
  for (let times = 0; times < 2; times += 1) assert.throws(() => remembering.open('nonsense'))
  assert.deepEqual(asked, [one, two, 'nonsense', 'nonsense'])
})

test('no more secrets are remembered than the limit', () => {
  let opened = 0
  const open = (sealed: string) => {
    opened += 1
    return sealed
  }
  const remembering = rememberOpened({ ...sealOf(KEY), open })
  for (let number = 0; number < OPENED_SECRETS_MAX; number += 1) remembering.open(String(number))
  remembering.open('0')
  assert.equal(opened, OPENED_SECRETS_MAX)
  // One more than there is room for: all are forgotten.
  remembering.open('one more')
  remembering.open('0')
  assert.equal(opened, OPENED_SECRETS_MAX + 2)
})
