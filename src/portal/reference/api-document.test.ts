import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupsOf, schemaText } from './api-document.ts'

const NAME = { type: 'string' }
const MODE = { anyOf: [{ const: 'shared' }, { const: 'reserved' }] }

test('a schema is shown as what one would write, with what may be left out', () => {
  const schema = {
    type: 'object',
    required: ['name'],
    properties: {
      name: NAME,
      mode: { ...MODE, description: 'shared is the usual one' },
      steps: { type: 'array', items: { type: 'object', properties: { ms: { type: 'integer' } }, required: ['ms'] } },
      until: { anyOf: [NAME, { type: 'null' }] },
      before: {},
    },
  }
  const lines = [
    '{',
    '  name: string',
    '  mode?: "shared" | "reserved"   // shared is the usual one',
    '  steps?: [{',
    '    ms: integer',
    '  }]',
    '  until?: string | null',
    '  before?: anything',
    '}',
  ]
  assert.equal(schemaText(schema), lines.join('\n'))
})

test('routes are put together by what they are about, in the order of their paths and verbs', () => {
  const one = (tag: string) => ({ tags: [tag], summary: 'Does it' })
  const document = {
    info: { version: '1' },
    paths: {
      '/b/{x}': {
        delete: one('b'),
        get: { ...one('b'), parameters: [{ name: 'x', in: 'path', required: true, schema: NAME }] },
      },
      '/b': {
        post: {
          ...one('b'),
          requestBody: { content: { 'application/json': { schema: MODE } } },
          responses: { '202': {} },
        },
      },
      '/a': { get: one('a') },
    },
  }
  const groups = groupsOf(document)
  assert.deepEqual(
    groups.map(({ name, routes }) => [name, ...routes.map(({ method, path }) => `${method} ${path}`)]),
    [
      ['a', 'GET /a'],
      ['b', 'POST /b', 'GET /b/{x}', 'DELETE /b/{x}'],
    ],
  )
  const [post, get] = groups[1]?.routes ?? []
  assert.deepEqual([post?.body, post?.answers], ['"shared" | "reserved"', [{ status: '202', body: null }]])
  assert.deepEqual(get?.parameters, [{ name: 'x', place: 'path', isRequired: true, type: 'string' }])
})
