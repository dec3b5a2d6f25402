// Control is killed in the middle of a recovery and comes back: the recovery is finished, or all is as it was.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { signalProcess } from '../../src/kit/processes.ts'
import { TestCloud } from '../support/cloud.ts'

// Moments after the command was given: while it claims and fences, while the database comes up, while it verifies.
const MOMENTS_MS = [350, 700]

describe('control killed in the middle of a recovery', () => {
  let cloud: TestCloud
  const names = MOMENTS_MS.map((_, index) => `Service${index}`)

  before(async () => {
    cloud = await TestCloud.start()
    for (const name of names) {
      await cloud.ok(['mobile', 'create', name, '--location', 'West US'])
      await cloud.ok(['mobile', 'create', `${name}-2`, '--secondary-for', name])
      await cloud.ok(['mobile', 'table', 'create', name, 'TodoItem'])
      const service = await cloud.service(name)
      assert.deepEqual(await cloud.insertRows(service, [`${name}-row`]), [`${name}-row`])
    }
    await cloud.untilProtected('sql-west-us')
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    for (const name of names) await cloud.untilState(name, 'Unhealthy', 10_000)
  })
  after(async () => await cloud.dispose())

  for (const [index, momentMs] of MOMENTS_MS.entries()) {
    test(`${momentMs} ms after the command was given`, async () => {
      const name = names[index] ?? ''
      const command = cloud.typed(['mobile', 'recover', name, `${name}-2`, '-q'])
      await pause(momentMs)
      signalProcess(cloud.rolePid('control'), 'SIGKILL')
      const result = await command
      // Killed before the claim, the command fails and nothing happened: it is simply given again.
      if (result.code !== 0) {
        await waitFor('control', async () => (await cloud.service(name).catch(() => null)) ?? undefined, {
          withinMs: 20_000,
          everyMs: 100,
        })
        await waitFor(
          `${name} to be recovered or as it was`,
          async () => {
            const { health } = await cloud.service(name)
            return health.state === 'Ready' || health.state === 'Unhealthy' ? true : undefined
          },
          { withinMs: 30_000, everyMs: 100 },
        )
        if ((await cloud.service(name)).health.state === 'Unhealthy') {
          await cloud.ok(['mobile', 'recover', name, `${name}-2`, '-q'])
        }
      }
      // The kill may have come after the command's end: control is just starting then.
      const now = await waitFor('control', async () => (await cloud.service(name).catch(() => null)) ?? undefined, {
        withinMs: 20_000,
        everyMs: 100,
      })
      assert.deepEqual([now.region, now.health.state], ['East US', 'Ready'])
      assert.deepEqual(await cloud.readIds(now), [`${name}-row`])
      assert.equal((await cloud.cli(['mobile', 'show', `${name}-2`])).code, 2, 'the secondary is still there')
    })
  }

  test('left one promotion, one primary, and nothing claimed', async () => {
    await cloud.ok(['status'])
    const server = await cloud.server('sql-west-us')
    assert.deepEqual(server.members.map((member) => member.role).sort(), ['primary', 'quarantined'])
    const { services } = await cloud.status()
    assert.ok(services.every((service) => service.operation === null))
  })
})
