// Users of apps sign in through providers: both generations, server and client flow, and who is kept out.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { AuthProvider } from '../../src/contract/auth-provider.ts'
import { DEFAULT_API_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { BrowserSession } from '../support/browser-session.ts'
import { FACEBOOK, type OlderProviders, startOlderProviders, TWITTER } from '../support/older-providers.ts'
import { type OpenIdServer, startOpenIdServer } from '../support/openid-server.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, TestRuntime } from '../support/runtime-process.ts'
import { routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'
import { userToken } from '../support/user-tokens.ts'

const CLIENT = { appId: 'client', secret: 'a secret of this client' }
const [TENANT, OTHER_TENANT] = ['11111111-1111-1111-1111-111111111111', 'contoso.example.com']
const HOST = 'https://todo.example.test'
const HOPS_MAX = 12
const PEOPLE = {
  ada: { email: 'ada@example.com', email_verified: true, name: 'Ada', oid: 'oid-of-ada', tid: TENANT },
}

describe('signing in through a provider', () => {
  let openId: OpenIdServer
  let older: OlderProviders
  let postgres: TestCluster
  let runtime: TestRuntime
  let second: TestRuntime
  let service: RuntimeService

  before(async () => {
    openId = await startOpenIdServer({
      people: PEOPLE,
      claims: { email: ['email', 'email_verified'], profile: ['name', 'oid', 'tid'] },
    })
    older = await startOlderProviders()
    const client = { clientId: CLIENT.appId, clientSecret: CLIENT.secret }
    const issuer = (path: string, name: string) => ({
      ...{ path, ...client },
      redirectUris: [
        `${HOST}/login/${name}`,
        `${HOST}/.auth/login/${name}/callback`,
        `http://todo.localhost:8080/services/todo/login/${name}`,
      ],
    })
    openId.serve([
      issuer('/google', 'google'),
      issuer('/consumers', 'microsoftaccount'),
      issuer(`/${TENANT}/v2.0`, 'aad'),
      issuer(`/${OTHER_TENANT}/v2.0`, 'aad'),
      issuer('/organizations/v2.0', 'aad'),
      issuer('/corp', 'corp'),
    ])
    openId.become('ada')
    postgres = await startTestCluster()
    const providers: Record<string, AuthProvider> = {
      google: { ...CLIENT, endpoint: `${openId.url}/google`, audiences: ['native-client'] },
      microsoftaccount: { ...CLIENT, endpoint: `${openId.url}/consumers`, packageSid: 'ms-app://s-1-15-2-1' },
      aad: { ...CLIENT, endpoint: openId.url, tenants: [TENANT] },
      corp: { ...CLIENT, issuer: `${openId.url}/corp`, scope: 'email profile' },
      facebook: { ...FACEBOOK, endpoint: older.url },
      twitter: { ...TWITTER, endpoint: older.url },
    }
    service = await addScripted(
      postgres,
      'todo',
      { 'api/me': 'exports.get = (req, res) => res.json([req.user.level, req.user.userId, req.user.getIdentities()])' },
      {
        apis: [{ name: 'me', permissions: { ...DEFAULT_API_PERMISSIONS, get: 'user' } }],
        auth: { providers, redirects: ['myapp://signed-in', 'https://app.example.com/done'] },
        intake: { origins: ['app.example.com'], isHttpsRequired: false, bodyKb: 1_024 },
      },
    )
    const args = ['--egress-allow', '127.0.0.0/8']
    runtime = await TestRuntime.start(postgres.folder, 'one', args)
    second = await TestRuntime.start(postgres.folder, 'two', args)
    for (const one of [runtime, second]) {
      one.setLeases()
      await one.assign([service])
    }
  })
  after(async () => {
    await runtime?.stop()
    await second?.stop()
    await postgres?.stop()
    openId?.stop()
    older?.stop()
  })

  const ask = async (path: string, headers: Record<string, string> = {}, body?: unknown, from = runtime) => {
    const method = body === undefined ? 'GET' : 'POST'
    return await from.call({ method, path, headers: routed(service, headers), ...(body === undefined ? {} : { body }) })
  }
  const cookieOf = ({ headers }: TestAnswer) => String(headers['set-cookie']).split(';')[0] ?? ''
  // Through the provider's pages, and back with what it said: the path and query of our own.
  const throughProvider = async (location: string): Promise<string> => {
    let at = new URL(location)
    const theirs = new BrowserSession(at.origin)
    for (let hops = 0; hops < HOPS_MAX; hops += 1) {
      const { status, headers, body } = await theirs.ask('GET', `${at.pathname}${at.search}`)
      assert.ok(status >= 300 && status < 400, `${at.href}: ${status} ${JSON.stringify(body)}`)
      at = new URL(String(headers.location), at)
      if (at.hostname.startsWith('todo.')) return `${at.pathname}${at.search}`
    }
    throw new Error(`no end of redirects at ${at.href}`)
  }
  const signIn = async (path: string, headers: Record<string, string> = {}): Promise<TestAnswer> => {
    const begun = await ask(path, headers)
    assert.equal(begun.status, 302, begun.body)
    const back = await throughProvider(String(begun.headers.location))
    // Another process may be the one that it comes back to.
    return await ask(back, { ...headers, cookie: cookieOf(begun) }, undefined, second)
  }
  const tokenIn = (answer: TestAnswer) => {
    const { hash } = new URL(String(answer.headers.location))
    assert.match(hash, /^#token=/, decodeURIComponent(hash))
    return JSON.parse(decodeURIComponent(hash.slice('#token='.length)))
  }

  const USERS = [
    { provider: 'google', userId: 'Google:ada', known: { google: { userId: 'Google:ada' } } },
    {
      provider: 'microsoftaccount',
      userId: 'MicrosoftAccount:ada',
      known: { microsoft: { userId: 'MicrosoftAccount:ada' } },
    },
    {
      provider: 'aad',
      userId: 'Aad:oid-of-ada',
      known: { aad: { userId: 'Aad:oid-of-ada', tenantId: TENANT, oid: 'oid-of-ada' } },
    },
    {
      provider: 'corp',
      userId: 'corp:ada',
      known: { corp: { userId: 'corp:ada', email: 'ada@example.com', name: 'Ada' } },
    },
    { provider: 'facebook', userId: 'Facebook:42', known: { facebook: { userId: 'Facebook:42' } } },
    {
      provider: 'twitter',
      userId: 'Twitter:77',
      known: { twitter: { userId: 'Twitter:77', accessToken: 'their-token', accessTokenSecret: 'their-secret' } },
    },
  ]
  for (const { provider, userId, known } of USERS) {
    for (const root of ['/login', '/.auth/login']) {
      test(`${root}/${provider}: there, back, and known to scripts`, async () => {
        const ended = await signIn(`${root}/${provider}`)
        assert.equal(ended.status, 302)
        assert.ok(String(ended.headers.location).startsWith(`${HOST}${root}/done#token=`))
        assert.match(
          String(ended.headers['set-cookie']),
          /^__Host-wams_state=; Path=\/; Max-Age=0; HttpOnly; Secure; SameSite=Lax$/,
        )
        const token = tokenIn(ended)
        assert.equal(token.user.userId, userId)
        const me = await ask('/api/me', { 'x-zumo-auth': token.authenticationToken }, undefined, second)
        const [level, id, identities] = JSON.parse(me.body)
        assert.deepEqual([level, id, Object.keys(identities)], ['authenticated', userId, Object.keys(known)])
        const [[name, about]] = Object.entries(known) as [[string, object]]
        const { accessToken, ...others } = identities[name]
        const { accessToken: wanted, ...rest } = about as { accessToken?: string }
        assert.deepEqual(others, rest)
        if (wanted !== undefined) assert.equal(accessToken, wanted)
        if (provider !== 'aad') assert.equal(typeof accessToken, 'string')
      })
    }
  }

  test('the claims are those of each generation', async () => {
    const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const first = claimsOf(tokenIn(await signIn('/login/google')).authenticationToken)
    assert.deepEqual(
      [first.iss, first.aud, first.uid, first.ver],
      ['urn:microsoft:windows-azure:zumo', 'Google', 'Google:ada', 2],
    )
    assert.equal(first.exp - first.iat, 30 * 86_400)
    const later = claimsOf(tokenIn(await signIn('/.auth/login/google')).authenticationToken)
    assert.deepEqual([later.iss, later.aud, later.sub], [first.iss, first.iss, 'Google:ada'])
    assert.ok(!JSON.stringify([first, later]).includes('accessToken'))
  })

  test('in a window of its own, the page that opened it is told, and no other', async () => {
    const query = 'completion_type=postMessage&completion_origin=https%3A%2F%2Fapp.example.com'
    const ended = await signIn(`/.auth/login/google?${query}&session_mode=token`)
    assert.equal(ended.status, 200)
    assert.match(String(ended.headers['content-type']), /^text\/html/)
    assert.match(String(ended.headers['content-security-policy']), /default-src 'none'; script-src 'nonce-/)
    assert.ok(ended.body.includes('window.opener.postMessage(message, "https://app.example.com")'))
    assert.match(ended.body, /\\"type\\":\\"LoginCompleted\\",\\"oauth\\":\{\\"user\\":\{\\"userId\\":\\"Google:ada\\"/)
    const framed = await signIn(`/login/google?${query.replace('postMessage', 'iframe')}`)
    assert.match(framed.body, /receiver\.transferLoginResult\(/)
  })

  test('a mistake at the provider is told in the way that was asked for', async () => {
    const query = 'completion_type=postMessage&completion_origin=https%3A%2F%2Fapp.example.com'
    const begun = await ask(`/login/google?${query}`)
    const state = new URL(String(begun.headers.location)).searchParams.get('state')
    const back = `/login/google?error=access_denied&error_description=No%3C%2Fscript%3E&state=${state}`
    const told = await ask(back, { cookie: cookieOf(begun) })
    assert.match(told.body, /\\"oauth\\":null,\\"error\\":\\"No\\u003c\/script\\u003e\\"/)
  })

  test('a redirect to an allowed place, a code for an app, and the token for who began', async () => {
    const verifier = 'v'.repeat(43)
    const elsewhere = async (value: string) =>
      await ask(`/.auth/login/corp/token?authorization_code=${value}&code_verifier=${verifier}`)
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const to = `post_login_redirect_url=${encodeURIComponent('myapp://signed-in/x')}`
    const ended = await signIn(`/.auth/login/google?${to}&code_challenge=${challenge}&code_challenge_method=S256`)
    const location = String(ended.headers.location)
    assert.match(location, /^myapp:\/\/signed-in\/x#authorization_code=/)
    const code = location.slice(location.indexOf('=') + 1)
    const exchange = async (value: string, proof: string) =>
      await ask(`/.auth/login/google/token?authorization_code=${value}&code_verifier=${proof}`)
    assert.equal((await exchange(code, 'w'.repeat(43))).status, 401)
    assert.equal((await exchange(`${code}x`, verifier)).status, 401)
    assert.equal((await elsewhere(code)).status, 401, 'a code of another provider')
    const { user } = JSON.parse((await exchange(code, verifier)).body)
    assert.equal(user.userId, 'Google:ada')
    const web = await signIn('/.auth/login/google?post_login_redirect_url=https%3A%2F%2Fapp.example.com%2Fdone%2F1')
    assert.match(String(web.headers.location), /^https:\/\/app\.example\.com\/done\/1#token=/)
    const single = await signIn('/login/microsoftaccount?sso_end_uri=ms-app%3A%2F%2Fs-1-15-2-1%2F')
    assert.match(String(single.headers.location), /^ms-app:\/\/s-1-15-2-1\/#token=/)
  })

  test('by the path form on a laptop, in clear', async () => {
    const headers = { host: 'todo.localhost:8080', 'x-mainstay-prefix': '/services/todo' }
    const begun = await ask('/login/google', headers)
    const redirect = new URL(String(begun.headers.location)).searchParams.get('redirect_uri')
    assert.equal(redirect, 'http://todo.localhost:8080/services/todo/login/google')
    assert.match(String(begun.headers['set-cookie']), /; Path=\/services\/todo; Max-Age=900; HttpOnly; SameSite=Lax$/)
  })

  for (const { is, path, status, says } of [
    {
      is: 'an unknown provider',
      path: '/login/bogus',
      status: 401,
      says: "Authentication with 'bogus' is not supported.",
    },
    { is: 'the name that clients have for aad', path: '/login/WindowsAzureActiveDirectory', status: 302, says: '' },
    {
      is: 'a page that is not allowed',
      path: '/login/google?completion_type=postMessage&completion_origin=https://evil.example',
      status: 401,
      says: 'Not a whitelisted origin: https://evil.example',
    },
    {
      is: 'a page of a file',
      path: '/login/google?completion_type=postMessage&completion_origin=null',
      status: 401,
      says: 'Not a whitelisted origin: null',
    },
    {
      is: 'an unknown way to complete',
      path: '/login/google?completion_type=smoke',
      status: 400,
      says: "The completion_type must be 'postMessage' or 'iframe'.",
    },
    {
      is: 'a redirect elsewhere',
      path: '/.auth/login/google?post_login_redirect_url=https://evil.example/',
      status: 401,
      says: 'Not a whitelisted URL to redirect to: https://evil.example/',
    },
    {
      is: "a redirect to an app's scheme without a challenge",
      path: '/.auth/login/google?post_login_redirect_url=myapp://signed-in',
      status: 400,
      says: 'A redirect to a scheme of an app needs a code_challenge.',
    },
    { is: 'what lies below', path: '/login/google/more', status: 404, says: 'Not Found' },
    { is: 'the end page', path: '/login/done', status: 200, says: '' },
    { is: 'the later end page', path: '/.auth/login/done', status: 200, says: '' },
    {
      is: 'the frame that hears of the end',
      path: '/.auth/login/iframereceiver?completion_origin=https://app.example.com',
      status: 200,
      says: 'window.parent.postMessage(message, "https://app.example.com")',
    },
    {
      is: 'the same for others',
      path: '/crossdomain/loginreceiver?completion_origin=https://evil.example',
      status: 401,
      says: 'Not a whitelisted origin',
    },
    {
      is: 'the bridge',
      path: '/crossdomain/bridge?origin=https://app.example.com',
      status: 200,
      says: 'var allowed = "https://app.example.com"',
    },
    {
      is: 'the bridge for others',
      path: '/crossdomain/bridge?origin=https://evil.example',
      status: 401,
      says: 'Not a whitelisted origin',
    },
    {
      is: 'a redirect that a header could not carry',
      path: '/.auth/login/google?post_login_redirect_url=https:app.example.com/done',
      status: 401,
      says: 'Not a whitelisted URL',
    },
    {
      is: 'a page of a Windows app',
      path: '/crossdomain/loginreceiver?completion_origin=ms-appx-web://app.example.com',
      status: 200,
      says: 'ms-appx-web://app.example.com',
    },
    {
      is: 'a question that is too long',
      path: `/login/google?login_hint=${'x'.repeat(4_001)}`,
      status: 400,
      says: 'too long',
    },
    {
      is: 'below .auth, in the words of later clients',
      path: '/.auth/login/bogus',
      status: 401,
      says: '{"error":"Authentication with',
    },
    { is: 'who I am without a token', path: '/.auth/me', status: 401, says: 'Nobody is signed in.' },
    { is: 'a refresh without a token', path: '/.auth/refresh', status: 401, says: 'Nobody is signed in.' },
  ]) {
    test(`${is}: ${status}`, async () => {
      const answer = await ask(path)
      assert.equal(answer.status, status, answer.body)
      assert.ok(answer.body.includes(says), answer.body)
    })
  }

  test('nobody comes in who did not begin here, or brings back something else', async () => {
    const errorIn = (answer: TestAnswer) =>
      decodeURIComponent(String(answer.headers.location).split('#error=')[1] ?? '')
    const stateless = 'Redirect from google does not contain a valid state parameter.'
    assert.equal(errorIn(await ask('/login/google?code=x&state=y')), stateless)
    const begun = await ask('/login/google')
    const back = await throughProvider(String(begun.headers.location))
    assert.equal(errorIn(await ask(back)), stateless)
    assert.equal(errorIn(await ask(back.replace(/state=[^&]*/, 'state=other'), { cookie: cookieOf(begun) })), stateless)
    // What was begun with one provider does not end with another.
    const other = await ask('/login/corp')
    assert.equal(errorIn(await ask(back, { cookie: cookieOf(other) })), stateless)
    // A site beside this one may have put a cookie of that name there.
    const planted = `__Host-wams_state=junk; ${cookieOf(other)}; ${cookieOf(begun)}`
    assert.match(String((await ask(back, { cookie: planted })).headers.location), /#token=/)
    const bad = back.replace(/code=[^&]*/, 'code=guessed')
    assert.match(errorIn(await ask(bad, { cookie: cookieOf(begun) })), /^Google refused: /)
    const twitter = await ask('/login/twitter')
    const stolen = errorIn(
      await ask('/login/twitter?oauth_token=other&oauth_verifier=v', { cookie: cookieOf(twitter) }),
    )
    assert.equal(stolen, 'Redirect from twitter does not contain a valid request token.')
  })

  const now = () => Math.floor(Date.now() / 1_000)
  test('client flow: a token that the app got by itself', async () => {
    const google = `${openId.url}/google`
    for (const { is, issuer = google, claims, body, path = '/login/google', status = 200, says } of [
      { is: 'good', claims: { sub: 'kim', aud: 'client' }, says: 'Google:kim' },
      { is: 'of the native client', claims: { sub: 'kim', aud: 'native-client' }, says: 'Google:kim' },
      {
        is: 'for the later clients',
        path: '/.auth/login/google',
        claims: { sub: 'kim', aud: 'client' },
        says: 'Google:kim',
      },
      {
        is: 'for another app',
        claims: { sub: 'kim', aud: 'other' },
        status: 401,
        says: 'The Google token is not valid',
      },
      {
        is: 'of another issuer',
        issuer: `${openId.url}/corp`,
        claims: { sub: 'kim', aud: 'client' },
        status: 401,
        says: 'The Google token is not valid',
      },
      {
        is: 'too old',
        claims: { sub: 'kim', aud: 'client', exp: now() - 60 },
        status: 401,
        says: 'The Google token is not valid',
      },
      { is: 'nonsense', body: { id_token: 'a.b.c' }, status: 401, says: 'The Google token is not valid' },
      { is: 'none', body: { access_token: 'x' }, status: 401, says: "Logging in with Google needs an 'id_token'." },
      { is: 'no object', body: [], status: 400, says: 'A single (valid) JSON object is expected.' },
      {
        is: 'of Azure AD in the first generation',
        path: '/login/aad',
        body: {},
        status: 405,
        says: 'POST of Aad token is not supported.',
      },
      {
        is: 'of Twitter',
        path: '/login/twitter',
        body: {},
        status: 405,
        says: 'POST of Twitter token is not supported.',
      },
      {
        is: 'without a word: Microsoft',
        path: '/login',
        body: { authenticationToken: 'a.b.c' },
        status: 401,
        says: 'The Microsoft token is not valid',
      },
      {
        is: 'of a tenant',
        path: '/.auth/login/aad',
        issuer: `${openId.url}/${TENANT}/v2.0`,
        claims: { sub: 's', aud: 'client', oid: 'o-1' },
        says: 'Aad:o-1',
      },
      {
        is: 'of a tenant that is not let in',
        path: '/.auth/login/aad',
        issuer: `${openId.url}/${OTHER_TENANT}/v2.0`,
        claims: { sub: 's', aud: 'client', oid: 'o-1' },
        status: 401,
        says: 'The Azure AD token is not valid',
      },
    ]) {
      const { exp, ...rest } = (claims ?? {}) as { exp?: number } & Record<string, unknown>
      const token =
        claims === undefined ? '' : await openId.idToken(issuer, { ...rest, ...(exp === undefined ? {} : { exp }) })
      const answer = await ask(path, {}, body ?? { id_token: token })
      assert.equal(answer.status, status, `${is}: ${answer.body}`)
      assert.ok(answer.body.includes(says), `${is}: ${answer.body}`)
    }
  })

  test('client flow: an access token is believed only where the ID token names it', async () => {
    const hash = createHash('sha256').update('hers').digest().subarray(0, 16).toString('base64url')
    for (const { about, expected } of [
      { about: { at_hash: hash }, expected: { userId: 'Google:kim', accessToken: 'hers' } },
      { about: {}, expected: { userId: 'Google:kim' } },
      { about: { at_hash: 'other' }, expected: { userId: 'Google:kim' } },
    ]) {
      const token = await openId.idToken(`${openId.url}/google`, { sub: 'kim', aud: 'client', ...about })
      const { authenticationToken } = JSON.parse(
        (await ask('/login/google', {}, { id_token: token, access_token: 'hers' })).body,
      )
      const me = await ask('/api/me', { 'x-zumo-auth': authenticationToken })
      assert.deepEqual(JSON.parse(me.body)[2], { google: expected })
    }
  })

  test('claims that an app made itself and that are odd are no trouble', async () => {
    const odd = userToken('master-key', { 'urn:microsoft:credentials': { google: null } })
    assert.equal((await ask('/.auth/me', { 'x-zumo-auth': odd })).status, 200)
  })

  test('a token is not prolonged: clients are told to sign in again, and another method is none', async () => {
    const answer = await ask('/.auth/refresh', { 'x-zumo-auth': userToken('master-key', {}) })
    assert.equal(answer.status, 400)
    assert.match(answer.body, /sign in again/)
    assert.equal((await ask('/.auth/refresh', {}, {})).status, 405)
    assert.equal((await ask('/.auth/refresh', { 'x-zumo-auth': userToken('another-key', {}) })).status, 401)
  })

  test('client flow: a token of Facebook is taken of this app only', async () => {
    older.userTokens.set('good', { user: '43', app: FACEBOOK.appId })
    older.userTokens.set('stolen', { user: '43', app: 'another' })
    const { authenticationToken, user } = JSON.parse((await ask('/login/facebook', {}, { access_token: 'good' })).body)
    assert.equal(user.userId, 'Facebook:43')
    const me = await ask('/.auth/me', { 'x-zumo-auth': authenticationToken })
    assert.deepEqual(JSON.parse(me.body), [
      {
        provider_name: 'facebook',
        user_id: 'Facebook:43',
        access_token: 'good',
        user_claims: [{ typ: 'userId', val: 'Facebook:43' }],
      },
    ])
    assert.match((await ask('/login/facebook', {}, { access_token: 'stolen' })).body, /was made for another app/)
    assert.match((await ask('/login/facebook', {}, { access_token: 'unknown' })).body, /is not valid/)
  })

  test('several tenants: one question for all, and who belongs to none of them is not let in', async () => {
    const auth = service.auth ?? { providers: {}, redirects: [] }
    const aad = { ...CLIENT, endpoint: openId.url, tenants: [TENANT, OTHER_TENANT] }
    const more = { ...service, auth: { ...auth, providers: { ...auth.providers, aad } } }
    await runtime.assign([more])
    const begun = await ask('/login/aad')
    assert.ok(String(begun.headers.location).startsWith(`${openId.url}/organizations/v2.0/`))
    const ended = await ask(await throughProvider(String(begun.headers.location)), { cookie: cookieOf(begun) })
    assert.match(
      decodeURIComponent(String(ended.headers.location)),
      /#error=The Azure AD account belongs to a tenant that is not let in\.$/,
    )
    const typo = { ...aad, tenants: ['no-such.example.com', TENANT] }
    await runtime.assign([{ ...service, auth: { ...auth, providers: { ...auth.providers, aad: typo } } }])
    const token = await openId.idToken(`${openId.url}/${TENANT}/v2.0`, { sub: 's', aud: 'client', oid: 'o-1' })
    const letIn = await ask('/.auth/login/aad', {}, { id_token: token })
    assert.equal(letIn.status, 200, letIn.body)
    const none = { ...service, auth: { ...auth, providers: { aad: { ...aad, tenants: [] } } } }
    await runtime.assign([none])
    assert.match((await ask('/login/aad')).body, /lets nobody in yet: no tenant is named/)
    assert.match((await ask('/login/google')).body, /Logging in with google is not enabled\./)
    await runtime.assign([service])
  })

  test('a provider that is away, or where nobody may go, is told, and stands in the log', async () => {
    const auth = service.auth ?? { providers: {}, redirects: [] }
    const providers = { ...auth.providers, google: { ...CLIENT, endpoint: 'http://127.0.0.1:1' } }
    await runtime.assign([{ ...service, auth: { ...auth, providers } }])
    const away = await ask('/login/google')
    assert.deepEqual(
      [away.status, JSON.parse(away.body).error],
      [503, 'Error: Google can not be asked now; try again later.'],
    )
    await runtime.untilLogged(/\/login\/google.*Google can not be asked now.*bad port/)
    await runtime.assign([service])
    const walled = await TestRuntime.start(postgres.folder, 'walled')
    try {
      await walled.assign([service])
      const both = await Promise.all([1, 2].map(async () => await ask('/login/google', {}, undefined, walled)))
      for (const { status, body } of both) assert.deepEqual([status, body.includes('loopback')], [503, false], body)
      await walled.untilLogged(/login\/google.*may not be reached from here: loopback/)
      assert.equal((await ask('/login/facebook', {}, { access_token: 'good' }, walled)).status, 503)
    } finally {
      await walled.stop()
    }
  })
})
