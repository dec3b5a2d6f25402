// The description of the management API: whole, in words, and what programs for OpenAPI can read.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { API } from '../../src/contract/api-routes.ts'
import { API_SUMMARIES } from '../../src/control/api-summaries.ts'
import { LoneControl } from '../support/lone-control.ts'

type Described = { summary?: string; operationId?: string; responses?: Record<string, unknown>; security?: unknown[] }
type Document = { openapi: string; info: { version: string }; paths: Record<string, Record<string, Described>> }

describe('the description of the management API', () => {
  let control: LoneControl
  let document: Document

  before(async () => {
    // With a provider, so that its routes are there; nobody asks it.
    const oidc = {
      MAINSTAY_OIDC_ISSUER: 'http://127.0.0.1:1',
      MAINSTAY_OIDC_CLIENT_ID: 'x',
      MAINSTAY_OIDC_CLIENT_SECRET: 'x',
    }
    control = await LoneControl.start(() => oidc)
    const headers = { authorization: `Bearer ${control.token}` }
    const answer = await fetch(`${control.url}/api/v1/openapi.json`, { headers })
    assert.equal(answer.status, 200)
    document = (await answer.json()) as Document
  })
  after(async () => await control?.dispose())

  const described = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, one]) => ({ path, method: method.toUpperCase(), one })),
    )

  test('has every route with a line on what it does, and no line is left over', () => {
    assert.match(document.openapi, /^3\.1/)
    const lacking = described().filter(({ one }) => !one.summary)
    assert.deepEqual(
      lacking.map(({ path, method }) => `${method} ${path}`),
      [],
    )
    const found = new Set(described().map(({ path, method }) => `${method} ${path}`))
    const told = Object.entries(API_SUMMARIES).flatMap(([name, methods]) =>
      Object.keys(methods).map((method) => `${method} ${API[name as keyof typeof API].replaceAll(/:(\w+)/g, '{$1}')}`),
    )
    assert.deepEqual(
      told.filter((route) => !found.has(route)),
      [],
    )
    assert.equal(found.size, told.length)
  })

  test('says what goes in and what comes out, from the schemas that are checked', () => {
    const create = document.paths['/api/v1/services']?.post as unknown as {
      requestBody: { content: { 'application/json': { schema: { properties: Record<string, unknown> } } } }
      responses: Record<string, unknown>
    }
    const { properties } = create.requestBody.content['application/json'].schema
    assert.ok('secondaryFor' in properties && 'isDryRun' in properties)
    assert.deepEqual(Object.keys(create.responses).sort(), ['200', '202'])
    assert.doesNotMatch(JSON.stringify(document), /\$ref":"#\/components\/schemas\/def-/)
  })

  test('names the page of the portal nowhere, and is for who may look', async () => {
    assert.deepEqual(
      Object.keys(document.paths).filter((path) => !path.startsWith('/api/v1/')),
      [],
    )
    assert.deepEqual(document.paths['/api/v1/sign-in']?.get?.security, [])
    assert.equal((await fetch(`${control.url}/api/v1/openapi.json`)).status, 401)
  })
})
