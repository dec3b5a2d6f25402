// A region of two hosts: who goes where, what they offer, and what is left when one of them dies.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RegionView, ServiceView } from '../../src/contract/api.ts'
import { SeparateRoles } from '../support/separate-roles.ts'

const SLOW_MS = 60_000
const OFFER = ['--reserved-units', '2', '--shared-slots', '3']

describe('a region of two hosts', () => {
  let roles: SeparateRoles

  const region = async (): Promise<RegionView> => {
    const found = (await roles.status()).regions.find(({ name }) => name === 'East US')
    assert.ok(found)
    return found
  }
  const create = async (name: string, args: string[] = []) =>
    await roles.ok(['mobile', 'create', name, '--location', 'East US', ...args])
  /** What a machine holds, as the question whether it may be revoked tells. */
  const held = async (machine: string) =>
    JSON.parse((await roles.cli(['machine', 'revoke', machine, '--dry-run', '--json'])).stdout) as {
      services: string[]
      primaries: string[]
    }
  const untilState = async (name: string, state: string): Promise<ServiceView> => {
    let seen: ServiceView | null = null
    const check = async () => {
      seen = await roles.service(name)
      return seen.health.state === state ? seen : undefined
    }
    return await roles.until(`${name} to be ${state}`, check, SLOW_MS).catch((error: unknown) => {
      throw new Error(`${name} is not ${state}: ${JSON.stringify(seen?.health)}`, { cause: error })
    })
  }

  before(async () => {
    roles = await SeparateRoles.prepare()
    await roles.addControl('control')
    await roles.startControl('control')
    await roles.startGateway()
    await roles.startHost('west-1', 'West US')
    await roles.startHost('east-1', 'East US', OFFER)
    const isReady = (name: string) => async () => {
      const found = (await roles.status()).regions.find((one) => one.name === name)
      return found?.health.state === 'Ready' && (await roles.server(`sql-${found.slug}`)).members.length > 0
        ? true
        : undefined
    }
    // The first host of a region makes its server; the second one comes later and leaves it there.
    await roles.until('East US', isReady('East US'), SLOW_MS)
    await roles.until('West US', isReady('West US'), SLOW_MS)
    await roles.startHost('east-2', 'East US', OFFER)
    const hasBoth = async () => ((await region()).hosts === 2 ? true : undefined)
    await roles.until('two hosts in East US', hasBoth, SLOW_MS)
    await roles.until(
      'its server to be open',
      async () => {
        const { members } = await roles.server('sql-east-us')
        return members.some(({ role, state }) => role === 'primary' && state === 'running') ? true : undefined
      },
      SLOW_MS,
    )
  })
  after(async () => await roles?.dispose())

  test('offers what its hosts offer together, and no more to one service than one of them has', async () => {
    const { reservedUnits, sharedSlots, hosts } = await region()
    assert.deepEqual([reservedUnits, sharedSlots, hosts], [4, 6, 2])
    const large = await roles.cli([
      'mobile',
      'create',
      'Large',
      '--location',
      'East US',
      '--mode',
      'reserved',
      '--units',
      '3',
    ])
    assert.equal(large.code, 3, large.stderr)
    assert.match(large.stderr, /no single host of East US has 3 reserved units free; the most is 2/)
  })

  test('places each service on the host with the least load, and its server stays where it is', async () => {
    await roles.ok(['mobile', 'create', 'Primary', '--location', 'West US'])
    for (const name of ['East1', 'East2', 'East3', 'East4']) await create(name)
    await create('Secondary', ['--secondary-for', 'Primary'])
    await create('East6')
    const [first, second] = [await held('east-us-1'), await held('east-us-2')]
    assert.deepEqual(
      [first.services, second.services],
      [
        ['East1', 'East3', 'Secondary'],
        ['East2', 'East4', 'East6'],
      ],
    )
    assert.deepEqual([first.primaries, second.primaries], [['sql-east-us'], []])
    const full = await roles.cli(['mobile', 'create', 'East7', '--location', 'East US'])
    assert.equal(full.code, 3, full.stderr)
    assert.match(full.stderr, /East US has 0 shared slots free and 1 is needed/)
    // The other host's runtime reaches the database through the door of the host that has it.
    for (const name of ['East1', 'East2']) {
      await roles.ok(['mobile', 'table', 'create', name, 'TodoItem'])
      const service = await untilState(name, 'Ready')
      assert.deepEqual(await roles.insertRows(service, ['a', 'b']), ['a', 'b'])
      assert.deepEqual(await roles.readIds(service), ['a', 'b'])
    }
  })

  test('is short of room when one of them dies: what it promised is not Ready, what lives serves', async () => {
    await roles.kill('east-2')
    const dead = await untilState('East2', 'Unhealthy')
    assert.equal(dead.health.cause, 'host_unreachable')
    for (const name of ['East4', 'East6'])
      assert.equal((await untilState(name, 'Unhealthy')).health.cause, 'host_unreachable')
    const short = await roles.until(
      'East US to be Degraded',
      async () => {
        const found = await region()
        return found.health.state === 'Degraded' ? found : undefined
      },
      SLOW_MS,
    )
    assert.equal(short.health.cause, 'capacity_short')
    assert.match(short.health.message ?? '', /offer 3 shared slots, and 6 are promised/)
    const secondary = await untilState('Secondary', 'Degraded')
    assert.equal(secondary.health.cause, 'capacity_short')
    const refused = await roles.cli(['mobile', 'recover', 'Primary', 'Secondary', '--force', '-q'])
    assert.equal(refused.code, 3, refused.stderr)
    assert.match(refused.stderr, /'Secondary' is Degraded, not Ready: .*offer 3 shared slots, and 6 are promised/)
    for (const name of ['East1', 'East3', 'Primary'])
      assert.equal((await roles.service(name)).health.state, 'Ready', name)
    const living = await roles.service('East1')
    assert.deepEqual(await roles.insertRows(living, ['c']), ['c'])
    assert.deepEqual(await roles.readIds(living), ['a', 'b', 'c'])
  })

  test('is whole again when it is back, and its promise is good', async () => {
    await roles.startHost('east-2', 'East US', OFFER)
    const names = ['East1', 'East2', 'East3', 'East4', 'East6', 'Primary', 'Secondary']
    for (const name of names) await untilState(name, 'Ready')
    await roles.until(
      'East US to be Ready',
      async () => ((await region()).health.state === 'Ready' ? true : undefined),
      SLOW_MS,
    )
    const [first, second] = [await held('east-us-1'), await held('east-us-2')]
    assert.deepEqual(
      [first.services, second.services],
      [
        ['East1', 'East3', 'Secondary'],
        ['East2', 'East4', 'East6'],
      ],
    )
    assert.deepEqual(await roles.readIds(await roles.service('East2')), ['a', 'b'])
    const plan = await roles.ok(['mobile', 'recover', 'Primary', 'Secondary', '--force', '--dry-run'])
    assert.match(plan, /East US/)
  })
})
