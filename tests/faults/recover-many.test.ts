// Several recoveries at once: twenty services of a region share one promotion; and recoveries that meet each other, a
// creation, a deletion, or the death of the very region that they lead to.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ServiceView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { TestCloud } from '../support/cloud.ts'
import { settle } from '../support/crash-cases.ts'

const SERVICES = 20

describe('several recoveries at once', () => {
  let cloud: TestCloud
  const names = Array.from({ length: SERVICES }, (_, index) => `Many${index}`)
  const recover = async (name: string) => await cloud.cli(['mobile', 'recover', name, `${name}-2`, '-q'])

  before(async () => {
    cloud = await TestCloud.start()
    for (const region of ['West US', 'East US']) await cloud.ok(['region', 'set', region, '--shared-slots', '100'])
    await Promise.all(names.map(async (name) => await cloud.call('POST', '/services', { name, location: 'West US' })))
    await settle(cloud)
    const pairs = names.map((name) => ({ name: `${name}-2`, location: 'East US', secondaryFor: name }))
    await Promise.all(pairs.map(async (pair) => await cloud.call('POST', '/services', pair)))
    await settle(cloud)
    for (const name of names.slice(0, 3)) await addRow(name)
    await cloud.untilProtected('sql-west-us')
  })
  after(async () => await cloud.dispose())

  const addRow = async (name: string) => {
    await cloud.ok(['mobile', 'table', 'create', name, 'TodoItem'])
    assert.deepEqual(await cloud.insertRows(await cloud.service(name), ['row']), ['row'])
  }

  test('of twenty services share one promotion, and of two operators one is told that it is under way', async () => {
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    for (const name of names) await cloud.untilState(name, 'Unhealthy', 40_000)
    const epochBefore = (await cloud.server('sql-west-us')).epoch
    const begun = await Promise.all(names.map(async (name) => await begin(cloud, name)))
    const again = await Promise.all(names.slice(0, 5).map(async (name) => await begin(cloud, name)))
    assert.deepEqual(
      begun.map(({ status }) => status),
      Array(SERVICES).fill(202),
    )
    assert.deepEqual(
      again.map(({ body }) => body.code),
      Array(5).fill('recovery.busy'),
    )
    // What else is asked for meanwhile is refused in words, or done; nothing hangs.
    const others = await Promise.all([
      cloud.call('DELETE', '/services/Many19'),
      cloud.call('POST', '/services', { name: 'Doomed', location: 'West US' }),
      cloud.call('POST', '/services', { name: 'Elsewhere', location: 'East US' }),
    ])
    const answers = others.map(({ status, body }) => (status === 202 ? 'begun' : body.code))
    assert.deepEqual(answers, ['service.busy', 'region.unreachable', 'begun'])
    const operations = await settle(cloud)
    const recoveries = operations.filter(({ kind }) => kind === 'recover')
    assert.deepEqual(
      recoveries.map(({ state }) => state),
      Array(SERVICES).fill('succeeded'),
    )
    const server = await cloud.server('sql-west-us')
    assert.deepEqual(server.members.map(({ role }) => role).sort(), ['primary', 'quarantined'])
    assert.equal(new Set(recoveries.map(({ report }) => report?.databaseSentence)).size, 1)
    assert.ok(server.epoch > epochBefore)
    for (const name of names) assert.equal((await cloud.service(name)).region, 'East US')
    for (const name of names.slice(0, 3)) assert.deepEqual(await cloud.readIds(await cloud.service(name)), ['row'])
  })

  test('into a region that dies in the middle end as needs you, and the printed command carries them on', async () => {
    await cloud.ok(['dev', 'outage', 'stop', 'West US'])
    await waitFor(
      'a new protected server in West US',
      async () => {
        const server = await cloud.server('sql-west-us-2').catch(() => null)
        return server?.members.some(({ standing }) => standing === 'ready') ? true : undefined
      },
      { withinMs: 60_000, everyMs: 200 },
    )
    await cloud.ok(['mobile', 'create', 'Last', '--location', 'West US'])
    await cloud.ok(['mobile', 'create', 'Last-2', '--location', 'East US', '--secondary-for', 'Last'])
    await addRow('Last')
    await cloud.untilProtected('sql-west-us-2')
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    await cloud.untilState('Last', 'Unhealthy', 40_000)
    const { body } = await begin(cloud, 'Last')
    await waitFor(
      'the database step',
      async () => {
        const { steps } = await cloud.operation(body.id ?? '')
        return steps.find(({ name }) => name === 'database')?.state !== 'waiting' ? true : undefined
      },
      { withinMs: 10_000, everyMs: 10 },
    )
    await cloud.ok(['dev', 'outage', 'start', 'East US'])
    const ended = await waitFor(
      'its end',
      async () => {
        const operation = await cloud.operation(body.id ?? '')
        return operation.state === 'running' ? undefined : operation
      },
      { withinMs: 90_000, everyMs: 200 },
    )
    assert.match(`${ended.state} ${ended.next}`, /^(needs_you|failed) mainstay /)
    const services = await cloud.api<ServiceView[]>('/services')
    assert.ok(
      services.some(({ name }) => name === 'Last-2'),
      'the secondary was given up without a proof',
    )
    await cloud.ok(['dev', 'outage', 'stop', 'East US'])
    await cloud.untilState('Last-2', 'Ready', 60_000)
    await settle(cloud)
    if ((await cloud.service('Last')).region === 'West US') assert.equal((await recover('Last')).code, 0)
    await settle(cloud)
    const service = await cloud.service('Last')
    assert.deepEqual([service.region, await cloud.readIds(service)], ['East US', ['row']])
  })
})

async function begin(cloud: TestCloud, name: string) {
  return await cloud.call('POST', `/services/${name}/recover`, { secondary: `${name}-2` })
}
