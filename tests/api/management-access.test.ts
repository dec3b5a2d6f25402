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

export type { ManagementCertificateView }
