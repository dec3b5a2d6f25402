// The stories of databases in which crashes happen: a change to another one, a table that comes back, and somebody else's.
import assert from 'node:assert/strict'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { connectInside, type TestCloud } from './cloud.ts'
import { crashDuring, settle } from './crash-cases.ts'
import type { CrashCase } from './crash-stories.ts'
import { type ExternalPostgres, startExternalPostgres } from './external-postgres.ts'
import type { FaultPoints } from './fault-points.ts'
import { SteadyWriters } from './steady-writers.ts'

const SERVER = 'sql-west-us'
const BEFORE = 'before'
const WAIT = { withinMs: 60_000, everyMs: 200 }

/** Stories that need a cloud with a vault. */
export const VAULT_STORIES: ReadonlySet<string> = new Set(['change_database', 'restore_table'])

export class DatabaseStories {
  readonly #cloud: TestCloud
  readonly #points: FaultPoints
  #moment: string | null = null
  #external: ExternalPostgres | null = null

  constructor(cloud: TestCloud, points: FaultPoints) {
    this.#cloud = cloud
    this.#points = points
  }

  /** Under load, from one of two servers to the other. What was acknowledged is on one of them, and it works. */
  async changeDatabase(one: CrashCase): Promise<boolean> {
    await this.#shop()
    const shop = await this.#cloud.service('Shop')
    const to = shop.server === SERVER ? BEFORE : SERVER
    const writers = SteadyWriters.start(this.#cloud, shop, 2)
    await writers.untilWritten(10)
    const { isReached } = await this.#crash(one, to, [
      ['mobile', 'change-database', 'Shop', to, '--accept-loss', 'any', '-q'],
    ])
    const operation = (await settle(this.#cloud)).find(({ kind }) => kind === 'change_database')
    await this.#cloud.untilServed(shop)
    await writers.untilWritten(10)
    const { acknowledged } = await writers.stop()
    const expected = isReached && operation?.state === 'succeeded' ? to : (await this.#cloud.service('Shop')).server
    assert.equal((await this.#cloud.service('Shop')).server, expected)
    const there = new Set([...(await this.#idsOn(SERVER)), ...(await this.#idsOn(BEFORE))])
    assert.deepEqual(
      acknowledged.filter((id) => !there.has(id)),
      [],
      'acknowledged rows are missing',
    )
    const served = new Set(await this.#cloud.readIds(shop))
    assert.ok(served.has(acknowledged.at(-1) ?? ''), 'what was written last is not served')
    return isReached
  }

  /** Into a table of its own: it is there as it was, or a next try makes it; the table itself is untouched. */
  async restoreTable(one: CrashCase): Promise<boolean> {
    await this.#shop()
    const shop = await this.#cloud.service('Shop')
    const before = await this.#cloud.readIds(shop)
    const restore = (as: string) => {
      const from = ['--to', this.#moment ?? '', '--from', SERVER]
      return ['sql', 'restore-table', 'Shop', 'TodoItem', ...from, '--as', as, '-q']
    }
    let name = `Back${one.number}`
    await this.#untilDone([...restore(name), '--dry-run'])
    const { isReached } = await this.#crash(one, shop.server, [restore(name)])
    const [operation] = (await settle(this.#cloud)).filter(({ kind }) => kind === 'restore_table')
    await this.#cloud.untilServed(shop)
    if (!isReached || operation?.state !== 'succeeded') {
      // A table that was made and is not served is not written over.
      name = `${name}Again`
      await this.#untilDone(restore(name))
    }
    const answer = await this.#cloud.app(shop, `/tables/${name}?$orderby=id`)
    assert.deepEqual(await answer.json(), [
      { id: 'one', text: 'row one' },
      { id: 'two', text: 'row two' },
    ])
    assert.deepEqual(await this.#cloud.readIds(shop), before)
    return isReached
  }

  /** Attached, and given a service: after a crash the same two commands finish it, and what was said to be there is. */
  async attach(one: CrashCase): Promise<boolean> {
    this.#external ??= await startExternalPostgres({})
    const [server, name] = [`ext-${one.number}`, `Guest${one.number}`]
    const attach = ['sql', 'server', 'attach', server, '--url', this.#external.url()]
    const create = ['mobile', 'create', name, '--location', 'West US', '--sql-server', server]
    const { isReached } = await this.#crash(one, SERVER, [attach, create])
    await settle(this.#cloud)
    for (const command of [attach, create]) await this.#untilDone(command)
    await settle(this.#cloud)
    await this.#cloud.untilState(name, 'Ready', 60_000)
    const guest = await this.#cloud.service(name)
    await this.#cloud.ok(['mobile', 'table', 'create', name, 'TodoItem'])
    await this.#cloud.untilServed(guest)
    assert.deepEqual(await this.#cloud.insertRows(guest, ['row']), ['row'])
    await this.#cloud.ok(['mobile', 'delete', name, '--deleteData', '--now', '-q'])
    await this.#cloud.ok(['sql', 'server', 'detach', server, '-q'])
    const roles = await this.#external.primary.sql("select 1 from pg_roles where rolname like 'svc_%'")
    assert.deepEqual(roles, [], 'a login was left behind')
    return isReached
  }

  /** Stops the external server, if one was needed. */
  async dispose(): Promise<void> {
    await this.#external?.stop()
  }

  // Two rows and a moment; another row; and a server as it was at that moment.
  async #shop(): Promise<void> {
    if (this.#moment !== null) return
    await this.#cloud.ok(['mobile', 'create', 'Shop', '--location', 'West US', '--sql-server', SERVER])
    await this.#cloud.ok(['mobile', 'table', 'create', 'Shop', 'TodoItem'])
    const shop = await this.#cloud.service('Shop')
    assert.equal((await this.#cloud.insertRows(shop, ['one', 'two'])).length, 2)
    await this.#cloud.untilRestorable(SERVER)
    const moment = new Date().toISOString()
    await pause(20)
    assert.equal((await this.#cloud.insertRows(shop, ['three'])).length, 1)
    await this.#cloud.untilRestorable(SERVER)
    await this.#cloud.ok(['sql', 'restore', SERVER, '--to', moment, '--location', 'West US', '--name', BEFORE])
    this.#moment = moment
  }

  // What died may still be starting again: the command is given until it is not refused.
  async #untilDone(command: string[]): Promise<void> {
    const isDone = async () => {
      const { code, stderr } = await this.#cloud.cli(command)
      return code === 0 || / exists|is taken/.test(stderr) ? true : undefined
    }
    await waitFor(command.slice(0, 4).join(' '), isDone, WAIT)
  }

  async #idsOn(server: string): Promise<string[]> {
    const open = async () => await connectInside(this.#cloud, 'west-us', server).catch(() => undefined)
    const client = await waitFor(`${server} to answer`, open, WAIT)
    const { rows } = await client.query<{ id: string }>('select id from shop."TodoItem"')
    await client.end()
    return rows.map(({ id }) => id)
  }

  async #crash(one: CrashCase, server: string, commands: string[][]) {
    const crash = { point: one.name, victim: one.victim, region: 'west-us', server }
    return await crashDuring(this.#cloud, this.#points, crash, async () => {
      let result = await this.#cloud.cli(commands[0] ?? [])
      for (const command of commands.slice(1)) result = await this.#cloud.cli(command)
      return result
    })
  }
}
