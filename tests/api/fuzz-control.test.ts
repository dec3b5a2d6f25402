// Whatever is sent to the management API: an answer below 500 with a code and a message, and never a stack.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { API } from '../../src/contract/api-routes.ts'
import { LoneControl } from '../support/lone-control.ts'
import { seedOf, text, value } from '../support/nasty.ts'

const seed = seedOf(process.env)
const RUNS = 1_500
const RUN_MS_MAX = 20_000
const FIELDS = [
  ...['name', 'location', 'mode', 'units', 'secondaryFor', 'value', 'permissions', 'type', 'confirm', 'text'],
  ...['secondary', 'isDryRun', 'isForced', 'expectedAction', 'role', 'domain', 'reservedUnits', 'sharedSlots'],
  ...['insert', 'read', 'strange', '__proto__', 'constructor'],
]
const QUERIES = [
  'deleteData',
  'now',
  'service',
  'top',
  'subject',
  'after',
  'version',
  'id',
  '$filter',
  '$top',
  'strange',
]
// What a lost region is answered, on purpose: it is neither the caller's mistake nor ours.
const LOST = ['region.unreachable', 'region.no_database', 'door.unreachable', 'backup.no_vault']

type Sent = { method: string; path: string; headers: Record<string, string>; body: string | Buffer }
type Answer = { status: number; type: string; body: string }

const segment = fc.oneof(
  { weight: 8, arbitrary: text.map((word) => encodeURIComponent(word.toWellFormed())) },
  { weight: 1, arbitrary: fc.constantFrom('%', '%ZZ', '%C0%80', '%ff', '%00', '%2e%2e', '%2F', 'a%00b', '') },
)
// A stream does not end, and is told of elsewhere.
const ROUTES = Object.values(API).filter((route) => route !== API.events)
/** What is for anybody. */
const OPEN = new Set<string>([API.live, API.signIn, '/'])

const path = fc
  .record({
    route: fc.constantFrom(...ROUTES, '/', '/api/v1/nothing', '/api/v2/services'),
    segments: fc.array(segment, { minLength: 3, maxLength: 3 }),
    query: fc.dictionary(fc.constantFrom(...QUERIES), segment, { maxKeys: 3 }),
  })
  .map(({ route, segments, query }) => {
    let used = 0
    const filled = route.replace(/:\w+/g, () => segments[used++] ?? '')
    const pairs = Object.entries(query).map(([name, word]) => `${encodeURIComponent(name)}=${word}`)
    return pairs.length === 0 ? filled : `${filled}?${pairs.join('&')}`
  })
const object = fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 4, noNullPrototype: true })
const body: fc.Arbitrary<string | Buffer> = fc.oneof(
  { weight: 12, arbitrary: object.map((fields) => JSON.stringify(fields)) },
  { weight: 2, arbitrary: fc.jsonValue().map((json) => JSON.stringify(json)) },
  { weight: 2, arbitrary: fc.constant('') },
  {
    weight: 2,
    arbitrary: fc.constantFrom<string | Buffer>(
      ...['{', '\0', 'null', '{"name":"\\ud800"}', '{"__proto__":{"name":"x"}}', '{"name":"a","name":"b"}'],
      ...['[', '{"a":'].map((open) => open.repeat(20_000)),
      `{"name":"${'x'.repeat(1_000_000)}"}`,
      Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
    ),
  },
)
const headers = fc
  .record({
    type: fc.oneof(
      { weight: 10, arbitrary: fc.constant('application/json') },
      {
        weight: 1,
        arbitrary: fc.constantFrom('', 'text/plain', 'application/xml', 'application/json; charset=utf-16', 'nonsense'),
      },
    ),
    key: fc.option(fc.constantFrom('a', 'b', 'ü', 'x'.repeat(3_000)), { nil: null, freq: 4 }),
  })
  .map(({ type, key }) => ({
    ...(type === '' ? {} : { 'content-type': type }),
    ...(key === null ? {} : { 'idempotency-key': key }),
  }))
const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS')
const sent: fc.Arbitrary<Sent> = fc.record({ method, path, headers, body })
const wrongToken = fc.constantFrom(
  '',
  'Bearer',
  'Bearer ',
  'Bearer wrong',
  'Basic b3A6b3A=',
  `Bearer ${'x'.repeat(9_000)}`,
)

