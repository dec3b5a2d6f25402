// The management endpoint of the original's tools: who is let in, by what, and how everybody else is told no.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type {
  AuthorityView,
  ManagementCertificateView,
  PublishSettingsView,
  SubscriptionView,
} from '../../src/contract/api.ts'
import { API } from '../../src/contract/api-routes.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { AzureClient, type ToolAnswer } from '../support/azure-client.ts'
import { freePort } from '../support/cloud.ts'
import { LoneControl } from '../support/lone-control.ts'
import { makePfx } from '../support/pfx.ts'

let control: LoneControl
let authority: string
let subscription: SubscriptionView

before(async () => {
  const port = await freePort()
  control = await LoneControl.start(() => ({ MAINSTAY_MANAGEMENT_PORT: String(port) }))
  await control.seed()
  authority = (await call<AuthorityView>('GET', API.authority)).certificate ?? ''
  subscription = await call<SubscriptionView>('GET', API.subscription)
})

after(async () => await control.dispose())

test('a client certificate of publish settings opens what its role says', async () => {
  const reader = await importAs('reader')
  const all = await reader.mobile('GET', '')
  assert.equal(all.status, 200, all.text)
  assert.deepEqual((all.json as { name: string }[]).map(({ name }) => name).sort(), [
    'PrimaryService',
    'SecondaryService',
  ])
  refused(await reader.mobile('POST', '/PrimaryService/restart'), 403, /takes the role operator/)
})

test('who shows nothing, or a certificate of their own, is told so by the application', async () => {
  const about = { endpoint: String(subscription.endpoint), subscription: subscription.id, authority }
  const nobody = new AzureClient({ ...about, identity: null })
  refused(await nobody.mobile('GET', ''), 403, /wants a client certificate, or a token.*publishsettings/)
  const { key, chain } = makePfx('stranger', 'x')
  const stranger = new AzureClient({ ...about, identity: { key, cert: chain } })
  refused(await stranger.mobile('GET', ''), 403, /this client certificate is not known here/)
})

test('a certificate that was revoked, or has ended, opens nothing; and who made it is in the audit', async () => {
  const tool = await importAs('operator')
  assert.equal((await tool.mobile('GET', '')).status, 200)
  const [newest] = await call<ManagementCertificateView[]>('GET', API.toolCertificates)
  assert.ok(newest?.lastUsedAt)
  assert.equal(newest.name, 'tool of a operator')
  await call('DELETE', API.toolCertificate.replace(':certificate', newest.id))
  refused(await tool.mobile('GET', ''), 403, /this client certificate was revoked at 20/)
  const old = await importAs('operator')
  await control.sql("update management_certificates set expires_at = now() - interval '1 s' where revoked_at is null")
  refused(await old.mobile('GET', ''), 403, /this client certificate ended at 20/)
  const audit = await call<{ action: string; after: { fingerprint: string } }[]>('GET', API.audit)
  const made = audit.find(({ action, after }) => action === 'account publishsettings' && after)
  assert.match(String(made?.after.fingerprint), /^[0-9a-f]{64}$/)
  assert.ok(audit.some(({ action }) => action === 'account cert revoke'))
})

