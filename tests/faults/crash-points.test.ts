// A sample of the crash campaign (docs/campaigns.md): processes die at named points of create, delete, recover, and of
// a lost region's return; then everything is finished, rolled back, or carried on by the command that it printed.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '../../src/kit/clock.ts'
import { TestCloud } from '../support/cloud.ts'
import { type Crash, crashDuring, settle } from '../support/crash-cases.ts'
import { FaultPoints } from '../support/fault-points.ts'

const WEST = { region: 'west-us', server: 'sql-west-us' }
const EAST = { region: 'east-us', server: 'sql-west-us' }

describe('a crash', () => {
  let cloud: TestCloud
  let points: FaultPoints
  const names = ['One', 'Two', 'Three']

  before(async () => {
    points = await FaultPoints.make()
    cloud = await TestCloud.start('empty', { env: points.env })
  })
  after(async () => {
    await cloud.dispose()
    await points.dispose()
  })

  const crash = async (what: Crash, at: typeof WEST, args: string[]) => {
    let said = ''
    const { isReached } = await crashDuring(cloud, points, { ...what, ...at }, async () => {
      const result = await cloud.cli(args)
      said = result.stdout + result.stderr
      return result
    })
    assert.ok(isReached, `${what.point} was not reached:\n${said}`)
    return await settle(cloud)
  }
  const exists = async (name: string) => (await cloud.cli(['mobile', 'show', name])).code === 0

  test('of control while a service is created: it is created', async () => {
    const done = await crash({ point: 'create.database.done', victim: 'self' }, WEST, ['mobile', 'create', 'Early'])
    assert.ok(await exists('Early'), JSON.stringify(done))
  })

  test('of PostgreSQL while a service is created: it is created, or there is nothing', async () => {
    const [operation] = await crash({ point: 'operation.claimed', victim: 'postgres' }, WEST, [
      'mobile',
      'create',
      'Wet',
    ])
    assert.equal(await exists('Wet'), operation?.state === 'succeeded')
  })

  test('of its host while a service is created: it is created', async () => {
    const command = ['mobile', 'create', 'Homeless']
    const done = await crash({ point: 'create.database.begun', victim: 'west-us' }, WEST, command)
    assert.ok(await exists('Homeless'), JSON.stringify(done))
  })

  test("of control's own PostgreSQL while a service is created: it is created", async () => {
    const command = ['mobile', 'create', 'Forgotten']
    await crash({ point: 'create.runtime.done', victim: 'control-postgres' }, WEST, command)
    assert.ok(await exists('Forgotten'))
  })

  test('of control while a service is deleted: it is gone', async () => {
    await crash({ point: 'delete.data.ended', victim: 'self' }, WEST, ['mobile', 'delete', 'Early', '-q'])
    assert.ok(!(await exists('Early')))
  })

  describe('in a recovery', () => {
    before(async () => {
      for (const name of names) {
        await cloud.ok(['mobile', 'create', name, '--location', 'West US'])
        await cloud.ok(['mobile', 'create', `${name}-2`, '--secondary-for', name])
        await cloud.ok(['mobile', 'table', 'create', name, 'TodoItem'])
        assert.deepEqual(await cloud.insertRows(await cloud.service(name), ['row']), ['row'])
      }
      await cloud.untilProtected('sql-west-us')
      await cloud.ok(['dev', 'outage', 'start', 'West US'])
      for (const name of names) await cloud.untilState(name, 'Unhealthy', 30_000)
    })

    const isRecovered = async (name: string) => {
      const service = await cloud.service(name)
      assert.deepEqual([service.region, await exists(`${name}-2`)], ['East US', false])
      await cloud.untilState(name, 'Ready', 30_000)
      assert.deepEqual(await cloud.readIds(service), ['row'])
    }
    // After a crash of a gateway or of PostgreSQL a secondary may not be Ready for a moment: then the plan is refused.
    const recover = async (name: string) => {
      const command = ['mobile', 'recover', name, `${name}-2`]
      const isPlanned = async () => ((await cloud.cli([...command, '--dry-run'])).code === 0 ? true : undefined)
      await waitFor(`a plan for ${name}`, isPlanned, { withinMs: 30_000, everyMs: 100 })
      return [...command, '-q']
    }

    test('of the host that has just promoted, and of control that decided it: it is finished', async () => {
      await points.arm('host.promote.promoted', 'kill')
      await crash({ point: 'recover.database.promoted', victim: 'self' }, EAST, await recover('One'))
      await isRecovered('One')
    })

    test('of the gateway as the route is opened: it is finished', async () => {
      await crash({ point: 'recover.reroute.opened', victim: 'gateway' }, EAST, await recover('Two'))
      await isRecovered('Two')
    })

    test('of control as the secondary is given up: it is finished', async () => {
      await crash({ point: 'recover.cleanup.consumed', victim: 'self' }, EAST, await recover('Three'))
      await isRecovered('Three')
    })

    test('of the host that builds a standby for the returned region: it is protected all the same', async () => {
      await points.arm('host.build.copied', 'kill')
      await cloud.ok(['dev', 'outage', 'stop', 'West US'])
      await waitFor('the point', async () => (await points.hitBy('host.build.copied')) ?? undefined, {
        withinMs: 60_000,
        everyMs: 50,
      })
      await waitFor(
        'a new server that is protected',
        async () => {
          const server = await cloud.server('sql-west-us-2').catch(() => null)
          return server?.members.some(({ standing }) => standing === 'ready') ? true : undefined
        },
        { withinMs: 60_000, everyMs: 200 },
      )
      await settle(cloud)
      for (const name of names) await isRecovered(name)
    })
  })
})