describe('the management API, whatever it is sent', () => {
  let control: LoneControl

  const ask = async (what: Sent): Promise<Answer> =>
    await new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: control.port, method: what.method, path: what.path }
      const asking = request(
        {
          ...options,
          headers: { ...what.headers, 'content-length': Buffer.byteLength(what.body) },
          timeout: 15_000,
          agent: false,
        },
        (answer) => {
          let got = ''
          answer.on('data', (chunk) => (got += String(chunk)))
          answer.on('end', () => {
            resolve({ status: answer.statusCode ?? 0, type: String(answer.headers['content-type'] ?? ''), body: got })
          })
        },
      )
      asking.on('timeout', () => asking.destroy(new Error('no answer')))
      asking.on('error', reject)
      asking.end(what.body)
    })
  const allowed = (what: Sent): Sent => ({
    ...what,
    headers: { ...what.headers, authorization: `Bearer ${control.token}` },
  })
  const count = async () => {
    const [row] = await control.sql(`
      select (select version from desired) as version, (select count(*) from audit) as changes,
        (select count(*) from operations) as operations, (select count(*) from join_tokens) as tokens`)
    return row
  }

  before(async () => {
    control = await LoneControl.start()
    await control.seed()
  })
  after(async () => await control?.dispose())

  test('an operator gets what was asked for, or is told what was wrong', async () => {
    const property = fc.asyncProperty(sent, async (what) => requireGood(what, await ask(allowed(what))))
    await fc.assert(property, { seed, numRuns: RUNS, interruptAfterTimeLimit: RUN_MS_MAX })
    assert.doesNotMatch(control.log, /a request failed/)
  })

  test('whoever has no token that is known gets nothing, and changes nothing', async () => {
    const earlier = await count()
    const property = fc.asyncProperty(sent, wrongToken, async (what, authorization) => {
      const with_ = { ...what, headers: { ...what.headers, ...(authorization === '' ? {} : { authorization }) } }
      const answer = await ask(with_)
      requireGood(what, answer)
      const isOpen = OPEN.has(what.path.split('?')[0] ?? '')
      assert.ok(isOpen || answer.status >= 400, `${what.method} ${what.path}: ${answer.status}`)
    })
    await fc.assert(property, { seed, numRuns: RUNS / 5, interruptAfterTimeLimit: RUN_MS_MAX / 4 })
    assert.deepEqual(await count(), earlier)
  })

  test('what is no HTTP at all is refused in the same words', async () => {
    const token = `authorization: Bearer ${control.token}`
    for (const raw of [
      'nonsense\r\n\r\n',
      `GET /api/v1/services/\xff\xfe HTTP/1.1\r\nhost: x\r\n${token}\r\n\r\n`,
      `GET /api/v1/services HTTP/1.1\r\nhost: x\r\n${token}\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`,
      `POST /api/v1/services HTTP/1.1\r\nhost: x\r\n${token}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\nhello`,
      `POST /api/v1/services HTTP/1.1\r\nhost: x\r\n${token}\r\ncontent-length: -5\r\n\r\nhello`,
    ]) {
      const said = await speak(raw)
      assert.match(said, /^HTTP\/1.1 4\d\d /, raw.slice(0, 60))
      const { code, message } = JSON.parse(said.slice(said.indexOf('\r\n\r\n'))) as { code: string; message: string }
      assert.ok(typeof code === 'string' && typeof message === 'string', said)
    }
  })

  test('HEAD gets no body, also when its headers are too large', async () => {
    const said = await speak(`HEAD /api/v1/live HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)
    assert.match(said, /^HTTP\/1.1 431 /)
    assert.equal(said.slice(said.indexOf('\r\n\r\n')), '\r\n\r\n')
  })

  // Answered while they still write: a connection that was ended then would take the answer along.
  test('an answer reaches also those who have not sent their whole body yet', async () => {
    const huge = { method: 'POST', path: API.services, headers: { 'content-type': 'application/json' } }
    const body = JSON.stringify({ name: 'x'.repeat(2_500_000) })
    for (let count = 0; count < 20; count += 1) {
      assert.equal((await ask(allowed({ ...huge, body }))).status, 413)
      assert.equal((await ask({ ...huge, body })).status, 401)
      assert.equal((await ask(allowed({ ...huge, method: 'GET', path: '/nowhere', body }))).status, 404)
    }
    assert.equal((await ask(allowed({ ...huge, method: 'GET', body: '' }))).status, 200)
  })

  test('a wrong type is refused, not guessed around', async () => {
    const cases: [path: string, method: string, body: unknown][] = [
      [API.services, 'POST', { name: 12 }],
      [API.services, 'POST', { name: ['NewService'] }],
      [API.services, 'POST', { name: 'NewService', mode: 'reserved', units: '2' }],
      [API.services, 'POST', { name: 'NewService', secondaryFor: null }],
      [API.services, 'POST', { name: 'NewService', strange: 1 }],
      ['/api/v1/regions/west-us', 'PATCH', { reservedUnits: '4' }],
      ['/api/v1/regions/west-us', 'PATCH', { reservedUnits: true }],
      ['/api/v1/services/PrimaryService/recover', 'POST', { secondary: 'SecondaryService', isForced: 'true' }],
    ]
    for (const [path, method, json] of cases) {
      const headers = { 'content-type': 'application/json' }
      const answer = await ask(allowed({ method, path, headers, body: JSON.stringify(json) }))
      assert.equal(answer.status, 400, `${path} ${JSON.stringify(json)}: ${answer.body}`)
      assert.equal((JSON.parse(answer.body) as { code: string }).code, 'http.bad_request')
    }
  })

  const speak = async (raw: string): Promise<string> =>
    await new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: control.port }, () => socket.write(raw, 'latin1'))
      let said = ''
      socket.setTimeout(5_000, () => socket.destroy(new Error(`no end: ${said}`)))
      socket.on('data', (chunk) => {
        said += String(chunk)
        if (said.includes('\r\n\r\n') && said.endsWith('}')) socket.end()
      })
      socket.on('close', () => resolve(said))
      socket.on('error', reject)
    })
})

function requireGood(what: Sent, answer: Answer): void {
  const { status, type, body: got } = answer
  const about = `${what.method} ${what.path.slice(0, 200)} ${String(what.body).slice(0, 200)}: ${status} ${got.slice(0, 500)}`
  assert.doesNotMatch(got, /\n\s+at |node_modules|\.ts:\d/, about)
  if (status >= 200 && status < 300) return
  if (what.method === 'HEAD') {
    assert.ok((status >= 400 && status < 500) || status === 503, about)
    return
  }
  assert.match(type, /^application\/json/, about)
  const fault = JSON.parse(got) as Record<string, unknown>
  assert.ok(typeof fault.code === 'string' && fault.code !== '', about)
  assert.ok(typeof fault.message === 'string' && fault.message !== '', about)
  assert.deepEqual(
    Object.keys(fault).filter((key) => !['code', 'message', 'hint'].includes(key)),
    [],
    about,
  )
  assert.ok((status >= 400 && status < 500) || (status === 503 && LOST.includes(fault.code)), about)
}
