// The management API behind TLS, and a person elsewhere who logs in to it.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { waitFor } from '../../src/kit/clock.ts'
import { readJsonIfAny, removeTree } from '../../src/kit/files.ts'
import { LAUNCHER } from '../../src/kit/launcher.ts'
import { foldersOfRole } from '../../src/local/cloud-home.ts'
import { killOurs } from '../../src/local/our-processes.ts'
import { runCli } from '../support/cli-run.ts'
import { freePort } from '../support/cloud.ts'

describe('a control whose management API is behind TLS', () => {
  let folder: string
  let home: string
  let control: ChildProcess
  let url: string
  let env: Record<string, string>

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mainstay-login-'))
    chmodSync(folder, 0o755)
    home = join(folder, 'control')
    const files = await writeCertificate(folder)
    const [port, machinePort] = [await freePort(), await freePort()]
    url = `https://localhost:${port}`
    env = { HOME: join(folder, 'user'), NODE_EXTRA_CA_CERTS: files.cert }
    const tls = ['--tls-cert', files.cert, '--tls-key', files.key]
    const ports = ['--port', String(port), '--machine-port', String(machinePort)]
    control = spawn(process.execPath, [LAUNCHER, 'control', '--home', home, ...ports, ...tls], { stdio: 'ignore' })
    const isUp = async () => (await readJsonIfAny(join(home, 'control.json'))) ?? undefined
    await waitFor('control', isUp, { withinMs: 60_000, everyMs: 100 })
  })
  after(async () => {
    control.kill('SIGKILL')
    const folders = await foldersOfRole(home)
    await killOurs(folders)
    for (const one of folders) await removeTree(one)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  test('is used by its machine without any login', async (context) => {
    const ran = await runCli(context, ['machine', 'list', '--home', home], { env })
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stdout, /No machine has joined yet/)
  })

  test('is used from elsewhere after a login, until the logout', async (context) => {
    const away = join(folder, 'user')
    const before = await runCli(context, ['mobile', 'list'], { env })
    assert.equal(before.code, 1)
    const login = await runCli(context, ['login', url, '--token-file', join(home, 'operator.token')], { env })
    assert.equal(login.code, 0, login.stderr)
    const file = join(away, '.config', 'mainstay', 'login.json')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.equal((await stat(join(file, '..'))).mode & 0o777, 0o700)
    assert.equal((await runCli(context, ['mobile', 'list'], { env })).code, 0)
    // The same URL, named: the token of the login is good for it, and for no other.
    assert.equal((await runCli(context, ['mobile', 'list', '--control', url], { env })).code, 0)
    const other = await runCli(context, ['mobile', 'list', '--control', 'https://localhost:9'], { env })
    assert.equal(other.code, 2)
    assert.match(other.stderr, /no token for the control at https:\/\/localhost:9/)
    assert.equal((await runCli(context, ['logout'], { env })).code, 0)
    assert.equal((await runCli(context, ['mobile', 'list'], { env })).code, 1)
  })

  test('is not logged in to where its certificate is not trusted, and nothing is kept', async (context) => {
    const { NODE_EXTRA_CA_CERTS: _trusted, ...others } = env
    const args = ['login', url, '--token-file', join(home, 'operator.token')]
    const ran = await runCli(context, args, { env: others })
    assert.equal(ran.code, 1)
    assert.match(ran.stderr, /self-signed certificate/)
    assert.equal(await readJsonIfAny(join(folder, 'user', '.config', 'mainstay', 'login.json')), null)
  })
})

// A certificate of its own for localhost, as an operator without an authority would make one.
async function writeCertificate(folder: string): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'der' })
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' })
  const keys = {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
  }
  const names = new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])
  const until = new Date(Date.now() + 3_600_000)
  const options = { name: 'CN=localhost', keys, signingAlgorithm: algorithm, notAfter: until, extensions: [names] }
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(options, webcrypto)
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  await writeFile(files.cert, certificate.toString('pem'))
  await writeFile(files.key, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  return files
}
