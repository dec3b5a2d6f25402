import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPartWriter } from './part-writer.ts'

test('parts come in order, together they are the stream, and only two are held at once', async () => {
  const parts: string[] = []
  const gates: (() => void)[] = []
  const writer = openPartWriter(4, async (part, number) => {
    await new Promise<void>((resolve) => gates.push(resolve))
    parts.push(`${number} ${part}`)
  })
  assert.equal(writer.write(Buffer.from('abc')), null)
  assert.equal(writer.write(Buffer.from('d')), null)
  const wait = writer.write(Buffer.from('efgh'))
  assert.ok(wait, 'the first part is not away yet')
  await Promise.resolve()
  gates.shift()?.()
  await wait
  assert.deepEqual(parts, ['1 abcd'])
  assert.equal(writer.write(Buffer.from('ij')), null)
  const end = writer.end()
  while (parts.length < 3) {
    await new Promise((resolve) => setImmediate(resolve))
    gates.shift()?.()
  }
  await end
  assert.deepEqual(parts, ['1 abcd', '2 efgh', '3 ij'])
})

test('a part that cannot be put fails the next wait and the end', async () => {
  const writer = openPartWriter(2, async () => {
    throw new Error('no room')
  })
  assert.equal(writer.write(Buffer.from('ab')), null)
  await assert.rejects(async () => await writer.write(Buffer.from('cd')), /no room/)
  await assert.rejects(writer.end(), /no room/)
})
