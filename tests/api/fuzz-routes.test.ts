// Whatever is sent to any route of a service: an answer below 500 that says what is wrong, and a runtime that lives.
// More of them: npm run campaign:http; the same again: FUZZ_SEED=… node --test tests/api/fuzz-routes.test.ts.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import { PROBE_PATH, RUNTIME_HEALTH_PATH, TRUNCATE_PATH } from '../../src/contract/protocols.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { changeTable } from '../../src/databases/table-change.ts'
import { clientHeaders, itemBody, option, segment } from '../support/app-calls.ts'
import { seedOf, text } from '../support/nasty.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const seed = seedOf(process.env)
const RUNS = Number(process.env.FUZZ_RUNS ?? 1_000)
const RUN_MS_MAX = RUNS * 60
const RAW_RUNS = Math.ceil(RUNS / 20)
const ECHO =
  'function (request, response) { response.send(200, { got: request.body === undefined ? null : request.body }); }'
const SCRIPTS = {
  'api/echo': ['get', 'post', 'put', 'patch', 'delete'].map((verb) => `exports.${verb} = ${ECHO};`).join('\n'),
  'api/routed': `exports.register = function (api) {
    api.get('/title/:title', function (request, response) { response.json({ title: request.params.title }); });
    api.post('*', ${ECHO});
  };`,
  'scheduler/sweep': "function sweep() { console.log('swept'); }",
}
const TABLES = ['Plain', 'Soft', 'Counted', 'Closed']

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'fuzz-routes')
  const level = 'application' as const
  const admin = { insert: 'admin', read: 'admin', update: 'admin', delete: 'admin' } as const
  const apis = [
    { name: 'echo', permissions: { get: level, post: level, put: level, patch: 'admin' as const, delete: level } },
    {
      name: 'routed',
      permissions: { get: 'public' as const, post: 'user' as const, put: level, patch: level, delete: level },
    },
  ]
  const usual = { isEnabled: false, overlap: 'skip', missed: 'once', countsFrom: new Date(0).toISOString() } as const
  const jobs = ['sweep', 'scriptless'].map((name) => ({ name, schedule: { kind: 'none' as const }, ...usual }))
  service = await addScripted(postgres, 'todo', SCRIPTS, {
    tables: [
      { name: 'Plain', permissions: DEFAULT_PERMISSIONS },
      { name: 'Soft', permissions: DEFAULT_PERMISSIONS },
      { name: 'Counted', permissions: DEFAULT_PERMISSIONS, idType: 'integer' },
      { name: 'Closed', permissions: admin },
    ],
    ...{ apis, jobs, isKeyRequired: false },
  })
  const soft = { schema: 'todo', table: 'Soft', serviceId: service.id }
  await postgres.cluster.withClient(async (client) => await changeTable(client, soft, { kind: 'soft_delete_on' }), {
    database: 'apps',
  })
  runtime.setLeases()
  await runtime.assign([service])
  for (const [at, name] of TABLES.slice(0, 3).entries()) {
    const body = { ...(at < 2 ? { id: 'a' } : {}), text: "it's", n: 1.5, b: true, d: '2020-01-01T00:00:00Z' }
    const answer = await runtime.call({ method: 'POST', path: `/tables/${name}`, body, headers: routed(service, APP) })
    assert.equal(answer.status, 201, answer.body)
  }
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

const tablePath = fc
  .tuple(
    fc.constantFrom('tables', 'Tables'),
    fc.constantFrom(...TABLES, 'counted', 'nothing'),
    fc.option(fc.oneof(segment, fc.constantFrom('1', '2', '-1', '1e2', '99999999999999999999')), { nil: null }),
  )
  .map(([first, table, id]) => `/${first}/${table}${id === null ? '' : `/${id}`}`)
const apiPath = fc
  .tuple(fc.constantFrom('echo', 'ECHO', 'routed', 'nothing', ''), fc.array(segment, { maxLength: 3 }))
  .map(([name, rest]) => `/api/${[name, ...rest].join('/')}`)
