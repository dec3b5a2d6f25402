// Machines and a real control: joining, speaking, renewing, off for too long, revoked. Lives are seconds here.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import type { IncidentView, JoinTokenView, MachineView } from '../../src/contract/api.ts'
import type { GatewayFacts, GatewayHeartbeatAnswer } from '../../src/contract/facts.ts'
import { decodeJoinToken, encodeJoinToken, type MachineIdentity } from '../../src/contract/join.ts'
import { CONTROL_PROTOCOL, PROTOCOL_VERSION } from '../../src/contract/protocols.ts'
import { lifeOf } from '../../src/kit/certificate-life.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { Door } from '../../src/kit/door.ts'
import { removeTree, writeJson } from '../../src/kit/files.ts'
import { LAUNCHER } from '../../src/kit/launcher.ts'
import { foldersOfRole } from '../../src/local/cloud-home.ts'
import { killOurs } from '../../src/local/our-processes.ts'
import { type ControlLink, openControlLink } from '../../src/machine/control-link.ts'
import { ensureIdentity, makeKey, parseControlUrls } from '../../src/machine/join.ts'
import { Certificate } from '../../src/machine/renewal.ts'
import { freePort } from '../support/cloud.ts'

const CERTIFICATE_LIFE_S = 10
const TOKEN_LIFE_S = 10
const SLOW = { withinMs: 30_000, everyMs: 50 }
const GATEWAY_1 = { role: 'gateway', domain: 'edge-1' }
const silent = pino({ level: 'silent' })

