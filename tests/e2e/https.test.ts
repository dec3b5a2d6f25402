// A service at a name of its own over HTTPS, before and after its region has died.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { ServiceView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { signalProcess } from '../../src/kit/processes.ts'
import { AcmeServer } from '../support/acme-server.ts'
import { freePort, TestCloud } from '../support/cloud.ts'
import { FaultPoints } from '../support/fault-points.ts'
import { WebAuthority, type WebCertificate } from '../support/web-certificates.ts'

const NAME = 'api.example.com'
const PATH = '/tables/TodoItem?$orderby=id'

describe('a domain of a service', () => {
  let cloud: TestCloud
  let service: ServiceView
  let authority: WebAuthority
  let own: WebCertificate
  let good: WebCertificate
  let folder: string
  let port: number
  let acme: AcmeServer
  let points: FaultPoints

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mainstay-https-'))
    authority = await WebAuthority.make()
    own = await authority.issue(['primaryservice.localhost'])
    good = await authority.issue([NAME])
    await write('gateway', own)
    await write('domain', good)
    port = await freePort()
    points = await FaultPoints.make()
    const files = { MAINSTAY_TLS_CERT: join(folder, 'gateway.pem'), MAINSTAY_TLS_KEY: join(folder, 'gateway.key') }
    cloud = await TestCloud.start('pair', { env: { MAINSTAY_TLS_PORT: String(port), ...files, ...points.env } })
    acme = await AcmeServer.start(authority, cloud.port)
    service = await cloud.service('PrimaryService')
    await cloud.insertRows(service, ['one'])
  })
  after(async () => {
    acme?.close()
    await cloud?.dispose()
    await points?.dispose()
    await rm(folder, { recursive: true, force: true })
  })

  const write = async (name: string, { chain, key }: WebCertificate) => {
    await writeFile(join(folder, `${name}.key`), key)
    await writeFile(join(folder, `${name}.pem`), chain)
  }
  const ask = async (host: string, agent = new Agent()) => {
    const headers = { host, 'x-zumo-application': service.applicationKey }
    const to = { host: '127.0.0.1', port, servername: host, ca: authority.root, path: PATH, headers, agent }
    const call = request(to)
    call.end()
    const [answer] = await once(call, 'response')
    const { serialNumber } = (answer.socket as TLSSocket).getPeerCertificate()
    const hsts = answer.headers['strict-transport-security'] as string | undefined
    return { status: answer.statusCode as number, body: await text(answer), serial: serialNumber, hsts }
  }
  const set = async (setting: string, value: string) =>
    await cloud.ok(['mobile', 'config', 'set', 'PrimaryService', setting, value])

  test('up tells where apps find HTTPS, and answers there by the name that the cloud gives', async () => {
    assert.match(cloud.output, new RegExp(`Apps by HTTPS +https://localhost:${port}/`))
    const answer = await ask('primaryservice.localhost')
    assert.deepEqual([answer.status, answer.serial], [200, own.serial])
  })

  test('a domain with a certificate answers as the service does', async () => {
    await cloud.ok(['mobile', 'domain', 'add', 'PrimaryService', NAME])
    const files = [join(folder, 'domain.pem'), '--key', join(folder, 'domain.key')]
    await cloud.ok(['mobile', 'cert', 'add', 'PrimaryService', ...files])
    await cloud.ok(['mobile', 'domain', 'ssl', 'enable', 'PrimaryService', NAME, good.thumbprint])
    const answer = await ask(NAME)
    assert.deepEqual([answer.status, answer.serial, answer.hsts], [200, good.serial, undefined])
    assert.match(answer.body, /"id":"one"/)
  })

  test('plain HTTP is sent to HTTPS, and browsers are told to come by it, where the service says so', async () => {
    await set('httpsRedirect', 'true')
    await set('hstsMaxAge', '3600')
    await set('requireHttps', 'true')
    await cloud.refuses(['mobile', 'config', 'set', 'PrimaryService', 'hstsMaxAge', '99999999999'], 2, /63072000/)
    const plain = await cloud.app(service, '/tables/TodoItem', { redirect: 'manual' })
    const where = `https://127.0.0.1:${port}/services/primaryservice/tables/TodoItem`
    assert.deepEqual([plain.status, plain.headers.get('location')], [307, where])
    const answer = await ask(NAME)
    assert.deepEqual([answer.status, answer.hsts], [200, 'max-age=3600'])
    await set('httpsRedirect', 'false')
    const lie = { 'x-forwarded-proto': 'https' }
    assert.equal((await cloud.app(service, '/tables/TodoItem', { headers: lie })).status, 403)
    await set('httpsRedirect', 'true')
  })

  test('the files of the gateway are read again; a broken one is told and changes nothing', async () => {
    const agent = new Agent({ keepAlive: true })
    await ask('primaryservice.localhost', agent)
    const [socket] = Object.values(agent.freeSockets).flat()
    const next = await authority.issue(['primaryservice.localhost'])
    await writeFile(join(folder, 'gateway.pem'), next.chain)
    const told = async () =>
      (await cloud.ok(['status'])).includes('cannot use the files of its cert') ? true : undefined
    await waitFor('the warning', told, { withinMs: 20_000, everyMs: 200 })
    assert.equal((await ask('primaryservice.localhost')).serial, own.serial)
    await writeFile(join(folder, 'gateway.key'), next.key)
    const isShown = async () => ((await ask('primaryservice.localhost')).serial === next.serial ? true : undefined)
    await waitFor('the new certificate', isShown, { withinMs: 20_000, everyMs: 100 })
    await ask('primaryservice.localhost', agent)
    assert.equal(Object.values(agent.freeSockets).flat()[0], socket, 'a connection was dropped')
    agent.destroy()
  })

  test('after a recovery the same name answers with the same certificate and the same settings', async () => {
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    await cloud.untilState('PrimaryService', 'Unhealthy', 30_000)
    const list = ['mobile', 'domain', 'list', 'PrimaryService', '--json']
    assert.deepEqual(JSON.parse(await cloud.ok(list)), [NAME, 'primaryservice.localhost'])
    // Nothing of it needs the region.
    await set('hstsMaxAge', '7200')
    await cloud.ok(['mobile', 'recover', 'PrimaryService', 'SecondaryService', '-q'])
    assert.equal((await cloud.service('PrimaryService')).region, 'East US')
    const answer = await ask(NAME)
    assert.deepEqual([answer.status, answer.serial, answer.hsts], [200, good.serial, 'max-age=7200'])
    assert.match(answer.body, /"id":"one"/)
    assert.deepEqual(JSON.parse(await cloud.ok(list)), [NAME, 'primaryservice.localhost'])
  })

  test('a certificate is issued by the authority of this cloud, also when control dies three times in between', async () => {
    const issued = 'shop.example.org'
    await cloud.ok(['mobile', 'domain', 'add', 'PrimaryService', issued])
    const enable = ['mobile', 'domain', 'ssl', 'enable', 'PrimaryService', issued, '--acme']
    await cloud.refuses(enable, 1, /no authority that issues certificates/)
    const set = ['acme', 'set', '--directory', acme.directoryUrl, '--contact', 'ops@example.com']
    await cloud.refuses(set, 2, /terms of service: http/)
    await cloud.refuses(['acme', 'set', '--directory', 'ftp://x', '--agree-terms'], 2, /not the directory/)
    assert.match(await cloud.ok([...set, '--agree-terms']), /directory +http/)
    // What was done, and not written down any more, is done again or found done.
    for (const step of ['issue', 'show']) await points.arm(`issue_certificate.${step}.done`, 'kill')
    const held = Promise.withResolvers<void>()
    acme.looking = held.promise
    const { id } = (await cloud.call('POST', `/services/PrimaryService/domains/${issued}/issue`)).body
    assert.ok(id)
    await waitFor('the authority to be asked', () => (acme.looked > 0 ? true : undefined), { withinMs: 20_000 })
    signalProcess(cloud.rolePid('control'), 'SIGKILL')
    held.resolve()
    const isOver = async () => {
      const found = await cloud.operation(id).catch(() => null)
      return found && found.state !== 'running' ? found : undefined
    }
    const ended = await waitFor('the certificate', isOver, { withinMs: 60_000, everyMs: 200 })
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended.error))
    for (const step of ['issue', 'show']) assert.ok(await points.hitBy(`issue_certificate.${step}.done`), step)
    assert.deepEqual(acme.contacts, ['mailto:ops@example.com'])
    const answer = await ask(issued)
    assert.equal(answer.status, 200)
    assert.match(await cloud.ok(['mobile', 'domain', 'list', 'PrimaryService']), /shop\.example\.org +enabled, issued/)
    assert.equal(acme.issued, 1)
  })

  test('it is renewed when two thirds of its life are over; a failure is told, and the old one stays', async () => {
    const name = 'old.example.org'
    await cloud.ok(['mobile', 'domain', 'add', 'PrimaryService', name])
    // Its life is over by more than two thirds when it is issued.
    acme.life = { fromMs: -9 * 3_600_000, untilMs: 3_600_000 }
    const enable = ['mobile', 'domain', 'ssl', 'enable', 'PrimaryService', name, '--acme']
    assert.match(await cloud.ok(enable), /HTTPS is enabled for old\.example\.org; its certificate is renewed by itself/)
    acme.life = {}
    const first = await ask(name)
    const isRenewed = async () => ((await ask(name)).serial === first.serial ? undefined : true)
    await waitFor('the renewal', isRenewed, { withinMs: 60_000, everyMs: 200 })
    const second = await ask(name)
    const certificates = await cloud.json<{ domains: string[] }[]>(['mobile', 'cert', 'list', 'PrimaryService'])
    assert.equal(certificates.filter(({ domains }) => domains.includes(name)).length, 1)
    assert.equal(certificates.filter(({ domains }) => domains.length === 0).length, 0, 'the old one was kept')
    acme.refusal = 'too many certificates of that name'
    await cloud.refuses(enable, 1, /too many certificates of that name/)
    assert.match(await cloud.ok(['status']), /no certificate could be issued for old\.example\.org \(PrimaryService\)/)
    const state = await cloud.json<{ issueDueAt: string }>(['mobile', 'domain', 'ssl', 'show', 'PrimaryService', name])
    assert.ok(Date.parse(state.issueDueAt) > Date.now() + 200_000)
    assert.equal((await ask(name)).serial, second.serial)
    acme.refusal = null
    await cloud.ok(enable)
    assert.doesNotMatch(await cloud.ok(['status']), /could be issued/)
    await cloud.ok(['mobile', 'domain', 'ssl', 'disable', 'PrimaryService', name, '-q'])
    await cloud.ok(['acme', 'remove'])
    assert.match(await cloud.ok(['acme', 'show']), /issues certificates +no/)
  })
})