test('a certificate takes the name of no token and no person', async () => {
  const answer = await fetch(`${control.url}${API.publishSettings}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${control.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'operator', role: 'owner' }),
  })
  assert.equal(answer.status, 400)
  assert.equal(((await answer.json()) as { code: string }).code, 'account.bad_name')
})

test('nobody takes the name of a certificate that is good; when it has ended it is free', async () => {
  await importAs('reader')
  const name = 'Tool of a Reader'
  for (const path of [API.accounts, API.tokens]) {
    assert.deepEqual(await ask('POST', path, { name, role: 'reader' }), { status: 409, code: 'account.taken' })
  }
  await importAs('reader')
  await control.sql("update management_certificates set expires_at = now() - interval '1 s' where name like 'tool of%'")
  assert.equal((await ask('POST', API.accounts, { name, role: 'reader' })).status, 201)
  assert.equal((await ask('DELETE', `${API.accounts}/${encodeURIComponent(name)}`)).status, 204)
})

test('certificates that have ended or were revoked take no room', async () => {
  const fill = async (id: string, expires: string, revoked: string) =>
    await control.sql(
      `insert into management_certificates (id, subscription_id, name, role, fingerprint, issued_by, expires_at, revoked_at)
       select $1 || n, 'default', 'many', 'reader', $1 || n, 'operator', now() + $2::interval, $3::timestamptz
       from generate_series(1, 1000) n`,
      [id, expires, revoked === '' ? null : revoked],
    )
  const wanted = { name: 'one more', role: 'reader' }
  await fill('ended', '-1 s', '')
  await fill('revoked', '1 day', '2026-01-01')
  assert.equal((await ask('POST', API.publishSettings, wanted)).status, 201)
  await fill('live', '1 day', '')
  assert.deepEqual(await ask('POST', API.publishSettings, wanted), { status: 409, code: 'account.too_many' })
  await control.sql("delete from management_certificates where name = 'many'")
})

test('where there is no room for one more deployment user, those that are there still get new passwords', async () => {
  await control.sql(
    `insert into deployment_users (subscription_id, name, password_hash, principal)
     select 'default', 'user' || n, 'x', 'operator' from generate_series(1, 100) n`,
  )
  const password = 'correct horse battery staple'
  assert.equal((await ask('PUT', `${API.deploymentUsers}/USER7`, { password })).status, 204)
  const refusal = await ask('PUT', `${API.deploymentUsers}/user101`, { password })
  assert.deepEqual(refusal, { status: 409, code: 'account.too_many' })
  await control.sql('delete from deployment_users')
})

test('links lead to the endpoint that tools are told of, whatever host a request names', async () => {
  const tool = await importAs('owner')
  const base = `${tool.endpoint}/${tool.subscription}`
  const headers = { host: 'localhost:1' }
  const own = `${base}/services/mobileservices/mobileservices/PrimaryService`
  const { json: service } = await tool.mobile('GET', '/PrimaryService', { headers })
  assert.equal((service as { selflink: string }).selflink, own)
  const { json: tables } = await tool.mobile('GET', '/PrimaryService/tables', { headers })
  assert.equal((tables as { selflink: string }[])[0]?.selflink, `${own}/tables/TodoItem`)
  const { text } = await tool.application('GET', '/applications/PrimaryServicemobileservice', { headers })
  assert.ok(text.includes(`<Uri>${base}/applications/PrimaryServicemobileservice</Uri>`), text)
})

test('a token opens it as well, and the id of the subscription is checked in both cases', async () => {
  const about = { endpoint: String(subscription.endpoint), authority }
  const right = new AzureClient({ ...about, subscription: subscription.id, identity: { token: control.token } })
  assert.equal((await right.mobile('GET', '')).status, 200)
  const wrong = new AzureClient({ ...about, subscription: 'default', identity: { token: control.token } })
  refused(await wrong.mobile('GET', ''), 403, /not for that subscription/)
  const bad = new AzureClient({ ...about, subscription: subscription.id, identity: { token: 'x'.repeat(40) } })
  refused(await bad.mobile('GET', ''), 401, /this token is not known here/)
})

test('a path that could mean another place is refused; one with a slash too many is not', async () => {
  const tool = await importAs('owner')
  const place = `/${tool.subscription}/services/mobileservices/mobileservices`
  for (const path of [`${place}/..`, `${place}/%2e%2e`, `${place}/a%2fb`, `${place}/a%5cb`, `${place}/..%2f..%2fetc`]) {
    refused(await tool.send('GET', path, { headers: { accept: 'application/json' } }), 400, /cannot be a name/)
  }
  assert.equal((await tool.send('GET', `/${place}`)).status, 200)
  const missing = await tool.send('GET', `${place}/PrimaryService/nothing`)
  assert.deepEqual([missing.status, (missing.json as { code: string }).code], [404, 'http.no_route'])
})

test('a body that is too large, that is no JSON, or says nothing is refused in words', async () => {
  const tool = await importAs('owner')
  const large = await tool.mobile('PUT', '/PrimaryService/keys', {
    body: { Type: 'master', Value: 'x'.repeat(3_000_000) },
  })
  refused(large, 413, /too large/)
  const type = 'application/json'
  refused(await tool.mobile('PUT', '/PrimaryService/keys', { body: '{', type }), 400, /not JSON/)
  refused(await tool.mobile('PUT', '/PrimaryService/keys', { body: '', type }), 400, /names no Value/)
  refused(await tool.mobile('PUT', '/PrimaryService/scalesettings', { body: { tier: 'tier9' } }), 400, /is no tier/)
  const empty = await tool.application('POST', '/applications', { body: '<Application/>' })
  assert.equal(empty.status, 400)
  assert.match(empty.text, /^the request has no Configuration/)
})

test('the outcome of a request is told to its subscription only, and what is unknown has words', async () => {
  const tool = await importAs('owner')
  const asked = await tool.application('DELETE', '/applications/Nobodymobileservice')
  assert.equal(asked.status, 202)
  const id = String(asked.headers['x-ms-request-id'])
  const told = await tool.send('GET', `/${tool.subscription}/operations/${id}`)
  assert.match(told.text, /<Status>Succeeded<\/Status><HttpStatusCode>200</)
  refused(await tool.send('GET', `/${tool.subscription}/operations/undefined`), 404, /there is no operation/)
  const migration = await tool.mobile('GET', `/PrimaryService/migrate?operationId=${id}`)
  refused(migration, 404, /there is no operation/)
})

test('a service that was deleted with its data is dropped when its month is over, and not before', async () => {
  await control.sql(
    `insert into services (id, subscription_id, name, schema_name, region, machine, mode, units, epoch, server, state,
       application_key, master_key, login_password, ended_at, drop_data_at)
     select id || n, 'default', name || n, lower(name) || n, region, machine, mode, units, nextval('epochs'), server, 'archived',
       application_key, master_key, login_password, now(), now() + n * interval '1 day'
     from services, (values (-1), (1)) as due(n) where name = 'PrimaryService'`,
  )
  const stateOf = async (id: string) => (await control.sql('select state from services where id = $1', [id]))[0]?.state
  const isDropped = async () => (await stateOf('PrimaryService-1')) === 'deleted' || undefined
  await waitFor('the data to be dropped', isDropped, { withinMs: 30_000 })
  assert.equal(await stateOf('PrimaryService1'), 'archived')
  const audit = await call<{ action: string; subject: string }[]>('GET', API.audit)
  assert.ok(audit.some(({ action, subject }) => action === 'drop deleted service' && subject === 'PrimaryService-1'))
})

test('the clean-up of a migration leaves the secondary alone, also when it comes late', async () => {
  const tool = await importAs('owner')
  await insertOperation('moved', {
    kind: 'switchover',
    state: 'succeeded',
    ago: '3 hours',
    secondary: 'SecondaryService',
  })
  await control.sql(
    `insert into management_recoveries (subscription_id, secondary, primary_name, operation_id, state)
     values ('default', 'secondaryservice', 'primaryservice', 'moved', 'running')`,
  )
  const late = await tool.application('DELETE', '/applications/SecondaryServicemobileservice')
  assert.equal(late.status, 202, late.text)
  const [left] = await control.sql("select state from services where name = 'SecondaryService'")
  assert.equal(left?.state, 'ready')
})

test('what is refused while another uses the secondary leaves it in use; by itself it is a failure', async () => {
  const tool = await importAs('owner')
  const migrate = async () => await tool.mobile('POST', '/PrimaryService/migrate?targetMobileService=SecondaryService')
  const cleanUp = async () => await tool.application('DELETE', '/applications/SecondaryServicemobileservice')
  await control.sql("delete from management_recoveries where secondary = 'secondaryservice'")
  assert.ok([409, 503].includes((await migrate()).status))
  const failed = await cleanUp()
  assert.deepEqual([failed.status, /has just failed; it is kept/.test(failed.text)], [409, true], failed.text)
  await insertOperation('moving', {
    kind: 'switchover',
    state: 'running',
    ago: '1 hour',
    secondary: 'SecondaryService',
  })
  await control.sql("update management_recoveries set state = 'running', operation_id = 'moving'")
  assert.ok([409, 503].includes((await migrate()).status))
  const running = await cleanUp()
  assert.deepEqual([running.status, /is using it/.test(running.text)], [409, true], running.text)
  await control.sql("delete from management_recoveries; delete from operations where id = 'moving'")
})

test('only so many wait at once, and who has gone waits no more', async () => {
  const tool = await importAs('owner')
  await insertOperation('long', { kind: 'recover', state: 'running', ago: '1 s', secondary: 'SecondaryService' })
  const path = '/PrimaryService/recover?targetMobileService=SecondaryService'
  const recover = async (signal: AbortSignal) => await tool.mobile('POST', path, { signal })
  const [first, second] = [new AbortController(), new AbortController()]
  let refusal: ToolAnswer | undefined
  const asked = Array.from({ length: 21 }, async () => {
    refusal = await recover(first.signal)
  })
  const ended = Promise.allSettled(asked)
  refused(
    await waitFor('the last one to be refused', () => refusal, { withinMs: 20_000 }),
    429,
    /too many requests wait/,
  )
  first.abort()
  await ended
  const isHeld = async () => ((await answerWithin(recover(second.signal), 2_000)) === undefined ? true : undefined)
  await waitFor('room for one that waits', isHeld, { withinMs: 15_000 })
  second.abort()
  await control.sql("delete from management_recoveries; delete from operations where id = 'long'")
})

test('a server is called deleted when its service is, but not while others have data on it', async () => {
  const tool = await importAs('owner')
  await control.sql(
    `insert into servers (name, home_region, is_default, epoch, superuser_password, replication_password)
     select 'sql-own', home_region, false, nextval('epochs'), superuser_password, replication_password
     from servers where name = 'sql-west-us'`,
  )
  await control.sql(`insert into server_members (server, machine, role) values ('sql-own', 'west-us-1', 'primary')`)
  for (const [id, days] of [
    ['own', 20],
    ['guest', null],
  ] as const) {
    await control.sql(
      `insert into services (id, subscription_id, name, schema_name, region, machine, mode, units, epoch, server, state,
         application_key, master_key, login_password, ended_at, drop_data_at)
       select $1, 'default', $1, $1, region, machine, mode, units, nextval('epochs'), 'sql-own', 'archived',
         application_key, master_key, login_password, now(), now() + $2 * interval '1 day'
       from services where name = 'PrimaryService'`,
      [id, days],
    )
  }
  await control.sql(`update servers set made_for = 'own' where name = 'sql-own'`)
  const end = async () => await tool.send('DELETE', `/${tool.subscription}/services/sqlservers/servers/sql-own`)
  refused(await end(), 409, /keeps the data of guest, own/)
  await control.sql(`update services set is_data_dropped = true, state = 'deleted' where id = 'guest'`)
  assert.equal((await end()).status, 200)
})

test('1,000 services are listed within a second', async () => {
  const tool = await importAs('owner')
  await control.sql(
    `insert into services (id, subscription_id, name, schema_name, region, machine, mode, units, epoch, server, state,
       application_key, master_key, login_password)
     select 'many' || n, 'default', 'Many' || n, 'many' || n, region, machine, mode, units, nextval('epochs'), server, state,
       application_key, master_key, login_password
     from services, generate_series(1, 998) n where name = 'PrimaryService'`,
  )
  const times: number[] = []
  // The fastest of a few: others work on this machine, too.
  for (let count = 0; count < 5; count += 1) {
    const startedAt = performance.now()
    const all = await tool.mobile('GET', '')
    times.push(performance.now() - startedAt)
    assert.equal((all.json as unknown[]).length, 1_000)
  }
  assert.ok(Math.min(...times) < 1_000, `it took ${times.map(Math.round).join(', ')} ms`)
  await control.sql("delete from services where id like 'many%'")
})

test('who floods it without being known is told to wait, and others are not', async () => {
  const known = await importAs('reader')
  assert.equal((await known.mobile('GET', '')).status, 200)
  const unseen = await importAs('reader')
  const about = { endpoint: String(subscription.endpoint), subscription: subscription.id, authority }
  const flood = new AzureClient({ ...about, identity: { token: 'x'.repeat(40) } })
  const answers: ToolAnswer[] = []
  while (answers.at(-1)?.status !== 429 && answers.length < 300) answers.push(await flood.mobile('GET', ''))
  const last = answers.at(-1)
  assert.ok(last)
  refused(last, 429, /too many requests: wait/)
  assert.equal((await known.mobile('GET', '')).status, 200)
  // Nobody from there is looked up who was not known before; for a while.
  refused(await unseen.mobile('GET', ''), 429, /too many requests: wait/)
  const isSeen = async () => (await unseen.mobile('GET', '')).status === 200 || undefined
  await waitFor('another try', isSeen, { withinMs: 20_000 })
})

function refused(answer: ToolAnswer, status: number, message: RegExp): void {
  assert.equal(answer.status, status, answer.text)
  const body = answer.json as { code: string; message: string }
  assert.match(body.message, message)
  assert.ok(body.code)
  assert.match(String(answer.headers['x-ms-request-id']), /^[0-9a-f]{32}$/)
}

async function importAs(role: 'owner' | 'operator' | 'reader'): Promise<AzureClient> {
  const { file } = await call<PublishSettingsView>('POST', API.publishSettings, { name: `tool of a ${role}`, role })
  return await AzureClient.import(file, { authority })
}

/** One about PrimaryService; what runs is carried out by nobody. */
async function insertOperation(
  id: string,
  { kind, state, ago, secondary }: { kind: string; state: string; ago: string; secondary: string },
): Promise<void> {
  await control.sql(
    `insert into operations (id, subscription_id, principal, kind, service_id, service_name, state, input, steps, holder,
       held_until, started_at, finished_at)
     values ($1, 'default', 'operator', $2, 'PrimaryService', 'PrimaryService', $3, $4, '[]', 'nobody',
       case when $3 = 'running' then now() + interval '1 day' end, now() - $5::interval,
       case when $3 <> 'running' then now() - $5::interval end)`,
    [id, kind, state, JSON.stringify({ secondaryName: secondary }), ago],
  )
}

/** What is answered in time; undefined: nothing. */
async function answerWithin(answer: Promise<ToolAnswer>, ms: number): Promise<ToolAnswer | undefined> {
  return await Promise.race([answer, pause(ms).then(() => undefined)])
}

async function ask(method: string, path: string, body?: object): Promise<{ status: number; code?: string }> {
  const answer = await fetch(`${control.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${control.token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await answer.text()
  return answer.ok ? { status: answer.status } : { status: answer.status, code: JSON.parse(text).code }
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' }
  const answer = await fetch(`${control.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${control.token}`, ...json },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
  return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T)
}
