// The client of the original's second generation, unmodified from npm, in a real browser: signed in, online, offline, and
// across a recovery in the middle of an offline session.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { openBrowser, openPage } from '../support/browser.ts'
import { freePort, TestCloud } from '../support/cloud.ts'
import { type OpenIdServer, startOpenIdServer } from '../support/openid-server.ts'
import { startSdkPage } from '../support/sdk-page.ts'
import { WebAuthority } from '../support/web-certificates.ts'

type Note = { id: string; text: string; done: boolean; version?: string; updatedAt?: string; deleted?: boolean }
type Failure = { message: string; status?: number; serverInstance?: Note } | null
type Pushed = { conflicts: [string, string, number][]; left: number }

describe('an app on the client from npm', () => {
  let cloud: TestCloud
  let provider: OpenIdServer
  let sdk: Awaited<ReturnType<typeof startSdkPage>>
  let browser: Browser
  let page: Page
  let complaints: string[]
  let folder: string

  before(async () => {
    provider = await startOpenIdServer({ people: { ada: {} }, claims: {} })
    provider.become('ada')
    sdk = await startSdkPage()
    browser = await openBrowser()
    // The client signs in over HTTPS only.
    folder = await mkdtemp(join(tmpdir(), 'mainstay-sdk-'))
    const { chain, key } = await (await WebAuthority.make()).issue(['primaryservice.localhost'])
    const [MAINSTAY_TLS_CERT, MAINSTAY_TLS_KEY] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    await writeFile(MAINSTAY_TLS_CERT, chain)
    await writeFile(MAINSTAY_TLS_KEY, key)
    const port = await freePort()
    const tls = { MAINSTAY_TLS_PORT: String(port), MAINSTAY_TLS_CERT, MAINSTAY_TLS_KEY }
    cloud = await TestCloud.start('pair', { env: { ...tls, MAINSTAY_EGRESS_ALLOW: '127.0.0.0/8' } })
    const url = `https://primaryservice.localhost:${port}/`
    const client = { clientId: 'notes', clientSecret: 'a secret of notes' }
    provider.serve([{ path: '', ...client, redirectUris: [`${url}.auth/login/google/callback`] }])
    const google = ['mobile', 'auth', 'google', 'set', 'PrimaryService', client.clientId, client.clientSecret]
    await cloud.ok([...google, '--endpoint', provider.url])
    await cloud.ok(['mobile', 'table', 'create', 'PrimaryService', 'Note', '--softDelete', '-p', '*=user'])
    const opened = await openPage(browser, { ignoreHTTPSErrors: true })
    page = opened.page
    complaints = opened.complaints
    await page.goto(`${sdk.url}?service=${encodeURIComponent(url)}`)
  })
  after(async () => {
    await browser?.close()
    sdk?.stop()
    provider?.stop()
    await cloud?.dispose()
    await rm(folder, { recursive: true, force: true })
  })

  // What the page's app gives, as it can be sent from there to here.
  const app = async <T>(name: string, ...given: unknown[]): Promise<T> =>
    (await page.evaluate(`Promise.resolve(app[${JSON.stringify(name)}](...${JSON.stringify(given)}))
      .then((value) => value === undefined ? null : JSON.parse(JSON.stringify(value)))`)) as T
  const write = async (method: string, path: string, body?: unknown) => {
    const service = await cloud.service('PrimaryService')
    const headers = { 'x-zumo-master': service.masterKey, 'zumo-api-version': '2.0.0' }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await cloud.app(service, `/tables/Note${path}`, { method, headers, ...sent })
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
    return (await answer.json()) as Note
  }

  test('without a token it is told to sign in, and it does, in a window of the provider', async () => {
    const failure = await app<Failure>('failure', 'insert', { id: 'early', text: 'x', done: false })
    assert.equal(failure?.status, 401)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('{"userId":"Google:ada"}').waitFor()
    assert.equal(await app('user'), 'Google:ada')
    assert.equal(page.context().pages().length, 1, 'the window was not closed')
  })

  test('rows are written, read by filters, and changed', async () => {
    const inserted = await app<Note>('insert', { id: 'a', text: 'Milk', done: false })
    assert.deepEqual([inserted.text, inserted.deleted, typeof inserted.version], ['Milk', false, 'string'])
    await app('insert', { id: 'b', text: 'bread', done: false })
    await app('insert', { id: 'c', text: 'ärger', done: true })
    assert.deepEqual(await app('open'), { rows: ['a', 'b'], total: 2 })
    assert.deepEqual(await app('called', 'mi'), ['a'])
    const updated = await app<Note>('update', { id: 'a', text: 'Oat milk', version: inserted.version })
    assert.deepEqual([updated.text, updated.done], ['Oat milk', false])
    await app('remove', { id: 'c' })
    assert.equal((await app<Failure>('failure', 'lookup', 'c'))?.status, 404)
    assert.equal((await app<Failure>('failure', 'insert', { id: 'a', text: 'x', done: false }))?.status, 409)
  })

  test('who changes an old version is given the present row', async () => {
    const old = await app<Note>('lookup', 'b')
    await write('PATCH', '/b', { text: 'rye bread' })
    const failure = await app<Failure>('failure', 'update', { id: 'b', text: 'white bread', version: old.version })
    assert.deepEqual([failure?.status, failure?.serverInstance?.text], [412, 'rye bread'])
  })

  test('offline, changes wait here; then they are pushed, and what others did is pulled', async () => {
    await app('goOffline')
    assert.deepEqual(await app('pull'), [
      { id: 'a', text: 'Oat milk', done: false },
      { id: 'b', text: 'rye bread', done: false },
    ])
    await app('insertHere', { id: 'd', text: 'from offline', done: false })
    await app('updateHere', { id: 'a', text: 'Soy milk', done: true })
    await app('removeHere', { id: 'b' })
    await write('POST', '', { id: 'e', text: 'by another', done: false })
    assert.deepEqual(await app<Pushed>('push', 'theirs'), { conflicts: [], left: 0 })
    assert.deepEqual(await app('pull'), [
      { id: 'a', text: 'Soy milk', done: true },
      { id: 'd', text: 'from offline', done: false },
      { id: 'e', text: 'by another', done: false },
    ])
  })

  test('a conflict is decided by the app: theirs, or ours', async () => {
    await app('updateHere', { id: 'a', text: 'mine', done: false })
    await write('PATCH', '/a', { text: 'theirs' })
    assert.deepEqual(await app<Pushed>('push', 'theirs'), { conflicts: [['update', 'a', 412]], left: 0 })
    assert.equal((await app<Note>('lookup', 'a')).text, 'theirs')
    await app('updateHere', { id: 'a', text: 'mine again', done: false })
    await write('PATCH', '/a', { text: 'theirs again' })
    assert.deepEqual(await app<Pushed>('push', 'mine'), { conflicts: [['update', 'a', 412]], left: 0 })
    assert.equal((await app<Note>('lookup', 'a')).text, 'mine again')
    await app('insertHere', { id: 'f', text: 'here', done: false })
    await write('POST', '', { id: 'f', text: 'there', done: false })
    assert.deepEqual(await app<Pushed>('push', 'theirs'), { conflicts: [['insert', 'f', 409]], left: 0 })
  })

  test('the region dies in the middle of an offline session: after the recovery it goes on', async () => {
    await app('pull')
    await app('updateHere', { id: 'a', text: 'before the disaster', done: false })
    await app('insertHere', { id: 'g', text: 'offline when it died', done: false })
    await cloud.untilProtected('sql-west-us')
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    await cloud.untilState('PrimaryService', 'Unhealthy', 15_000)
    assert.deepEqual(complaints, [])
    assert.notEqual(await app<Failure>('failure', 'push', 'theirs'), null, 'it was pushed to a dead region')
    // A gateway alone does not know which pages may read what it answers.
    complaints.length = 0
    await cloud.ok(['mobile', 'recover', 'PrimaryService', 'SecondaryService', '-q'])
    await write('PATCH', '/d', { text: 'written in the new home' })
    // The token, the versions and what was pulled last are those from before.
    assert.deepEqual(await app<Pushed>('push', 'theirs'), { conflicts: [], left: 0 })
    assert.deepEqual(await app('pull'), [
      { id: 'a', text: 'before the disaster', done: false },
      { id: 'd', text: 'written in the new home', done: false },
      { id: 'e', text: 'by another', done: false },
      { id: 'f', text: 'there', done: false },
      { id: 'g', text: 'offline when it died', done: false },
    ])
    assert.deepEqual(complaints, [])
  })
})
