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
import { waitFor } from '../../src/kit/clock.ts'
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
  const about = { endpoint: String(subscription.endpoint), subscription: subscription.id, authority }
  const flood = new AzureClient({ ...about, identity: { token: 'x'.repeat(40) } })
  const answers: ToolAnswer[] = []
  while (answers.at(-1)?.status !== 429 && answers.length < 300) answers.push(await flood.mobile('GET', ''))
  const last = answers.at(-1)
  assert.ok(last)
  refused(last, 429, /too many requests: wait/)
  assert.equal((await known.mobile('GET', '')).status, 200)
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