const otherPath = fc.oneof(
  fc.constantFrom('/jobs/sweep', '/jobs/SWEEP', '/jobs/scriptless', '/jobs/nothing', '/jobs', '/jobs/sweep/more'),
  fc
    .tuple(
      fc.constantFrom('/login', '/.auth/login', '/LOGIN'),
      fc.oneof(fc.constantFrom('facebook', 'google', 'aad', 'done', 'microsoftaccount', ''), segment),
      fc.constantFrom(
        '',
        '?completion_type=postMessage&completion_origin=http://localhost',
        '?code=x&state=y',
        '?error=z',
      ),
    )
    .map(([first, provider, query]) => `${first}/${provider}${query}`),
  fc.constantFrom('/push/registrations', '/push/registrationids', '/push/installations/x', '/push/registrations/a/b'),
  fc.constantFrom(
    '/status',
    '/diagnostics',
    '/crossdomain/bridge?origin=x',
    '/crossdomain/loginreceiver',
    '/favicon.ico',
  ),
  fc.constantFrom(
    PROBE_PATH,
    TRUNCATE_PATH,
    RUNTIME_HEALTH_PATH,
    '/.mainstay/jobs?top=x&job=%00',
    '/.mainstay/',
    '/.mainstay',
  ),
  fc.constantFrom('/', '', '//', '/..', '/%2e%2e/tables', '*', '/services/todo/tables/Plain', 'http://x/tables/Plain'),
  fc.array(segment, { maxLength: 6 }).map((segments) => `/${segments.join('/')}`),
)
const path = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: tablePath },
      { weight: 3, arbitrary: apiPath },
      { weight: 3, arbitrary: otherPath },
    ),
    fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(option, { maxLength: 3 })),
  )
  .map(([place, options]) => {
    const query = new URLSearchParams(options).toString()
    const all = query === '' ? place : `${place}${place.includes('?') ? '&' : '?'}${query}`
    // What is no target of a request at all is for the other test.
    return (/^(?:\/|\*|http)/.test(all) ? all : `/${all}`).slice(0, 8_000)
  })

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
const TOKENS = [
  ...['', 'x', 'a.b.c', '..', `${encode({ alg: 'none' })}.${encode({ uid: 'a' })}.`, `${encode({ alg: 'HS256' })}.x.y`],
  `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ exp: 'soon', uid: {} })}.AAAA`,
]
const headerText = text.map((word) =>
  word
    .replaceAll(/[^\x20-\x7e]/g, '')
    .trim()
    .slice(0, 500),
)
const moreHeaders = fc.dictionary(
  fc.constantFrom(
    ...['x-zumo-auth', 'authorization', 'origin', 'accept', 'accept-encoding', 'cookie', 'range', 'x-forwarded-proto'],
    ...['x-zumo-installation-id', 'x-zumo-features', 'x-request-id', 'access-control-request-headers', 'content-type'],
    ...['content-encoding', 'x-http-method-override', 'if-match', 'if-none-match', 'zumo-api-version', 'x-zumo-master'],
  ),
  fc.oneof(headerText, fc.constantFrom(...TOKENS, ...TOKENS.map((token) => `Bearer ${token}`))),
  { maxKeys: 3 },
)
const BOUNDARY = 'multipart/form-data; boundary=b'
const part = (name: string, content: string) => `--b\r\ncontent-disposition: form-data; ${name}\r\n\r\n${content}\r\n`
const typedBody: fc.Arbitrary<{ type: string; body: string }> = fc.oneof(
  fc
    .array(
      fc.tuple(fc.constantFrom('name="a"', 'name="f"; filename="x.txt"', 'name=""', 'x', 'name="__proto__"'), text),
      {
        maxLength: 4,
      },
    )
    .map((parts) => ({
      type: BOUNDARY,
      body: `${parts.map(([name, content]) => part(name, content)).join('')}--b--\r\n`,
    })),
  fc
    .constantFrom('--b', '--b\r\n', '--c--', part('name="a"', 'x'), '--b--', `${part('name="a"', 'x').slice(0, -4)}`)
    .map((body) => ({ type: BOUNDARY, body })),
  fc
    .constantFrom('multipart/form-data', 'multipart/form-data; boundary=', 'multipart/mixed; boundary=b')
    .map((type) => ({
      type,
      body: part('name="a"', 'x'),
    })),
  fc.array(fc.tuple(text, text), { maxLength: 5 }).map((pairs) => ({
    type: 'application/x-www-form-urlencoded',
    body: pairs.map(([name, word]) => `${name}=${word}`).join('&'),
  })),
  fc
    .constantFrom(
      'a[b][c]=1',
      'a[]=1&a[]=2',
      '%',
      '%zz=%',
      '__proto__[x]=1',
      '&'.repeat(5_000),
      `a${'[b]'.repeat(500)}=1`,
    )
    .map((body) => ({ type: 'application/x-www-form-urlencoded', body })),
  fc.constantFrom('[', '{"a":').map((open) => ({ type: 'application/json', body: open.repeat(20_000) })),
  fc.tuple(headerText, text).map(([type, body]) => ({ type, body })),
)
const call: fc.Arbitrary<TestCall> = fc
  .record({
    method: fc.constantFrom(
      'GET',
      'GET',
      'POST',
      'POST',
      'PATCH',
      'DELETE',
      'PUT',
      'OPTIONS',
      'HEAD',
      'TRACE',
      'PROPFIND',
    ),
    path,
    headers: clientHeaders,
    more: fc.oneof({ weight: 1, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: moreHeaders }),
    sent: fc.oneof(
      { weight: 3, arbitrary: itemBody.map((body) => ({ type: null, body })) },
      { weight: 2, arbitrary: typedBody },
    ),
  })
  .map(({ method, path: place, headers, more, sent: { type, body } }) => ({
    ...{ method, path: place, body },
    headers: { ...headers, ...more, ...(type === null ? {} : { 'content-type': type }) },
  }))

