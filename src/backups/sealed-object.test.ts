import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ObjectFacts, openObject, sealObject } from './sealed-object.ts'

const KEY = Buffer.alloc(32, 7)
const FACTS: ObjectFacts = { kind: 'part', server: 'sql', key: 'servers/sql/base/x/part-00001', system: '712' }
const CONTENT = Buffer.from('rows '.repeat(1_000))

const sealed = async (facts = FACTS) => (await sealObject(KEY, facts, CONTENT)).sealed

test('what was sealed is opened as it was, and takes less room', async () => {
  const bytes = await sealed()
  assert.ok(bytes.length < CONTENT.length / 2)
  const { header, content } = await openObject(KEY, FACTS.key, bytes)
  assert.deepEqual(content, CONTENT)
  assert.deepEqual([header.kind, header.system, header.bytes], ['part', '712', CONTENT.length])
  assert.doesNotMatch(bytes.toString('latin1'), /rows/)
})

test('an empty content is one, too', async () => {
  const empty = await sealObject(KEY, FACTS, Buffer.alloc(0))
  assert.equal((await openObject(KEY, FACTS.key, empty.sealed)).content.length, 0)
})

test('each flipped bit and each cut is found, and the object named', async () => {
  const bytes = await sealed()
  const refusal = { code: 'vault.damaged', message: /part-00001 is damaged/ }
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at] = (flipped[at] ?? 0) ^ 0x10
    await assert.rejects(openObject(KEY, FACTS.key, flipped), refusal, `byte ${at}`)
  }
  for (const length of [0, 1, 100, bytes.length - 17, bytes.length - 1]) {
    await assert.rejects(openObject(KEY, FACTS.key, bytes.subarray(0, length)), refusal, `${length} bytes`)
  }
})

test('an object under the name of another is found out', async () => {
  await assert.rejects(openObject(KEY, 'servers/sql/base/x/part-00002', await sealed()), {
    code: 'vault.damaged',
    message: /it is servers\/sql\/base\/x\/part-00001, under another name/,
  })
})

test('another key is told apart from damage', async () => {
  await assert.rejects(openObject(Buffer.alloc(32, 8), FACTS.key, await sealed()), { code: 'vault.wrong_key' })
})
