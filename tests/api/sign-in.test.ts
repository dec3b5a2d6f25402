// People who sign in: the first owner's link, passwords, sessions, roles, and pages of others that would use them.
import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { AccountView, InvitationView, NewTokenView, ServiceView, TokenView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { BrowserSession } from '../support/browser-session.ts'
import { runCli, temporaryFolder } from '../support/cli-run.ts'
import { LoneControl } from '../support/lone-control.ts'

const SESSION = '/api/v1/session'
const PASSWORD = 'a heron on the pier'

describe('people', () => {
  let control: LoneControl
  let owner: BrowserSession

  before(async () => {
    control = await LoneControl.start()
    await control.seed()
    owner = new BrowserSession(control.url)
  })
  after(async () => await control?.dispose())

  const newcomer = () => new BrowserSession(control.url)
  const tokenIn = ({ url }: InvitationView) => new URL(url).hash.slice(1)
  const invite = async (name: string, role: string): Promise<BrowserSession> => {
    const made = await owner.get<InvitationView>(201, 'POST', '/api/v1/accounts', { body: { name, role } })
    const browser = newcomer()
    const body = { token: tokenIn(made), password: PASSWORD }
    await browser.get(200, 'POST', `${SESSION}/invitation`, { body })
    return browser
  }

  test('the first owner signs in by a link that only who can read the home of control has, and once', async () => {
    const file = join(control.home, 'owner.invitation')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const token = (await readFile(file, 'utf8')).trim()
    const accept = (password: string) => ({ body: { token, password } })
    const path = `${SESSION}/invitation`
    await owner.refused('account.weak_password', 'POST', path, accept('short'))
    await owner.refused('account.weak_password', 'POST', path, accept('owner of all of this'))
    await owner.refused('account.bad_invitation', 'POST', path, { body: { token: `${token}x`, password: PASSWORD } })
    const answer = await owner.ask('POST', path, accept(PASSWORD))
    assert.equal(answer.status, 200)
    const [cookie = ''] = answer.headers['set-cookie'] ?? []
    assert.match(cookie, /^mainstay-\d+=\w{40}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/)
    assert.deepEqual((answer.body as { role: string }).role, 'owner')
    await newcomer().refused('account.bad_invitation', 'POST', path, accept(PASSWORD))
    const rows = await control.sql('select password_hash from accounts')
    assert.match(String(rows[0]?.password_hash), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    assert.doesNotMatch(
      JSON.stringify(await control.sql('select id_hash from sessions')),
      new RegExp(cookie.slice(15, 55)),
    )
  })

  test('who signs in with a wrong name or password hears the same, and after some tries has to wait', async () => {
    const browser = newcomer()
    const tries = (name: string, password: string) => ({ body: { name, password } })
    const unknown = await browser.ask('POST', SESSION, tries('nobody', PASSWORD))
    const wrong = await browser.ask('POST', SESSION, tries('owner', 'a heron on the roof'))
    assert.deepEqual([unknown.status, unknown.body], [wrong.status, wrong.body])
    assert.equal(wrong.status, 401)
    for (let count = 0; count < 4; count += 1) await browser.ask('POST', SESSION, tries('Guessed', 'no password'))
    await browser.refused('account.bad_sign_in', 'POST', SESSION, tries('guessed', 'no password'))
    await browser.refused('account.too_many_tries', 'POST', SESSION, tries('GUESSED', 'no password'))
    await browser.get(200, 'POST', SESSION, tries('OWNER', PASSWORD))
    await browser.get(204, 'DELETE', SESSION)
    assert.equal(browser.cookie, null)
    await browser.refused('account.no_token', 'GET', SESSION)
  })

  test('a session is good for our own page at our own name, and nowhere else', async () => {
    const create = { body: { name: 'Eve', role: 'owner' } }
    const from = (headers: Record<string, string>) => ({ ...create, headers })
    for (const headers of [
      { 'x-mainstay-portal': '' },
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      await owner.refused('account.cross_site', 'POST', '/api/v1/accounts', from(headers))
    }
    const rebound = {
      headers: {
        host: `evil.example:${control.port}`,
        cookie: owner.cookie?.replace(/\d+=/, `${control.port}=`) ?? '',
      },
    }
    await owner.refused('account.bad_host', 'GET', '/api/v1/services', rebound)
    await owner.refused('account.bad_host', 'GET', '/', rebound)
    await newcomer().refused('account.cross_site', 'POST', SESSION, {
      body: { name: 'owner', password: PASSWORD },
      headers: { origin: 'http://evil.example' },
    })
    const accounts = await owner.get<AccountView[]>(200, 'GET', '/api/v1/accounts')
    assert.deepEqual(
      accounts.map(({ name }) => name),
      ['owner'],
    )
  })

  test('a reader sees all but secrets and changes nothing; an operator changes, and makes no accounts', async () => {
    const [reader, operator] = [await invite('Rea', 'reader'), await invite('Opal', 'operator')]
    const shown = await reader.get<ServiceView[]>(200, 'GET', '/api/v1/services')
    assert.deepEqual(
      shown.map(({ masterKey, applicationKey }) => masterKey + applicationKey),
      ['', ''],
    )
    assert.equal(
      (await reader.get<{ services: ServiceView[] }>(200, 'GET', '/api/v1/status')).services[0]?.masterKey,
      '',
    )
    const [first] = await operator.get<ServiceView[]>(200, 'GET', '/api/v1/services')
    assert.match(first?.masterKey ?? '', /^\w{32}$/)
    const post = { body: { title: 'Note', text: 'All is well.' } }
    await reader.refused('account.role', 'POST', '/api/v1/status-posts', post)
    await operator.get(201, 'POST', '/api/v1/status-posts', post)
    const dry = { body: { mode: 'reserved', isDryRun: true } }
    const planned = await reader.ask('POST', '/api/v1/services/SecondaryService/scale', dry)
    assert.notEqual((planned.body as { code?: string }).code, 'account.role')
    // A route that knows no dry run does not get one by being told.
    const [written] = await reader.get<{ id: string }[]>(200, 'GET', '/api/v1/status-posts')
    await reader.refused('account.role', 'DELETE', `/api/v1/status-posts/${written?.id}?isDryRun=true`)
    const forced = { body: { isDryRun: true } }
    for (const path of ['/servers/sql-west-us/divergence/discard', '/servers/sql-west-us/backups/verify']) {
      const { status, body } = await reader.ask('POST', `/api/v1${path}?isDryRun=true`, forced)
      assert.ok(status === 403 || status === 400, `${path}: ${status} ${JSON.stringify(body)}`)
    }
    for (const browser of [reader, operator]) {
      await browser.refused('account.role', 'GET', '/api/v1/accounts')
      await browser.refused('account.role', 'POST', '/api/v1/tokens', { body: { name: 'mine', role: 'owner' } })
      await browser.refused('account.role', 'POST', '/api/v1/join-tokens', {
        body: { role: 'host', domain: 'West US' },
      })
      await browser.refused('account.role', 'POST', '/api/v1/machines/west-us-1/revoke', { body: {} })
    }
  })

  test('a role that is changed counts at once, and who is removed is out', async () => {
    const browser = await invite('Kim', 'reader')
    await owner.get(200, 'PATCH', '/api/v1/accounts/kim', { body: { role: 'operator' } })
    assert.equal((await browser.get<{ role: string }>(200, 'GET', SESSION)).role, 'operator')
    await owner.get(204, 'DELETE', '/api/v1/accounts/Kim')
    await browser.refused('account.no_session', 'GET', SESSION)
    await owner.refused('account.last_owner', 'DELETE', '/api/v1/accounts/owner')
    await owner.refused('account.last_owner', 'PATCH', '/api/v1/accounts/owner', { body: { role: 'reader' } })
    for (const [name, code] of [
      ['OWNER', 'account.taken'],
      ['operator', 'account.bad_name'],
      ['<b>x</b>', 'account.bad_name'],
      [' ', 'account.bad_name'],
    ]) {
      await owner.refused(code ?? '', 'POST', '/api/v1/accounts', { body: { name, role: 'reader' } })
    }
  })

  test('a password is changed by who knows it, and every other session of the account ends', async () => {
    const [here, there] = [await invite('Lou', 'reader'), newcomer()]
    await there.get(200, 'POST', SESSION, { body: { name: 'Lou', password: PASSWORD } })
    const next = 'another heron, elsewhere'
    const change = (current: string, wanted: string) => ({ body: { current, wanted } })
    await here.refused('account.bad_sign_in', 'PUT', `${SESSION}/password`, change('not this one', next))
    await here.refused('account.weak_password', 'PUT', `${SESSION}/password`, change(PASSWORD, 'short'))
    await here.get(204, 'PUT', `${SESSION}/password`, change(PASSWORD, next))
    await here.get(200, 'GET', SESSION)
    await there.refused('account.no_session', 'GET', SESSION)
    await there.refused('account.bad_sign_in', 'POST', SESSION, { body: { name: 'Lou', password: PASSWORD } })
    const link = await owner.get<InvitationView>(201, 'POST', '/api/v1/accounts/Lou/invitation')
    await there.get(200, 'POST', `${SESSION}/invitation`, { body: { token: tokenIn(link), password: PASSWORD } })
    await here.refused('account.no_session', 'GET', SESSION)
  })

  test('a session that was not used for long, or is old, has ended', async () => {
    const browser = await invite('Old', 'reader')
    const age = async (column: string, hours: number) =>
      await control.sql(
        `update sessions set ${column} = now() - make_interval(hours => $1)
         where account_id = (select id from accounts where name = 'Old')`,
        [hours],
      )
    await age('seen_at', 11)
    await browser.get(200, 'GET', SESSION)
    await age('seen_at', 13)
    await browser.refused('account.no_session', 'GET', SESSION)
    await browser.get(200, 'POST', SESSION, { body: { name: 'Old', password: PASSWORD } })
    await age('created_at', 7 * 24 + 1)
    await browser.refused('account.no_session', 'GET', SESSION)
  })

  test('a token has a role and an end, is shown once, and is taken no more when it is revoked', async () => {
    const made = await owner.get<NewTokenView>(201, 'POST', '/api/v1/tokens', {
      body: { name: 'watch', role: 'reader', days: 1 },
    })
    const program = async (path: string, method = 'GET') =>
      (await fetch(`${control.url}${path}`, { method, headers: { authorization: `Bearer ${made.token}` } })).status
    assert.deepEqual(
      [await program('/api/v1/status'), await program('/api/v1/services/PrimaryService', 'DELETE')],
      [200, 403],
    )
    const listed = await owner.get<TokenView[]>(200, 'GET', '/api/v1/tokens')
    assert.deepEqual(
      listed.map(({ name, role }) => [name, role]),
      [
        ['operator', 'owner'],
        ['watch', 'reader'],
      ],
    )
    assert.doesNotMatch(JSON.stringify(listed), new RegExp(made.token))
    await control.sql(`update operator_tokens set expires_at = now() - interval '1 s' where id = $1`, [made.id])
    assert.equal(await program('/api/v1/status'), 401)
    await owner.get(204, 'DELETE', `/api/v1/tokens/${made.id}`)
    await owner.refused('token.unknown', 'DELETE', `/api/v1/tokens/${made.id}`)
    const first = listed.find(({ name }) => name === 'operator')
    await owner.refused('token.first', 'DELETE', `/api/v1/tokens/${first?.id}`)
    // Replaced, as by a control that starts without the file: then the old one is let go.
    await control.sql(
      `insert into operator_tokens (id, subscription_id, principal, token_hash) values ('next', 'default', 'operator', 'x')`,
    )
    await owner.get(204, 'DELETE', '/api/v1/tokens/next')
    await owner.refused('token.first', 'DELETE', `/api/v1/tokens/${first?.id}`)
  })

  test('the page comes with a policy that lets nothing else in, and a fresh nonce each time', async () => {
    const pages = [await owner.ask('GET', '/'), await owner.ask('GET', '/services/PrimaryService/recovery')]
    const nonces = pages.map(({ status, headers, body }) => {
      assert.equal(status, 200)
      const policy = String(headers['content-security-policy'])
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w+/=]{22,}'; /)
      assert.match(policy, /frame-ancestors 'none'$/)
      assert.doesNotMatch(policy, /unsafe/)
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.doesNotMatch(String(body), /<script(?![^>]* src=)/)
      return /'nonce-([^']+)'/.exec(policy)?.[1]
    })
    assert.notEqual(nonces[0], nonces[1])
    assert.equal((await owner.ask('GET', '/nothing/there')).status, 404)
    assert.equal((await owner.ask('GET', '/assets/../../package.json')).status, 404)
  })

  test('a stream says what has changed, that control is there, and nothing to who is not signed in', async () => {
    await newcomer().refused('account.no_token', 'GET', '/api/v1/events')
    const headers = { authorization: `Bearer ${control.token}` }
    const hangUp = new AbortController()
    const stream = await fetch(`${control.url}/api/v1/events`, { headers, signal: hangUp.signal })
    assert.equal(stream.headers.get('content-type'), 'text/event-stream')
    let heard = ''
    const listening = (async () => {
      for await (const chunk of stream.body ?? []) heard += Buffer.from(chunk).toString()
    })().catch(() => {})
    const hears = async (event: RegExp) =>
      await waitFor(String(event), () => (event.test(heard) ? true : undefined), { withinMs: 20_000 })
    await hears(/event: open/)
    await hears(/event: here/)
    await control.sql(`update services set units = 2 where name = 'SecondaryService'`)
    await hears(/event: changed\ndata: \[[^\]]*"services"/)
    hangUp.abort()
    await listening
  })

  test('every change stands in the audit with who made it', async () => {
    const rows = await control.sql(
      `select principal, action, subject from audit where action like 'account %' order by id`,
    )
    const found = rows.map(({ principal, action, subject }) => `${principal}: ${action} ${subject}`)
    for (const line of [
      'owner: account password owner',
      'owner: account invite Kim',
      'owner: account role Kim',
      'owner: account remove Kim',
      'Lou: account password Lou',
    ]) {
      assert.ok(found.includes(line), `${line} is not in ${found.join('\n')}`)
    }
  })

  test('the audit is a chain: whole at first, and broken where somebody with the database has touched it', async (context) => {
    const env = { MAINSTAY_CONTROL_URL: control.url, MAINSTAY_TOKEN: control.token }
    const run = async (...words: string[]) => await runCli(context, ['audit', ...words], { env })
    const isSealed = async () =>
      (await control.sql('select 1 from audit where link is null')).length === 0 ? true : undefined
    await waitFor('every change to be sealed', isSealed, { withinMs: 10_000 })
    const file = join(temporaryFolder(context), 'audit.ndjson')
    const exported = await run('export', '-o', file, '--json')
    assert.equal(exported.code, 0, exported.stderr)
    const { head, entries } = JSON.parse(exported.stdout) as { head: string; entries: number }
    assert.equal(String((await control.sql('select count(*) from audit'))[0]?.count), String(entries))
    assert.match((await run('verify', '--head', head)).stdout, /Chain +whole/)
    assert.match((await run('verify', file)).stdout, new RegExp(`Head +${head}`))
    assert.match((await run('verify', '--head', 'f'.repeat(64))).stderr, /no entry has the hash f+/)
    await control.sql(`update audit set principal = 'Eve' where action = 'account remove'`)
    const broken = await run('verify')
    assert.deepEqual([broken.code, /entry \d+ \(account remove\) is not what it was/.test(broken.stderr)], [1, true])
    assert.equal((await run('verify', file)).code, 0)
    await control.sql(`update audit set principal = 'owner' where action = 'account remove'`)
    await control.sql(`delete from audit where action = 'account role'`)
    assert.match((await run('verify')).stderr, /entry \d+ is missing/)
    const noFile = await run('verify', `${file}.nothing`)
    assert.deepEqual([noFile.code, /Try:/.test(noFile.stderr)], [2, true])
  })
})
