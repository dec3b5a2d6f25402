// Two control processes on one database: one executes. It is killed, and paused, amid its work; the other takes over.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cp } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import type { OperationView } from '../../src/contract/api.ts'
import type { NoticeEvent } from '../../src/contract/notice.ts'
import { pause } from '../../src/kit/clock.ts'
import { signalProcess } from '../../src/kit/processes.ts'
import { type ControlClusters, startControlClusters } from '../support/control-clusters.ts'
import { SeparateRoles } from '../support/separate-roles.ts'

// The promise of the design; measured from the kill.
const TAKEOVER_MS_MAX = 5_000

describe('two control processes on one database', () => {
  let clusters: ControlClusters
  let roles: SeparateRoles
  let hook: Server
  let isTaking = false
  const told: NoticeEvent[] = []

  before(async () => {
    // Takes no notice while the first control lives.
    hook = createServer(async (request, response) => {
      const { events } = (await json(request)) as { events: NoticeEvent[] }
      if (isTaking) told.push(...events)
      response.writeHead(isTaking ? 204 : 503).end()
    })
    hook.listen(0, '127.0.0.1')
    await once(hook, 'listening')
    clusters = await startControlClusters({ hasStandby: false })
    roles = await SeparateRoles.prepare({
      MAINSTAY_CONTROL_DB: clusters.url(),
      MAINSTAY_EGRESS_ALLOW: '127.0.0.0/8',
    })
    await roles.addControl('one')
    await roles.addControl('two')
    await roles.startControl('one')
  })
  after(async () => {
    await roles?.dispose()
    await clusters?.stop()
    hook?.closeAllConnections()
    hook?.close()
  })

  test('the second needs the key of the first', async () => {
    await assert.rejects(roles.startControl('two'), /control key export/)
    await cp(join(roles.homeOf('one'), 'control.key'), join(roles.homeOf('two'), 'control.key'))
    await roles.startControl('two')
    const { controls } = await roles.status('two')
    assert.deepEqual(
      controls.map(({ domain, isExecuting }) => [domain, isExecuting]),
      [
        ['one', true],
        ['two', false],
      ],
    )
  })

  test('both know how the machines stand, and both take orders', async () => {
    await roles.startGateway()
    await Promise.all([roles.startHost('west', 'West US'), roles.startHost('east', 'East US')])
    const areReady = async () => (await roles.status('two')).regions.every(({ health }) => health.state === 'Ready')
    await roles.until(
      'regions',
      async () => ((await areReady()) && (await roles.status()).regions.length === 2) || undefined,
      60_000,
    )
    const { port } = hook.address() as AddressInfo
    await roles.ok(['notice', 'add', '--webhook', `http://127.0.0.1:${port}/`], 'two')
    const service = await roles.createPair()
    await roles.ok(['mobile', 'create', 'Third', '--location', 'East US'], 'two')
    assert.deepEqual(await roles.insertRows(service, ['a', 'b', 'c']), ['a', 'b', 'c'])
    const read = async () => {
      const { code, stdout } = await roles.cli(['status'], 'two')
      return code === 0 ? stdout : undefined
    }
    const shown = await roles.until('the status', read, 30_000)
    assert.match(shown, /control-1 +one +executing/)
    assert.match(shown, /control-2 +two +standing by/)
  })

  test('kill -9 of the executor in the middle of a recovery: the other one finishes it', async () => {
    await roles.kill('west')
    const isIll = async () => (await roles.service('Primary')).health.state === 'Unhealthy' || undefined
    await roles.until('Primary to be Unhealthy', isIll, 20_000)
    const command = roles.cli(['mobile', 'recover', 'Primary', 'Secondary', '-q'])
    const isClaimed = async () => (await roles.service('Primary')).operation ?? undefined
    await roles.until('the claim', isClaimed, 10_000)
    const killedAt = performance.now()
    await roles.kill('one')
    isTaking = true
    await roles.until('the takeover', async () => (await roles.executing('two')) === 'two' || undefined, 10_000)
    const took = performance.now() - killedAt
    assert.ok(took < TAKEOVER_MS_MAX, `took ${took} ms`)
    const result = await command
    assert.equal(result.code, 0, result.stdout + result.stderr)
    const service = await roles.service('Primary')
    assert.deepEqual([service.region, service.health.state, service.operation], ['East US', 'Ready', null])
    assert.deepEqual(await roles.readIds(service), ['a', 'b', 'c'])
  })

  test('what the first could not tell any more, the other one tells', async () => {
    const isTold = () => told.some(({ event, incident }) => event === 'opened' && incident.subject === 'Primary')
    await roles.until('the notice', async () => isTold() || undefined, 30_000)
  })

  test('a paused executor is replaced, and does nothing when it wakes', async () => {
    await roles.startControl('one')
    assert.equal(await roles.executing('one'), 'two')
    const [before] = await clusters.sql('select term::int as term from executor')
    // Begun by the executor itself, which is paused in the middle of it.
    const command = roles.cli(['mobile', 'create', 'Fourth', '--location', 'East US', '--json'])
    const isBegun = async () => {
      const [row] = await clusters.sql(`select id from operations where service_name = 'Fourth'`)
      return typeof row?.id === 'string' ? row.id : undefined
    }
    const id = await roles.until('the operation', isBegun, 10_000)
    const pausedAt = performance.now()
    signalProcess(roles.pid('two'), 'SIGSTOP')
    await roles.until('the takeover', async () => (await roles.executing('one')) === 'one' || undefined, 10_000)
    const took = performance.now() - pausedAt
    assert.ok(took < TAKEOVER_MS_MAX, `took ${took} ms`)
    const isDone = async () => {
      const found = await roles.api<OperationView>(`/operations/${id}`, 'one')
      return found.state === 'succeeded' ? found : undefined
    }
    const done = await roles.until('the operation to be done', isDone, 20_000)
    await pause(Math.max(0, 10_000 - (performance.now() - pausedAt)))
    signalProcess(roles.pid('two'), 'SIGCONT')
    await roles.until(
      'the paused one to stand by',
      async () => (await roles.executing('two')) === 'one' || undefined,
      10_000,
    )
    const isAware = async () => /standing by/.test(roles.output('two').split('executing').at(-1) ?? '') || undefined
    await roles.until('the paused one to know it', isAware, 10_000)
    assert.equal((await command).code, 0)
    assert.equal((await roles.operation(id)).revision, done.revision, 'it was written to after its end')
    const [now] = await clusters.sql('select term::int as term from executor')
    assert.deepEqual(now, { term: Number(before?.term) + 1 })
    assert.equal((await roles.service('Fourth')).health.state, 'Ready')
  })

  test('an orderly stop hands over at once', async () => {
    signalProcess(roles.pid('one'), 'SIGTERM')
    const stoppedAt = performance.now()
    await roles.until('the takeover', async () => (await roles.executing('two')) === 'two' || undefined, 10_000)
    const took = performance.now() - stoppedAt
    assert.ok(took < TAKEOVER_MS_MAX, `took ${took} ms`)
    const { controls } = await roles.status('two')
    assert.deepEqual(
      controls.map(({ domain }) => domain),
      ['two'],
    )
  })
})
