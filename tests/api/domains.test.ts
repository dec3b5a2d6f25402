// Domains of services and their certificates, by the commands of people: what is taken, what is refused, what is told.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type CliResult, runInside } from '../support/command-line.ts'
import { LoneControl } from '../support/lone-control.ts'
import { makePfx, OPENSSL_PFX } from '../support/pfx.ts'
import { WebAuthority, type WebCertificate } from '../support/web-certificates.ts'

const NAME = 'api.example.com'

describe('domains and certificates of a service', () => {
  let control: LoneControl
  let folder: string
  let authority: WebAuthority
  let good: WebCertificate

  before(async () => {
    control = await LoneControl.start()
    await control.seed()
    folder = await mkdtemp(join(tmpdir(), 'mainstay-domains-'))
    authority = await WebAuthority.make()
    good = await authority.issue([NAME, '*.example.org'])
    await writeFile(file('good.pem'), good.chain)
    await writeFile(file('good.key'), good.key)
    await writeFile(file('openssl.pfx'), OPENSSL_PFX.pfx)
  })
  after(async () => {
    await control?.dispose()
    await rm(folder, { recursive: true, force: true })
  })

  const file = (name: string) => join(folder, name)
  const cli = async (words: string, options: { input?: string; token?: string } = {}): Promise<CliResult> => {
    const env = { MAINSTAY_CONTROL_URL: control.url, MAINSTAY_TOKEN: options.token ?? control.token }
    return await runInside(['mobile', ...words.split(' ')], { env, input: options.input ?? '' })
  }
  const ok = async (words: string, options?: { input?: string }) => {
    const result = await cli(words, options)
    assert.equal(result.code, 0, `mainstay mobile ${words}\n${result.stdout}${result.stderr}`)
    return result.stdout
  }
  const refuses = async (words: string, code: number, message: RegExp) => {
    const result = await cli(words)
    assert.match(result.stderr, message, words)
    assert.equal(result.code, code, words)
    assert.doesNotMatch(result.stdout + result.stderr, /[A-Za-z0-9+/]{60}|\n {4}at /, 'a key or a stack was shown')
  }

  test('a domain is given to a service, in any case, and listed with the name of this cloud', async () => {
    const added = await ok('domain add PrimaryService API.Example.com')
    assert.match(added, /^info: {4}Executing command mobile domain add$/m)
    assert.match(added, /^info: {4}Domain api\.example\.com belongs to PrimaryService$/m)
    assert.match(added, /domain ssl enable PrimaryService api\.example\.com THUMBPRINT/)
    assert.match(added, /^info: {4}mobile domain add command OK$/m)
    const list = await ok('domain list PrimaryService')
    assert.match(list, /^data: {4}Domain +HTTPS +Thumbprint +Expires$/m)
    assert.match(list, /^data: {4}api\.example\.com +disabled/m)
    assert.match(list, /^data: {4}primaryservice\.localhost +as the gateway has it$/m)
    const names = JSON.parse(await ok('domain list PrimaryService --json'))
    assert.deepEqual(names, [NAME, 'primaryservice.localhost'])
  })

  for (const [name, message] of [
    ['example', /cannot be a domain of a mobile service\n.*whole host name/],
    ['*.example.com', /cannot be a domain/],
    ['api.example.com:443', /cannot be a domain/],
    ['10.0.0.1', /cannot be a domain/],
    ['todo.localhost', /gives to its services itself/],
    ['localhost', /cannot be a domain|gives to its services/],
  ] as const) {
    test(`${name} is refused as a domain`, async () => {
      await refuses(`domain add PrimaryService ${name}`, 2, message)
    })
  }

  test('a domain belongs to one service in the whole cloud', async () => {
    await refuses('domain add SecondaryService api.EXAMPLE.com', 1, /already belongs to 'PrimaryService'/)
    await refuses(`domain add PrimaryService ${NAME}`, 1, /already belongs to 'PrimaryService'/)
    await refuses('domain delete SecondaryService api.example.com --quiet', 2, /has no domain 'api\.example\.com'/)
    await refuses('domain add Nothing b.example.com', 2, /no mobile service 'Nothing'/)
  })

  test('a .pfx file is taken with its password: given, asked for, or in a file', async () => {
    await refuses(
      `cert add PrimaryService ${file('openssl.pfx')} wrong`,
      2,
      /the password does not open the \.pfx file/,
    )
    const added = await ok(`cert add PrimaryService ${file('openssl.pfx')} ${OPENSSL_PFX.password}`)
    assert.match(added, new RegExp(`^info: {4}Certificate ${OPENSSL_PFX.thumbprint} was added$`, 'm'))
    await refuses(`cert add PrimaryService ${file('openssl.pfx')} secret`, 1, /already has the certificate/)
    await ok(`cert delete PrimaryService ${OPENSSL_PFX.thumbprint} --quiet`)
    await ok(`cert add PrimaryService ${file('openssl.pfx')}`, { input: 'secret\n' })
    await ok(`cert delete PrimaryService ${OPENSSL_PFX.thumbprint.toLowerCase()} -q`)
    await writeFile(file('password'), 'secret\n')
    await ok(`cert add PrimaryService ${file('openssl.pfx')} --password-file ${file('password')}`)
    const [view] = JSON.parse(await ok('cert list PrimaryService --json'))
    assert.equal(view.thumbprint, OPENSSL_PFX.thumbprint)
    assert.deepEqual(view.hostNames, [NAME, '*.example.org'])
    assert.match(view.subjectName, /CN=api\.example\.com/)
    assert.match(view.expirationDate, /^2036-/)
    assert.ok(!JSON.stringify(view).includes('PRIVATE'))
    const table = await ok('cert list PrimaryService')
    assert.match(table, /^data: {4}Thumbprint +Subject name +Issuer +Host names +Expires +Shown for$/m)
  })

  test('what is no usable certificate is refused, with what to do', async () => {
    const other = await authority.issue([NAME])
    const ended = await authority.issue([NAME], { untilMs: -1_000 })
    await writeFile(file('other.key'), other.key)
    await writeFile(file('ended.pem'), ended.chain)
    await writeFile(file('ended.key'), ended.key)
    await writeFile(file('nonsense.pfx'), 'nonsense')
    await writeFile(file('large.pfx'), Buffer.alloc(70_000))
    await writeFile(file('half.pem'), good.chain.slice(0, 200))
    const add = (words: string) => `cert add PrimaryService ${words}`
    await refuses(add(`${file('good.pem')} --key ${file('other.key')}`), 2, /key does not belong to the certificate/)
    await refuses(add(`${file('ended.pem')} --key ${file('ended.key')}`), 2, /the certificate ended on /)
    await refuses(add(`${file('half.pem')} --key ${file('good.key')}`), 2, /there is no certificate in it/)
    await refuses(add(`${file('good.pem')} --key ${file('good.pem')}`), 2, /its private key cannot be read/)
    await refuses(add(`${file('nonsense.pfx')} x`), 2, /no PKCS #12 file, or damaged/)
    await refuses(add(`${file('large.pfx')} x`), 2, /70000 bytes: that is no certificate/)
    await refuses(add(file('good.pem')), 2, /is no \.pfx file\n.*--key privkey\.pem/)
    await refuses(add(file('nowhere.pfx')), 2, /cannot read .*nowhere\.pfx/)
  })

  test('a certificate is shown for a domain that it is for, and goes only when it is not shown', async () => {
    await ok(`cert add PrimaryService ${file('good.pem')} --key ${file('good.key')}`)
    const ssl = `PrimaryService ${NAME}`
    await refuses(`domain ssl enable ${ssl} ${'A'.repeat(40)}`, 2, /has no certificate A/)
    await ok('domain add PrimaryService other.example.net')
    const wrong = `domain ssl enable PrimaryService other.example.net ${good.thumbprint}`
    await refuses(wrong, 2, /is for api\.example\.com, \*\.example\.org/)
    assert.match(await ok(`domain ssl enable ${ssl} ${good.thumbprint}`), /HTTPS is enabled for api\.example\.com/)
    const state = JSON.parse(await ok(`domain ssl show ${ssl} --json`))
    assert.deepEqual([state.name, state.sslState, state.thumbprint], [NAME, 'sniEnabled', good.thumbprint])
    assert.match(await ok(`domain ssl show ${ssl}`), new RegExp(`^data: {4}thumbprint +${good.thumbprint}$`, 'm'))
    await refuses(`cert delete PrimaryService ${good.thumbprint} -q`, 1, /is shown for 'api\.example\.com'/)
    assert.match((await cli(`cert delete PrimaryService ${good.thumbprint}`, { input: 'n\n' })).stdout, /Nothing was/)
    await ok(`domain ssl disable ${ssl} --quiet`)
    assert.deepEqual(JSON.parse(await ok(`domain ssl show ${ssl} --json`)), { name: NAME })
    await ok(`cert delete PrimaryService ${good.thumbprint} --quiet`)
    await refuses(`cert delete PrimaryService ${good.thumbprint} --quiet`, 2, /has no certificate/)
  })

  test('one that ends soon is warned of, private keys lie sealed, and each change is in the audit', async () => {
    const rsa = makePfx(NAME, 'pass word')
    await writeFile(file('rsa.pfx'), rsa.pfx)
    await writeFile(file('password'), 'pass word')
    const added = await ok(`cert add PrimaryService ${file('rsa.pfx')} --password-file ${file('password')} --json`)
    await ok(`domain ssl enable PrimaryService ${NAME} ${JSON.parse(added).thumbprint}`)
    const env = { MAINSTAY_CONTROL_URL: control.url, MAINSTAY_TOKEN: control.token }
    const status = await runInside(['status'], { env })
    assert.match(status.stdout, /the certificate of api\.example\.com \(PrimaryService\) ends in 9 day\(s\)/)
    const rows = await control.sql('select private_key, chain from service_certificates')
    assert.ok(rows.length > 0)
    for (const { private_key: sealed } of rows) assert.doesNotMatch(String(sealed), /BEGIN|PRIVATE/)
    const audit = await runInside(['audit', 'list'], { env })
    for (const action of ['domain add', 'domain ssl enable', 'cert add', 'cert delete']) {
      assert.match(audit.stdout, new RegExp(`mobile ${action}`))
    }
    assert.doesNotMatch(audit.stdout, /pass word|PRIVATE/)
  })

  test('a service that has ended gives its domains free', async () => {
    await control.sql(`update services set ended_at = now(), state = 'deleted' where name = 'PrimaryService'`)
    await ok(`domain add SecondaryService ${NAME}`)
    assert.deepEqual(JSON.parse(await ok('domain list SecondaryService --json'))[0], NAME)
    await ok(`domain delete SecondaryService ${NAME}`, { input: 'y\n' })
    assert.deepEqual(JSON.parse(await ok('domain list SecondaryService --json')), ['secondaryservice.localhost'])
  })
})