test(`whatever is sent to any route is answered, and not with a failure of ours (FUZZ_SEED=${seed})`, {
  timeout: 2 * RUN_MS_MAX,
}, async () => {
  let answered = 0
  await fc.assert(
    fc.asyncProperty(call, async (one) => {
      const answer = await runtime.call({ ...one, headers: routed(service, one.headers ?? {}) })
      assert.ok(
        answer.status >= 200 && answer.status < 500,
        `${answer.status} ${answer.body}\n${runtime.log.slice(-2_000)}`,
      )
      if (answer.status >= 400) requireMessage(one, answer)
      if (answer.status < 300) answered += 1
    }),
    { seed, numRuns: RUNS, interruptAfterTimeLimit: RUN_MS_MAX },
  )
  // Only refusals would prove little.
  assert.ok(answered > RUNS / 20, `${answered} of ${RUNS} were answered`)
  await requireAlive()
})

// As a gateway sends it on.
const HOST = 'host: x\r\nx-mainstay-service: todo\r\nx-mainstay-epoch: 1\r\n'
const raw = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      ...[
        '\r\n\r\n',
        'GET\r\n\r\n',
        'GET / HTTP/9.9\r\n\r\n',
        'GET /tables/Plain HTTP/1.1\r\n\r\n',
        'PRI * HTTP/2.0\r\n\r\n',
      ],
      `POST /tables/Plain HTTP/1.1\r\n${HOST}content-length: 5\r\ncontent-length: 6\r\n\r\n{}`,
      `POST /tables/Plain HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nzz\r\n`,
      `POST /tables/Plain HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n`,
      `GET /${'a'.repeat(70_000)} HTTP/1.1\r\n${HOST}\r\n`,
      `GET / HTTP/1.1\r\n${HOST}${'x: y\r\n'.repeat(3_000)}\r\n`,
      `GET / HTTP/1.1\r\n${HOST}x-zumo-auth: a\u0000b\r\n\r\n`,
      `CONNECT x:1 HTTP/1.1\r\n${HOST}\r\n`,
      `GET / HTTP/1.1\r\n${HOST}upgrade: websocket\r\nconnection: upgrade\r\n\r\n`,
    )
    .map((line) => Buffer.from(line, 'latin1')),
)

test(`what is hardly HTTP is refused or cut off (FUZZ_SEED=${seed})`, { timeout: 2 * RUN_MS_MAX }, async () => {
  await fc.assert(
    fc.asyncProperty(raw, async (bytes) => {
      const answer = await sendRaw(bytes)
      assert.match(answer, /^$|^HTTP\/1\.1 [1-4]/, answer.slice(0, 200))
    }),
    { seed, numRuns: RAW_RUNS, interruptAfterTimeLimit: RUN_MS_MAX },
  )
  await requireAlive()
})

// A 405 says it by its header; a conflict answers with the row.
function requireMessage({ method }: TestCall, { status, headers, body }: TestAnswer): void {
  if (method === 'HEAD' || status === 405 || status === 409 || status === 412) return
  assert.notEqual(body, '', `${status} says nothing`)
  if (!String(headers['content-type']).startsWith('application/json')) return
  const told = JSON.parse(body) as { error?: unknown }
  assert.ok(typeof told.error === 'string' && told.error.length > 0, body)
}

async function requireAlive(): Promise<void> {
  assert.doesNotMatch(runtime.log, /a request failed/)
  const alive = await runtime.call({ path: '/tables/Plain?$top=1', headers: routed(service, APP) })
  assert.equal(alive.status, 200)
}

// What comes back until either side ends it; who is left waiting for more of a request hangs up.
async function sendRaw(bytes: Buffer): Promise<string> {
  return await new Promise<string>((resolve) => {
    const socket = connect(runtime.socket)
    let answer = ''
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.end(bytes)
  })
}
