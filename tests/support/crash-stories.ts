// The stories in which crashes happen, each told as often as wanted on one cloud.
import assert from 'node:assert/strict'
import type { ServerView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import type { TestCloud } from './cloud.ts'
import { crashDuring, killVictims, settle, type Victim } from './crash-cases.ts'
import { DatabaseStories } from './database-stories.ts'
import type { FaultPoints, Point } from './fault-points.ts'
import { SteadyWriters } from './steady-writers.ts'

export type CrashCase = Point & { victim: Victim; number: number }

const CAPACITY = '10000'
const PROTECTED_MS_MAX = 90_000

export class CrashStories {
  readonly cloud: TestCloud
  readonly #points: FaultPoints
  readonly #databases: DatabaseStories

  private constructor(cloud: TestCloud, points: FaultPoints) {
    this.cloud = cloud
    this.#points = points
    this.#databases = new DatabaseStories(cloud, points)
  }

  static async begin(cloud: TestCloud, points: FaultPoints): Promise<CrashStories> {
    for (const region of ['West US', 'East US']) await cloud.ok(['region', 'set', region, '--shared-slots', CAPACITY])
    return new CrashStories(cloud, points)
  }

  /** Tells the story with a crash in it; false when the point was not reached. Fails when it did not end well. */
  async run(one: CrashCase): Promise<boolean> {
    switch (one.story) {
      case 'create':
        return await this.#create(one)
      case 'delete':
        return await this.#delete(one)
      case 'switchover':
        return await this.#switchover(one)
      case 'recover':
      case 'return':
        return await this.#recover(one)
      case 'change_database':
        return await this.#databases.changeDatabase(one)
      case 'restore_table':
        return await this.#databases.restoreTable(one)
      case 'attach':
        return await this.#databases.attach(one)
    }
  }

  /** Ends the cloud, and what was needed beside it. */
  async dispose(): Promise<void> {
    try {
      await this.cloud.dispose()
    } finally {
      await this.#databases.dispose()
    }
  }

  async #create(one: CrashCase): Promise<boolean> {
    const name = `Create${one.number}`
    const server = await this.#protectedServer()
    const { isReached } = await this.#crash(one, 'west-us', server, ['mobile', 'create', name, '--location', 'West US'])
    const operation = (await settle(this.cloud)).find(({ service }) => service === name)
    assert.equal(await this.#exists(name), operation?.state === 'succeeded', `${name} is neither there nor gone`)
    return isReached
  }

  async #delete(one: CrashCase): Promise<boolean> {
    const name = `Delete${one.number}`
    const server = await this.#protectedServer()
    await this.#setUp(name, '--location', 'West US')
    const { isReached } = await this.#crash(one, 'west-us', server, ['mobile', 'delete', name, '-q'])
    const operations = (await settle(this.cloud)).filter(({ service, kind }) => service === name && kind === 'delete')
    const isGone = operations.some(({ state }) => state === 'succeeded')
    assert.equal(await this.#exists(name), !isGone, `${name} is neither there nor gone`)
    return isReached
  }

  // On a server of its own, so that nobody else's data moves. Put back, or done: apps see no difference.
  async #switchover(one: CrashCase): Promise<boolean> {
    const name = `Switch${one.number}`
    await this.#protectedServer()
    await this.#setUp(name, '--location', 'West US', '--sql-server', 'new')
    await this.#setUp(`${name}-2`, '--location', 'East US', '--secondary-for', name)
    await this.cloud.ok(['mobile', 'table', 'create', name, 'TodoItem'])
    const service = await this.cloud.service(name)
    await this.cloud.untilProtected(service.server)
    const writers = SteadyWriters.start(this.cloud, service, 2)
    await writers.untilWritten(10)
    const command = ['mobile', 'switchover', name]
    const { isReached } = await this.#crash(one, 'west-us', service.server, command)
    const operation = (await settle(this.cloud)).find((found) => found.service === name)
    await this.cloud.untilState(name, 'Ready', 60_000)
    await this.cloud.untilProtected(service.server)
    await writers.untilWritten(10)
    const { acknowledged } = await writers.stop()
    const now = await this.cloud.service(name)
    const moved = operation?.kind === 'switchover' && operation.state === 'succeeded' ? ['East US', 'East US'] : null
    if (moved) assert.deepEqual([now.region, now.serverRegion], moved)
    assert.equal(now.region, now.serverRegion, `${name} and its server are apart`)
    const there = new Set(await this.cloud.readIds(now))
    assert.deepEqual(
      acknowledged.filter((id) => !there.has(id)),
      [],
      'acknowledged rows are missing',
    )
    await writers.requireOrder()
    assert.ok(now.secondary !== null || !moved, 'the secondary is gone')
    for (const each of [`${name}-2`, name]) {
      await this.cloud.cli(['mobile', 'delete', each, '--deleteData', '--now', '-q'])
    }
    return isReached
  }

  async #recover(one: CrashCase): Promise<boolean> {
    const name = `Recover${one.number}`
    await this.#protectedServer()
    await this.#setUp(name, '--location', 'West US')
    await this.#setUp(`${name}-2`, '--location', 'East US', '--secondary-for', name)
    await this.cloud.ok(['mobile', 'table', 'create', name, 'TodoItem'])
    const service = await this.cloud.service(name)
    await this.cloud.untilProtected(service.server)
    assert.deepEqual(await this.cloud.insertRows(service, ['row']), ['row'])
    await this.cloud.ok(['dev', 'outage', 'start', 'West US'])
    await this.cloud.untilState(name, 'Unhealthy', 30_000)
    const command = ['mobile', 'recover', name, `${name}-2`, '-q']
    let isReached = true
    if (one.story === 'recover') ({ isReached } = await this.#crash(one, 'east-us', service.server, command))
    else await this.cloud.ok(command)
    await settle(this.cloud)
    // Rolled back, or refused before anything was claimed: the secondary is there, and the command works now.
    if ((await this.cloud.service(name)).region === 'West US') {
      assert.ok(await this.#exists(`${name}-2`), 'the secondary is gone and nothing was recovered')
      await waitFor('the recovery', async () => ((await this.cloud.cli(command)).code === 0 ? true : undefined), {
        withinMs: 60_000,
        everyMs: 500,
      })
      await settle(this.cloud)
    }
    if (one.story === 'return') isReached = await this.#returnWith(one)
    else await this.cloud.ok(['dev', 'outage', 'stop', 'West US'])
    await this.#protectedServer()
    await this.cloud.untilState(name, 'Ready', 30_000)
    assert.deepEqual(await this.cloud.readIds(await this.cloud.service(name)), ['row'])
    assert.ok(!(await this.#exists(`${name}-2`)), 'the secondary was not given up')
    return isReached
  }

  // The lost region returns: its old server goes into quarantine, a new one is made there and protected here.
  async #returnWith(one: CrashCase): Promise<boolean> {
    await this.#points.arm(one.name, one.victim === 'self' ? 'kill' : 'stop')
    await this.cloud.ok(['dev', 'outage', 'stop', 'West US'])
    const pid = await waitFor('the point', async () => (await this.#points.hitBy(one.name)) ?? undefined, {
      withinMs: PROTECTED_MS_MAX,
    }).catch(() => null)
    if (pid !== null && one.victim !== 'self') {
      await killVictims(this.cloud, { victim: one.victim, region: 'east-us', server: 'sql-east-us' }, pid)
    }
    await this.#points.disarm()
    return pid !== null
  }

  async #crash(one: CrashCase, region: string, server: string, args: string[]) {
    const crash = { point: one.name, victim: one.victim, region, server }
    return await crashDuring(this.cloud, this.#points, crash, async () => await this.cloud.cli(args))
  }

  // What the case before killed may be starting yet: without a host no service is made, without a gateway none is used.
  async #setUp(name: string, ...options: string[]): Promise<void> {
    const hasHosts = async () => (await this.cloud.status()).regions.every(({ hosts }) => hosts > 0) || undefined
    await waitFor('a host in each region', hasHosts, { withinMs: 60_000, everyMs: 100 })
    await this.cloud.ok(['mobile', 'create', name, ...options])
    await this.cloud.untilState(name, 'Ready', 30_000)
  }

  async #exists(name: string): Promise<boolean> {
    return (await this.cloud.cli(['mobile', 'show', name])).code === 0
  }

  // The server in West US on which new services are made.
  async #protectedServer(): Promise<string> {
    return await waitFor(
      'a protected server in West US',
      async () => {
        const servers = await this.cloud.api<ServerView[]>('/servers').catch(() => [])
        const here = servers.filter(({ region }) => region === 'West US')
        return here.find(({ members }) => members.some(({ standing }) => standing === 'ready'))?.name
      },
      { withinMs: PROTECTED_MS_MAX, everyMs: 200 },
    )
  }
}
