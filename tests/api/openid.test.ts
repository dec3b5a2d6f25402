// Signing in through an OpenID provider that others wrote: who was invited comes in, and nobody else.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { AccountView, SessionView, SignInView } from '../../src/contract/api.ts'
import { openBrowser, openPage } from '../support/browser.ts'
import { BrowserSession } from '../support/browser-session.ts'
import { LoneControl } from '../support/lone-control.ts'
import { type OpenIdServer, startOpenIdServer } from '../support/openid-server.ts'

const HOPS_MAX = 12
const DONE = '/api/v1/sign-in/oidc/done'

type Person = { email?: string; email_verified?: boolean }
const PEOPLE: Record<string, Person> = {
  ada: { email: 'ada@example.com', email_verified: true },
  eve: { email: 'ada@example.com', email_verified: false },
  kim: { email: 'kim@example.com', email_verified: true },
  imposter: { email: 'owner', email_verified: true },
}

describe('an OpenID provider', () => {
  let provider: OpenIdServer
  let control: LoneControl

  before(async () => {
    provider = await startOpenIdServer({ people: PEOPLE, claims: { email: ['email', 'email_verified'] } })
    control = await LoneControl.start((own) => ({
      MAINSTAY_OIDC_ISSUER: provider.url,
      MAINSTAY_OIDC_CLIENT_ID: 'mainstay',
      MAINSTAY_OIDC_CLIENT_SECRET: 'a secret of this test',
      MAINSTAY_OIDC_LABEL: 'Example',
      MAINSTAY_PORTAL_URL: `http://127.0.0.1:${own}`,
    }))
    const client = { clientId: 'mainstay', clientSecret: 'a secret of this test' }
    provider.serve([{ path: '', ...client, redirectUris: [`${control.url}${DONE}`] }])
    provider.become('ada')
  })
  after(async () => {
    await control?.dispose()
    provider?.stop()
  })

  // Follows redirects between the two, each with its own cookies, until a page of ours.
  const goThrough = async (ours: BrowserSession): Promise<string> => {
    const theirs = new BrowserSession(provider.url)
    let at = new URL('/api/v1/sign-in/oidc', control.url)
    for (let hops = 0; hops < HOPS_MAX; hops += 1) {
      const isOurs = at.origin === control.url
      const { status, headers, body } = await (isOurs ? ours : theirs).ask('GET', `${at.pathname}${at.search}`)
      assert.ok(status >= 300 && status < 400, `${at.href}: ${status} ${JSON.stringify(body)}`)
      at = new URL(String(headers.location), at)
      if (at.origin === control.url && at.pathname === '/') return at.hash
    }
    throw new Error(`no end of redirects at ${at.href}`)
  }
  const owner = async (method: string, path: string, body?: unknown) => {
    const headers = { authorization: `Bearer ${control.token}`, 'content-type': 'application/json' }
    return await fetch(`${control.url}${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    })
  }

  test('is offered to whoever is to sign in', async () => {
    const { oidc } = await new BrowserSession(control.url).get<SignInView>(200, 'GET', '/api/v1/sign-in')
    assert.deepEqual(oidc, { label: 'Example', url: '/api/v1/sign-in/oidc' })
  })

  test('lets in who was invited under their verified address, in their role, again and again', async () => {
    assert.equal((await owner('POST', '/api/v1/accounts', { name: 'Ada@example.com', role: 'operator' })).status, 201)
    for (const visit of ['first', 'second']) {
      const browser = new BrowserSession(control.url)
      assert.equal(await goThrough(browser), '', visit)
      const session = await browser.get<SessionView>(200, 'GET', '/api/v1/session')
      assert.deepEqual([session.name, session.role], ['Ada@example.com', 'operator'])
      assert.match(browser.cookie ?? '', /^mainstay-\d+=\w{40}$/)
    }
    const [account] = ((await (await owner('GET', '/api/v1/accounts')).json()) as AccountView[]).filter(({ name }) =>
      /ada/i.test(name),
    )
    assert.equal(account?.signInBy, 'oidc')
  })

  test('is a button of the page, and leads back to where one wanted to be', async () => {
    const chromium = await openBrowser()
    try {
      const { page, complaints } = await openPage(chromium)
      await page.goto(`${control.url}/operations`)
      await page.getByRole('link', { name: 'Sign in with Example' }).click()
      await page.getByRole('heading', { name: 'Operations' }).waitFor()
      assert.deepEqual([new URL(page.url()).pathname, complaints], ['/operations', []])
    } finally {
      await chromium.close()
    }
  })

  for (const [who, why] of [
    ['kim', 'was not invited'],
    ['eve', 'says an address that is not verified'],
    ['imposter', 'has the name of an account with a password as an address'],
  ] as const) {
    test(`lets nobody in who ${why}`, async () => {
      provider.become(who)
      await control.sql(`update accounts set password_hash = '$argon2id$' where name = 'owner'`)
      const browser = new BrowserSession(control.url)
      assert.equal(await goThrough(browser), '#sign-in-failed=account.oidc_unknown')
      assert.equal(browser.cookie, null)
    })
  }

  test('is of no use to who did not begin, or brings back something else', async () => {
    provider.become('ada')
    const ask = async (browser: BrowserSession, query: string) =>
      String((await browser.ask('GET', `${DONE}?${query}`)).headers.location)
    assert.match(await ask(new BrowserSession(control.url), 'code=x&state=y'), /=account\.oidc_refused$/)
    const begun = new BrowserSession(control.url)
    await begun.ask('GET', '/api/v1/sign-in/oidc')
    assert.match(begun.cookie ?? '', /-try=/)
    assert.match(await ask(begun, 'code=x&state=y'), /=account\.oidc_refused$/)
    assert.equal(begun.cookie, null)
  })

  test('that is away is told, and asked again when it is back', async () => {
    const other = await LoneControl.start(() => ({
      MAINSTAY_OIDC_ISSUER: 'http://127.0.0.1:1',
      MAINSTAY_OIDC_CLIENT_ID: 'mainstay',
      MAINSTAY_OIDC_CLIENT_SECRET: 'x',
    }))
    try {
      const { headers } = await new BrowserSession(other.url).ask('GET', '/api/v1/sign-in/oidc')
      assert.equal(headers.location, '/#sign-in-failed=account.oidc_away')
    } finally {
      await other.dispose()
    }
  })
})