// All at once, since three of them wait for the same ten seconds.
describe('a machine', { concurrency: 7 }, () => {
  let folder: string
  let home: string
  let api: string
  let controlUrl: string
  let process_: ChildProcess
  const opened: (() => Promise<void>)[] = []

  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const token = (await readFile(join(home, 'operator.token'), 'utf8')).trim()
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) }
    const answer = await fetch(`${api}/api/v1${path}`, init)
    assert.ok(answer.status < 300, `${path}: ${await answer.clone().text()}`)
    return (await answer.json()) as T
  }
  const makeToken = async (domain: string) =>
    (await call<JoinTokenView>('POST', '/join-tokens', { role: 'gateway', domain })).token
  const joining = async (where: string, domain: string, token: string | null) => {
    const own = join(folder, where)
    await mkdir(own, { recursive: true })
    return await ensureIdentity({ home: own, role: 'gateway', domain, controls: parseControlUrls(controlUrl), token })
  }
  const linkOf = (identity: MachineIdentity): { door: Door; control: ControlLink } => {
    const door = new Door(identity)
    const control = openControlLink(door, parseControlUrls(controlUrl))
    opened.push(async () => {
      await control.close()
      await door.close()
    })
    return { door, control }
  }
  const heartbeat = async (control: ControlLink, identity: MachineIdentity, more: Partial<GatewayFacts> = {}) => {
    const facts: GatewayFacts = {
      ...{ protocol: PROTOCOL_VERSION, machine: identity.name, domain: identity.domain, address: '127.0.0.1', port: 1 },
      ...{ publicUrl: 'http://localhost:1', version: 0, probes: [], requests: 0, failedRequests: 0, ...more },
    }
    return await control.call({ method: 'POST', path: '/machine/gateway-heartbeat', body: facts, timeoutMs: 5_000 })
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mainstay-joining-'))
    chmodSync(folder, 0o755)
    home = join(folder, 'control')
    const [port, machinePort] = [await freePort(), await freePort()]
    api = `http://127.0.0.1:${port}`
    controlUrl = `https://127.0.0.1:${machinePort}`
    const lives = ['--certificate-life', `${CERTIFICATE_LIFE_S}s`, '--join-token-life', `${TOKEN_LIFE_S}s`]
    const ports = ['--port', String(port), '--machine-port', String(machinePort)]
    const args = [LAUNCHER, 'control', '--home', home, ...ports, ...lives]
    process_ = spawn(process.execPath, args, { stdio: 'ignore' })
    const isLive = async () => ((await fetch(`${api}/api/v1/live`).catch(() => null))?.ok ? true : undefined)
    await waitFor('control', isLive, { withinMs: 60_000, everyMs: 100 })
  })
  after(async () => {
    for (const close of opened) await close()
    process_.kill('SIGKILL')
    const folders = await foldersOfRole(home)
    await killOurs(folders)
    for (const one of folders) await removeTree(one)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  test('joins once with a token, and is told why it may not', async () => {
    const word = await makeToken('edge-1')
    const first = await joining('one', 'edge-1', word)
    assert.match(first.name, /^gateway-\d$/)
    assert.ok(lifeOf(first.certificate).untilMs <= Date.now() + CERTIFICATE_LIFE_S * 1_000)
    await assert.rejects(joining('two', 'edge-1', word), {
      code: 'join.refused',
      message: new RegExp(`used already, by ${first.name}`),
    })
    const guessed = encodeJoinToken({ ...decodeJoinToken(word), secret: 'a guess' })
    await assert.rejects(joining('two', 'edge-1', guessed), { code: 'join.refused', message: /is not known here/ })
    const forged = encodeJoinToken({ ...decodeJoinToken(await makeToken('edge-1')), domain: 'edge-2' })
    const refusal = { code: 'join.refused', message: /is for a gateway of edge-1, not for a gateway of edge-2/ }
    await assert.rejects(joining('two', 'edge-2', forged), refusal)
    await assert.rejects(joining('two', 'edge-2', word), { code: 'join.other_token' })
    await assert.rejects(joining('one', 'edge-2', null), { code: 'join.other_domain' })
  })

  test('may not join with a token that expired', async () => {
    const { token: word, expiresAt } = await call<JoinTokenView>('POST', '/join-tokens', GATEWAY_1)
    const isOver = () => (Date.now() > Date.parse(expiresAt) ? true : undefined)
    await waitFor('the end of the token', isOver, SLOW)
    await assert.rejects(joining('late', 'edge-1', word), { code: 'join.refused', message: /expired at 2/ })
  })

  test('that was killed before the answer came asks again with the same key, and is the same machine', async () => {
    const word = await makeToken('edge-4')
    const pending = { tokenId: decodeJoinToken(word).id, ...makeKey() }
    for (const where of ['killed', 'again']) await writeJson(join(folder, where, 'joining.json'), pending)
    const [first, second] = [await joining('killed', 'edge-4', word), await joining('again', 'edge-4', word)]
    assert.equal(second.name, first.name)
  })

  test('is served in its own protocol version or the one before, and in no other', async () => {
    const identity = await joining('versions', 'edge-5', await makeToken('edge-5'))
    const { control } = linkOf(identity)
    await heartbeat(control, identity)
    const writtenIn = async (protocol: number) =>
      ((await heartbeat(control, identity, { protocol })) as GatewayHeartbeatAnswer).assignment?.protocol
    assert.equal(await writtenIn(PROTOCOL_VERSION - 1), PROTOCOL_VERSION - 1)
    assert.equal(await writtenIn(PROTOCOL_VERSION), PROTOCOL_VERSION)
    await assert.rejects(heartbeat(control, identity, { protocol: PROTOCOL_VERSION + 1 }), {
      code: 'orders.other_version',
      message: `${identity.name} speaks protocol 3, control speaks 1 to 2`,
      hint: /Upgrade control first/,
    })
    await assert.rejects(heartbeat(control, identity, { protocol: 0 }), {
      code: 'orders.other_version',
      hint: /Upgrade Mainstay on that machine/,
    })
    await assert.rejects(heartbeat(control, { ...identity, name: 'gateway-0' }), { code: 'orders.not_self' })
  })

  test('renews its certificate under a fresh key, again and again, and drops no connection for it', async () => {
    const identity = await joining('renewing', 'edge-6', await makeToken('edge-6'))
    const { door, control } = linkOf(identity)
    const [at] = parseControlUrls(controlUrl)
    assert.ok(at)
    const to = { ...at, protocol: CONTROL_PROTOCOL, target: 'control', expectRole: 'control' }
    const before = await door.dial(to)
    const aborter = new AbortController()
    const certificate = new Certificate(identity)
    const own = join(folder, 'renewing')
    const keeping = certificate.keep({ home: own, door, control, log: silent, signal: aborter.signal })
    const seen = new Set<string>()
    const isRenewed = async () => {
      const kept = JSON.parse(await readFile(join(own, 'certificate.json'), 'utf8')) as MachineIdentity
      seen.add(`${kept.key} ${kept.certificate}`)
      return Date.now() > lifeOf(identity.certificate).untilMs && seen.size >= 3 ? true : undefined
    }
    await waitFor('two renewals, and the end of the first certificate', isRenewed, SLOW)
    assert.equal(before.destroyed, false)
    // Control's own certificate went on, too, without a restart.
    const now = await door.dial(to)
    assert.notEqual(now.getPeerCertificate().serialNumber, before.getPeerCertificate().serialNumber)
    await heartbeat(control, identity, { certificateUntil: certificate.until })
    const view = await call<MachineView>('GET', `/machines/${identity.name}`)
    assert.ok(Date.parse(view.certificateUntil ?? '') > Date.now())
    aborter.abort()
    await keeping
    before.destroy()
    now.destroy()
  })

  test('that was off for too long joins again under its name, with a token of its own', async () => {
    const identity = await joining('off', 'edge-7', await makeToken('edge-7'))
    const find = async () => {
      const open = await call<IncidentView[]>('GET', '/incidents?isOpen=true')
      return open.find((one) => one.kind === 'certificate' && one.subject === identity.name)
    }
    const { cause, message } = await waitFor('it to be told that it is not renewed', find, SLOW)
    assert.equal(cause, 'certificate_expiring')
    assert.match(message, new RegExp(`the certificate of ${identity.name} (ends in|has ended)`))
    const isOver = () => (Date.now() > lifeOf(identity.certificate).untilMs ? true : undefined)
    await waitFor('the end of its certificate', isOver, SLOW)
    const expired = { code: 'join.expired', hint: new RegExp(`join-token create --machine ${identity.name}`) }
    await assert.rejects(joining('off', 'edge-7', null), expired)
    await assert.rejects(joining('off', 'edge-7', await makeToken('edge-7')), expired)
    const { token } = await call<JoinTokenView>('POST', `/machines/${identity.name}/join-tokens`)
    await assert.rejects(joining('other', 'edge-7', token), { code: 'join.other_token' })
    const again = await joining('off', 'edge-7', token)
    assert.deepEqual([again.name, again.domain], [identity.name, identity.domain])
    await heartbeat(linkOf(again).control, again)
  })

  test('that was revoked is refused at once, whatever it asks, and never comes back', async () => {
    const identity = await joining('revoked', 'edge-8', await makeToken('edge-8'))
    const { control } = linkOf(identity)
    await heartbeat(control, identity)
    await call('POST', `/machines/${identity.name}/revoke`, {})
    const revoked = { code: 'machine.revoked', status: 403 }
    await assert.rejects(heartbeat(control, identity), revoked)
    const body = { publicKey: makeKey().publicKey }
    await assert.rejects(control.call({ method: 'POST', path: '/machine/renew', body, timeoutMs: 5_000 }), revoked)
    await assert.rejects(call('POST', `/machines/${identity.name}/join-tokens`), /was revoked/)
    await call('POST', `/machines/${identity.name}/revoke`, {})
    const next = await joining('next', 'edge-8', await makeToken('edge-8'))
    assert.notEqual(next.name, identity.name)
  })
})
