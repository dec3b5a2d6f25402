// What forms send, whole and broken.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMultipart, parseMultipart, parseUrlEncoded } from './form-body.ts'

const TYPE = 'multipart/form-data; boundary="--b"'
const part = (disposition: string, content: string | Buffer, type?: string) => {
  const head = `----b\r\nContent-Disposition: form-data; ${disposition}\r\n${type ? `Content-Type: ${type}\r\n` : ''}\r\n`
  return Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from('\r\n')])
}
const whole = (...parts: Buffer[]) => Buffer.concat([...parts, Buffer.from('----b--\r\n')])

test('fields and files of a form are told apart, byte for byte; a name that comes twice is a list', async () => {
  const bytes = Buffer.from([0, 255, 13, 10, 45, 45, 98, 128])
  const body = whole(
    part('name="title"', 'Müsli & co'),
    // As clients of .NET write it.
    part('name=tag', 'one'),
    part('name="tag"', 'two'),
    part('name="__proto__"', 'mine'),
    part('name="photo"; filename="a b.png"', bytes, 'image/png'),
    part('name="empty"; filename="none.txt"', ''),
  )
  const { fields, files } = await parseMultipart(TYPE, body)
  assert.deepEqual(Object.entries(fields), [
    ['title', 'Müsli & co'],
    ['tag', ['one', 'two']],
    ['__proto__', 'mine'],
  ])
  assert.deepEqual(files, [
    { field: 'photo', name: 'a b.png', type: 'image/png', bytes },
    { field: 'empty', name: 'none.txt', type: 'text/plain', bytes: Buffer.alloc(0) },
  ])
})

test('what is no whole form is refused, and says so', async () => {
  const cases: [string, Buffer][] = [
    ['multipart/form-data', whole(part('name="a"', 'x'))],
    ['multipart/form-data; boundary=', whole(part('name="a"', 'x'))],
    ['multipart/form-data; boundary=other', whole(part('name="a"', 'x'))],
    [TYPE, part('name="a"', 'x')],
    [TYPE, whole(part('name="a"', 'x')).subarray(0, 40)],
    [TYPE, Buffer.from('nothing of it')],
    [TYPE, whole(...Array.from({ length: 2_000 }, () => part('name="a"', 'x')))],
  ]
  for (const [type, body] of cases) {
    await assert.rejects(parseMultipart(type, body), { status: 400 }, `${type} ${body.subarray(0, 60)}`)
  }
})

test('a form without any part is one', async () => {
  assert.deepEqual(await parseMultipart(TYPE, whole()), { fields: {}, files: [] })
})

test('a form without files has fields only', () => {
  assert.deepEqual(parseUrlEncoded('a=1&b=x+y&a=2&c'), { a: ['1', '2'], b: 'x y', c: '' })
  assert.deepEqual(Object.keys(parseUrlEncoded('__proto__=1')), ['__proto__'])
})

test('only one type is a form of parts', () => {
  assert.equal(isMultipart('Multipart/Form-Data; boundary=x'), true)
  for (const other of [undefined, '', 'multipart/mixed; boundary=x', 'multipart/form-datax', 'application/json']) {
    assert.equal(isMultipart(other), false, other)
  }
})
