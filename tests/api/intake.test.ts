// What a service takes from apps by its settings: pages, protocol, size.
import { after, before, test } from 'node:test'
import type { Intake } from '../../src/contract/assignment.ts'
import { DEFAULT_API_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, type Expectation, MASTER, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const LIMIT_TEXT = '{"code":413,"error":"Error: Request body maximum size limit was exceeded."}'
const LARGE = { text: 'x'.repeat(3_000) }
const FROM = (origin: string) => ({ ...APP, origin })

const CASES: [string, Partial<Intake>, Partial<TestCall>, Expectation][] = [
  ['the usual page', {}, { headers: FROM('http://localhost:3000') }, allowed('http://localhost:3000')],
  ['another page', {}, { headers: FROM('https://app.example.test') }, allowed('')],
  [
    'a page that is named',
    { origins: ['app.example.test'] },
    { headers: FROM('https://app.example.test') },
    allowed('https://app.example.test'),
  ],
  [
    'the usual page where others are named',
    { origins: ['app.example.test'] },
    { headers: FROM('http://localhost') },
    allowed(''),
  ],
  ['a page of a file', { origins: ['null'] }, { headers: FROM('null') }, allowed('null')],
  ['no page at all', { origins: [] }, { headers: FROM('http://localhost') }, allowed('')],
  [
    'a preflight of a page that is named',
    { origins: ['*.example.test'] },
    { method: 'OPTIONS', headers: FROM('https://a.example.test') },
    { ...allowed('https://a.example.test'), status: 204 },
  ],
  ['a body beyond the limit', { bodyKb: 2 }, { method: 'POST', body: LARGE }, { status: 413, equals: LIMIT_TEXT }],
  ['a body within it', { bodyKb: 3 }, { method: 'POST', body: LARGE }, { status: 201 }],
  [
    'a body of an API beyond the limit',
    { bodyKb: 2 },
    { method: 'POST', path: '/api/echo', body: LARGE },
    { status: 413 },
  ],
  [
    'a larger one than usual',
    { bodyKb: 2_048 },
    { method: 'POST', body: { text: 'x'.repeat(1_500_000) } },
    { status: 201 },
  ],
  ['plain HTTP', { isHttpsRequired: true }, {}, { status: 403, equals: 'This service is reached over HTTPS only.' }],
  ['plain HTTP to an API', { isHttpsRequired: true }, { path: '/api/echo' }, { status: 403 }],
  ['plain HTTP with the master key', { isHttpsRequired: true }, { headers: MASTER }, { status: 403 }],
  ['HTTPS', { isHttpsRequired: true }, { headers: { ...APP, 'x-forwarded-proto': 'https' } }, { status: 200 }],
  [
    'what control asks, over its own door',
    { isHttpsRequired: true },
    { headers: { ...MASTER, 'x-mainstay-internal': '1' } },
    { status: 200 },
  ],
]

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'shared')
  const apis = [{ name: 'echo', permissions: DEFAULT_API_PERMISSIONS }]
  service = await addScripted(postgres, 'todo', { 'api/echo': 'exports.post = (q, s) => s.json(q.body)' }, { apis })
  runtime.setLeases()
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

for (const [what, changes, call, expected] of CASES) {
  test(`a service meets ${what}`, async () => {
    const intake = { origins: ['localhost'], isHttpsRequired: false, bodyKb: 1_024, ...changes }
    await runtime.assign([{ ...service, intake }])
    const headers = routed(service, call.headers ?? APP)
    check(expected, await runtime.call({ path: '/tables/TodoItem', ...call, headers }))
  })
}

function allowed(origin: string): Expectation {
  return { status: 200, answerHeaders: { 'access-control-allow-origin': origin } }
}
