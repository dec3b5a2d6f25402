// Machines of their own: put together by the commands of docs/two-machines.md; a region's machine dies, gateways come and
// go, machines are refused that should be.
import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type {
  JoinTokenView,
  MachineView,
  OperationView,
  ServerView,
  ServiceView,
  StatusView,
} from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { SeparateCloud } from '../support/separate-cloud.ts'

const SLOW = { withinMs: 60_000, everyMs: 200 }

describe('a cloud on machines of their own', () => {
  let cloud: SeparateCloud
  let primary: ServiceView
  const gateways: { machine: string; url: string }[] = []

  const list = async () => await cloud.json<MachineView[]>('mainstay machine list')
  const show = async (name: string) => await cloud.json<ServiceView>(`mainstay mobile show ${name}`)
  const table = (gateway: { url: string }) => `${gateway.url}/services/primaryservice/tables/TodoItem`
  const insert = async (gateway: { url: string }, id: string) => {
    const init = { method: 'POST', key: primary.applicationKey, body: { id, text: `row ${id}` } }
    return await cloud.request('edge', table(gateway), init)
  }
  const ids = async (gateway: { url: string }) => {
    const answer = await cloud.request('edge', table(gateway), { key: primary.applicationKey })
    assert.equal(answer.status, 200, answer.body)
    return (JSON.parse(answer.body) as { id: string }[]).map((row) => row.id).sort()
  }
  // As the page says: the same command without the token.
  const startAgain = async (machine: string) => {
    const line = (await cloud.docLines()).find((one) => one.machine === machine)
    await cloud.startRole(machine, (line?.command ?? '').replace(/^\S+ /, ''))
  }
  const untilUnhealthy = async (name: string) => {
    const check = async () => ((await show(name)).health.state === 'Unhealthy' ? true : undefined)
    await waitFor(`${name} to be Unhealthy`, check, SLOW)
  }

  before(async () => {
    cloud = await SeparateCloud.open()
    for (const line of await cloud.docLines()) {
      if (line.command.startsWith('mainstay mobile create')) await untilReady(cloud)
      await cloud.type(line)
    }
    for (const machine of ['control', 'edge']) {
      gateways.push({ machine, url: cloud.gatewayUrl(machine) })
    }
    primary = await show('PrimaryService')
    const check = async () => {
      const servers = (await cloud.json<{ servers: { members: { standing: string | null }[] }[] }>('mainstay status'))
        .servers
      return servers.every(({ members }) => members.some(({ standing }) => standing === 'ready')) ? true : undefined
    }
    await waitFor('both servers to be protected', check, SLOW)
  })
  after(async () => await cloud.dispose())

  test('is put together by ten commands, and two for a second gateway', async (context) => {
    context.diagnostic(cloud.network.isNamespaced ? 'each machine is a network namespace' : 'loopback addresses')
    const lines = await cloud.docLines()
    assert.equal(lines.length, 12)
    const machines = await list()
    assert.deepEqual(
      machines.map(({ name, role, domain }) => `${name} ${role} ${domain}`),
      ['east-us-1 host East US', 'gateway-1 gateway office', 'gateway-2 gateway edge-2', 'west-us-1 host West US'],
    )
    const west = machines.find(({ name }) => name === 'west-us-1')
    assert.match(west?.address ?? '', new RegExp(`^${cloud.network.machine('west').address}:`))
    assert.ok(Date.parse(west?.certificateUntil ?? '') > Date.now() + 29 * 86_400_000)
    const home = JSON.parse(await readFile(join(cloud.homeOf('west', 'host'), 'home.json'), 'utf8')) as object
    assert.deepEqual(home, { format: 1, role: 'host', createdBy: west?.release })
  })

  test('answers at every gateway', async () => {
    const [first, second] = gateways
    assert.ok(first && second)
    assert.equal((await insert(first, 'one')).status, 201)
    assert.equal((await insert(second, 'two')).status, 201)
    assert.deepEqual(await ids(first), ['one', 'two'])
    assert.deepEqual(await ids(second), ['one', 'two'])
    const status = await cloud.json<StatusView>('mainstay status')
    const heard = status.machines.filter(({ role, lastSeenMs }) => role === 'gateway' && lastSeenMs !== null)
    assert.deepEqual(
      heard.map(({ name }) => name),
      ['gateway-1', 'gateway-2'],
    )
  })

  test('lets nobody in with a token that is wrong, used, or for something else', async () => {
    const { address } = cloud.network.machine('control')
    const control = `--control https://${address}:8082`
    const make = async (what: string) => await cloud.json<JoinTokenView>(`mainstay join-token create ${what}`)
    const host = (await make('--role host --region "West US"')).token
    const wrong = await withSecret(host, 'x'.repeat(32))
    const used = (await cloud.json<JoinTokenView>('mainstay join-token create --role gateway --domain edge-3')).token
    await cloud.startRole(
      'edge',
      `MAINSTAY_JOIN_TOKEN=${used} mainstay gateway --home g3 --domain edge-3 --port 0 ${control}`,
    )
    const tries: [command: string, token: string, code: number, says: RegExp][] = [
      ['mainstay host --home x --region "West US"', wrong, 1, /is not known here.*\nTry:.*join-token create/],
      ['mainstay gateway --home x --domain edge-3', used, 1, /was used already, by gateway-3/],
      ['mainstay gateway --home x --domain edge-3', host, 2, /is for a new host of West US, not for a new gateway/],
      [
        'mainstay host --home x --region "East US"',
        host,
        2,
        /is for a new host of West US, not for a new host of East/,
      ],
      ['mainstay host --home x --region "West US"', 'nonsense', 2, /this is not a join token/],
      ['mainstay host --home x --region "West US"', '', 2, /has no join token/],
    ]
    for (const [command, token, code, says] of tries) {
      const ran = await cloud.run('edge', `MAINSTAY_JOIN_TOKEN=${token} ${command} --port 0 ${control}`)
      assert.equal(ran.code, code, `${command}: ${ran.stderr}`)
      assert.match(ran.stderr, says)
      assert.doesNotMatch(ran.stderr, /\n\s+at /)
    }
  })

  test('revokes a machine that holds nothing, and refuses one that does', async () => {
    const west = await cloud.run('control', 'mainstay machine revoke west-us-1 -q')
    assert.equal(west.code, 3, west.stderr)
    assert.match(west.stderr, /holds the primary of sql-west-us and the home of PrimaryService/)
    assert.match(west.stderr, /mainstay mobile recover PrimaryService SecondaryService --force/)
    const plan = await cloud.run('control', 'mainstay machine revoke gateway-3 --dry-run')
    assert.match(plan.stdout, /gateway-3, gateway of edge-3/)
    const no = await cloud.run('control', 'mainstay machine revoke gateway-3', 'n\n')
    assert.match(no.stdout, /Nothing was changed/)
    assert.equal((await list()).find(({ name }) => name === 'gateway-3')?.revokedAt, null)
    const yes = await cloud.run('control', 'mainstay machine revoke gateway-3', 'y\n')
    assert.match(yes.stdout, /gateway-3 is revoked/)
    const isTold = async () => {
      const log = await readFile(cloud.logFile('edge'), 'utf8')
      return log.includes('control refuses this machine: gateway-3 was revoked') ? true : undefined
    }
    await waitFor('the revoked gateway to be told', isTold, SLOW)
    const status = await cloud.json<StatusView>('mainstay status')
    assert.equal(
      status.machines.some(({ name }) => name === 'gateway-3'),
      false,
    )
    // Hosts hear of it with their assignment, and let it in no more.
    const isRefused = async () => {
      const kept = await readFile(join(cloud.homeOf('east', 'host'), 'assignment.json'), 'utf8')
      return (JSON.parse(kept) as { revoked?: string[] }).revoked?.includes('gateway-3') ? true : undefined
    }
    await waitFor('a host to hear of it', isRefused, SLOW)
  })

  test('keeps a login for people elsewhere, for its owner only, and never shows it', async () => {
    const token = (await readFile(join(cloud.homeOf('control', 'control'), 'operator.token'), 'utf8')).trim()
    const at = cloud.apiUrl
    const bad = await cloud.run('control', `MAINSTAY_TOKEN=wrong mainstay login ${at} -q`)
    assert.equal(bad.code, 1)
    assert.match(bad.stderr, /does not accept this token/)
    const clear = await cloud.run('control', 'mainstay login http://10.77.0.9:8081 -q')
    assert.equal(clear.code, 2)
    assert.match(clear.stderr, /would be sent in clear/)
    const good = await cloud.run('control', `mainstay login ${at}`, `${token}\n`)
    assert.equal(good.code, 0, good.stderr)
    assert.doesNotMatch(good.stdout + good.stderr, new RegExp(token))
    const file = good.stdout.match(/Kept in (\S+),/)?.[1] ?? ''
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const elsewhere = await cloud.run('control', 'cd / && mainstay mobile list')
    assert.match(elsewhere.stdout, /PrimaryService/)
    assert.match((await cloud.run('control', 'mainstay logout')).stdout, /Logged out/)
    const named = await cloud.run('control', `cd / && MAINSTAY_TOKEN=${token} mainstay mobile list --control ${at}`)
    assert.match(named.stdout, /PrimaryService/)
  })

  test('survives the loss of the machine of West US: rows are there through both gateways', async () => {
    assert.ok((await cloud.kill('west')) > 5)
    await untilUnhealthy('PrimaryService')
    const token = (await readFile(join(cloud.homeOf('control', 'control'), 'operator.token'), 'utf8')).trim()
    const command = `mainstay mobile recover PrimaryService SecondaryService -q --control ${cloud.apiUrl} --json`
    const ran = await cloud.run('control', `cd / && MAINSTAY_TOKEN=${token} ${command}`)
    assert.equal(ran.code, 0, ran.stdout + ran.stderr)
    const operation = JSON.parse(ran.stdout) as OperationView
    const prove = operation.steps.find((step) => step.name === 'prove')
    assert.match(prove?.detail ?? '', /through gateway-1, gateway-2/)
    assert.equal((await show('PrimaryService')).region, 'East US')
    for (const gateway of gateways) assert.deepEqual(await ids(gateway), ['one', 'two'])
  })

  test('names a gateway that died, which learns the routes when it is back', async () => {
    const [first, second] = gateways
    assert.ok(first && second)
    await cloud.kill('edge')
    const check = async () => {
      const { warnings } = await cloud.json<StatusView>('mainstay status')
      return warnings.some((text) => text.startsWith('gateway-2 has not been heard')) ? true : undefined
    }
    await waitFor('the dead gateway to be named', check, SLOW)
    // Within one region, so that there is a way to move it: the home changes its epoch, the route with it.
    const before = (await show('PrimaryService')).epoch
    await cloud.json('mainstay mobile create Later --location "East US"')
    assert.equal((await cloud.request('control', `${first.url}/services/later/`, { key: '' })).status < 500, true)
    await startAgain('edge')
    assert.deepEqual(await ids(second), ['one', 'two'])
    const isKnown = async () => {
      const answer = await cloud.request('edge', `${second.url}/services/later/`, { key: '' })
      return answer.body.includes('There is no mobile service') ? undefined : true
    }
    await waitFor('the returned gateway to know the new service', isKnown, SLOW)
    assert.equal((await show('PrimaryService')).epoch, before)
  })

  test('lets a lost machine back in only while it is not revoked', async () => {
    const east = await cloud.run('control', 'mainstay machine revoke east-us-1 -q')
    assert.equal(east.code, 3)
    assert.match(east.stderr, /the home of Later, PrimaryService/)
    // It holds nothing any more but what is quarantined there.
    const done = await cloud.run('control', 'mainstay machine revoke west-us-1 -q')
    assert.equal(done.code, 0, done.stderr)
    await startAgain('west')
    const isTold = async () => {
      const log = await readFile(cloud.logFile('west'), 'utf8')
      return log.includes('control refuses this machine: west-us-1 was revoked') ? true : undefined
    }
    await waitFor('the revoked host to be told', isTold, SLOW)
    const again = await cloud.run('control', 'mainstay join-token create --machine west-us-1')
    assert.equal(again.code, 1)
    assert.match(again.stderr, /west-us-1 was revoked/)
    for (const gateway of gateways) assert.deepEqual(await ids(gateway), ['one', 'two'])
  })

  test('gives the place of a standby on a revoked machine to a new one', async () => {
    await cloud.kill('west')
    const { command } = await cloud.json<{ command: string }>(
      'mainstay join-token create --role host --region "West US"',
    )
    await cloud.startRole('west', `${command} --home second`)
    const check = async () => {
      const { members } = await cloud.json<ServerView>('mainstay sql server show sql-east-us')
      return members.find(({ machine }) => machine === 'west-us-2')?.standing === 'ready' ? true : undefined
    }
    await waitFor('sql-east-us to be protected again', check, SLOW)
  })

  test('recovers what a revoked machine held, although everything on it runs on', async () => {
    const later = await show('Later')
    const url = `${gateways[0]?.url}/services/later/tables/Item`
    await cloud.json('mainstay mobile create LaterSecondary --location "West US" --secondary-for Later')
    await cloud.json('mainstay mobile table create Later Item')
    const write = async (id: string) => {
      const answer = await cloud.request('edge', url, { method: 'POST', key: later.applicationKey, body: { id } })
      return answer.status
    }
    assert.equal(await write('before'), 201)
    const revoked = await cloud.run('control', 'mainstay machine revoke east-us-1 -q --force')
    assert.equal(revoked.code, 0, revoked.stderr)
    await untilUnhealthy('Later')
    await cloud.kill('edge')
    const operation = await cloud.json<OperationView>('mainstay mobile recover Later LaterSecondary -q')
    assert.deepEqual(operation.report?.lateGateways, ['gateway-2'])
    assert.equal((await show('Later')).region, 'West US')
    assert.equal(await write('after'), 201)
    const rows = await cloud.request('edge', url, { key: later.applicationKey })
    assert.deepEqual((JSON.parse(rows.body) as { id: string }[]).map(({ id }) => id).sort(), ['after', 'before'])
    // The gateway that was late learns it when it is back.
    await startAgain('edge')
    const isLearnt = async () => {
      const elsewhere = `${gateways[1]?.url}/services/later/tables/Item`
      const { status } = await cloud.request('edge', elsewhere, { key: later.applicationKey })
      return status === 200 ? true : undefined
    }
    await waitFor('the late gateway to know the way', isLearnt, SLOW)
  })
})

async function untilReady(cloud: SeparateCloud): Promise<void> {
  const check = async () => {
    const { regions } = await cloud.json<StatusView>('mainstay status')
    return regions.length === 2 && regions.every(({ health }) => health.state === 'Ready') ? true : undefined
  }
  await waitFor('both regions to be Ready', check, SLOW)
}

// The same token with another secret, as somebody would guess it.
async function withSecret(word: string, secret: string): Promise<string> {
  const { decodeJoinToken, encodeJoinToken } = await import('../../src/contract/join.ts')
  return encodeJoinToken({ ...decodeJoinToken(word), secret })
}
