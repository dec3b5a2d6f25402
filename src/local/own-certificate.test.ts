// The self-signed certificate of a cloud on one machine: kept, private, made anew in time, taken by who trusts it.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type CertificateFiles, ensureOwnCertificate } from './own-certificate.ts'

const NOW = new Date('2026-11-30T12:00:00Z')
const DAY_MS = 24 * 3_600_000
const later = (days: number) => new Date(NOW.getTime() + days * DAY_MS)

describe('the certificate of a cloud on one machine', () => {
  let folder: string
  let files: CertificateFiles

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mainstay-own-certificate-'))
    const first = await ensureOwnCertificate(folder, NOW)
    files = first.files
    assert.ok(first.isMade)
  })
  after(async () => await rm(folder, { recursive: true, force: true }))

  test('is for this machine and no other name, good for a year, and no authority', async () => {
    const certificate = new X509Certificate(await readFile(files.cert))
    assert.ok(certificate.checkHost('localhost'))
    assert.match(certificate.subjectAltName ?? '', /DNS:\*\.localhost/)
    for (const address of ['127.0.0.1', '::1']) assert.ok(certificate.checkIP(address), address)
    assert.equal(certificate.checkHost('example.com'), undefined)
    assert.equal(certificate.ca, false)
    const days = (certificate.validToDate.getTime() - NOW.getTime()) / DAY_MS
    assert.ok(days > 365 && days < 398, `${days} days`)
  })

  test('has a key that nobody else reads', async () => {
    assert.equal((await stat(files.key)).mode & 0o777, 0o600)
  })

  test('stays as it is until a third of its life is left, and is then made anew', async () => {
    const before = await readFile(files.cert, 'utf8')
    assert.equal((await ensureOwnCertificate(folder, later(200))).isMade, false)
    assert.equal(await readFile(files.cert, 'utf8'), before)
    assert.equal((await ensureOwnCertificate(folder, later(300))).isMade, true)
    assert.notEqual(await readFile(files.cert, 'utf8'), before)
    assert.equal((await ensureOwnCertificate(folder, later(300))).isMade, false)
  })

  test('is made anew when half of it is lost, or is something else', async () => {
    for (const lost of [files.cert, files.key]) {
      await rm(lost)
      assert.equal((await ensureOwnCertificate(folder, NOW)).isMade, true, lost)
      await writeFile(lost, 'something else')
      assert.equal((await ensureOwnCertificate(folder, NOW)).isMade, true, lost)
    }
  })

  test('is taken by a client that trusts that one file', async () => {
    await rm(files.cert)
    await ensureOwnCertificate(folder, new Date())
    const [cert, key] = [await readFile(files.cert), await readFile(files.key)]
    const server = createServer({ cert, key }, (_request, response) => response.end('well')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo
      const call = request({ host: '127.0.0.1', servername: 'localhost', port, ca: cert, agent: false })
      call.end()
      const [answer] = await once(call, 'response')
      assert.equal(answer.statusCode, 200)
      answer.resume()
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})
