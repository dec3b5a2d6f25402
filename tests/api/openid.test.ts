// Signing in through an OpenID provider that others wrote: who was invited comes in, and nobody else.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { Provider } from 'oidc-provider'
import type { AccountView, SessionView, SignInView } from '../../src/contract/api.ts'
import { openBrowser, openPage } from '../support/browser.ts'
import { BrowserSession } from '../support/browser-session.ts'
import { LoneControl } from '../support/lone-control.ts'

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
  let provider: Server
  let issuer = ''
  let control: LoneControl
  /** Who sits in front of the provider's page. */
  let user = 'ada'

  before(async () => {
    provider = createServer()
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
    issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
    control = await LoneControl.start((own) => ({
      MAINSTAY_OIDC_ISSUER: issuer,
      MAINSTAY_OIDC_CLIENT_ID: 'mainstay',
      MAINSTAY_OIDC_CLIENT_SECRET: 'a secret of this test',
      MAINSTAY_OIDC_LABEL: 'Example',
      MAINSTAY_PORTAL_URL: `http://127.0.0.1:${own}`,
    }))
    const oidc = new Provider(issuer, {
      clients: [
        {
          client_id: 'mainstay',
          client_secret: 'a secret of this test',
          redirect_uris: [`${control.url}${DONE}`],
        },
      ],
      pkce: { required: () => true },
      claims: { openid: ['sub'], email: ['email', 'email_verified'] },
      conformIdTokenClaims: false,
      features: { devInteractions: { enabled: false } },
      findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
      interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    })
    const answer = oidc.callback()
    provider.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (!request.url?.startsWith('/interaction/')) return void answer(request, response)
      void agree(oidc, request, response)
    })
  })
  after(async () => {
    await control?.dispose()
    provider?.closeAllConnections()
    provider?.close()
  })

  // Whoever sits there signs in and agrees to everything.
  const agree = async (oidc: Provider, request: IncomingMessage, response: ServerResponse) => {
    const { prompt, params, grantId } = await oidc.interactionDetails(request, response)
    if (prompt.name === 'login') {
      return await oidc.interactionFinished(request, response, { login: { accountId: user } })
    }
    const grant =
      (grantId && (await oidc.Grant.find(grantId))) ||
      new oidc.Grant({ accountId: user, clientId: String(params.client_id) })
    grant.addOIDCScope('openid email profile')
    await oidc.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
  }
  // Follows redirects between the two, each with its own cookies, until a page of ours.
  const goThrough = async (ours: BrowserSession): Promise<string> => {
    const theirs = new BrowserSession(issuer)
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
      user = who
      await control.sql(`update accounts set password_hash = '$argon2id$' where name = 'owner'`)
      const browser = new BrowserSession(control.url)
      assert.equal(await goThrough(browser), '#sign-in-failed=account.oidc_unknown')
      assert.equal(browser.cookie, null)
    })
  }

  test('is of no use to who did not begin, or brings back something else', async () => {
    user = 'ada'
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
