// After a recovery: what only the lost side had comes back, the service is protected again, and it goes home.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import type {
  DivergencePreviewView,
  DivergenceView,
  DryRunView,
  OperationView,
  ServiceView,
} from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { TestCloud } from '../support/cloud.ts'
import { crashDuring, settle } from '../support/crash-cases.ts'
import { FaultPoints } from '../support/fault-points.ts'
import { SteadyWriters } from '../support/steady-writers.ts'
import { testAlone } from '../support/turns.ts'

const SERVER = 'sql-west-us'
const SOON = { withinMs: 60_000, everyMs: 100 }

describe('the way home', () => {
  let cloud: TestCloud
  let points: FaultPoints
  let service: ServiceView

  before(async () => {
    points = await FaultPoints.make()
    cloud = await TestCloud.start('pair', { env: points.env })
    service = await cloud.service('PrimaryService')
    const ids = ['changed', 'gone', 'disputed', 'kept']
    assert.deepEqual(await cloud.insertRows(service, ids), ids)
    await cloud.untilProtected(SERVER)
  })
  after(async () => {
    await cloud?.dispose()
    await points?.dispose()
  })

  const rowOf = async (id: string) => {
    const answer = await cloud.app(service, `/tables/TodoItem/${id}`)
    return answer.status === 200 ? ((await answer.json()) as { text: string }).text : answer.status
  }
  const divergence = async () => (await cloud.json<DivergenceView[]>(['sql', 'divergence', 'list']))[0]

  test('writes behind a cut link are committed there, and the service is recovered without them', async () => {
    const { host, password } = await cloud.inside('west-us', SERVER)
    const client = new pg.Client({ host, port: 5432, user: 'mainstay', password, database: 'apps' })
    client.on('error', () => {})
    await client.connect()
    await cloud.ok(['dev', 'outage', 'start', 'West US', '--only', 'network'])
    // Within its lease: acknowledged, and never to be seen by the standby.
    for (const id of ['new-1', 'new-2', 'new-3']) {
      await client.query(`insert into primaryservice."TodoItem" (id, text) values ($1, 'stranded')`, [id])
    }
    await client.query(`update primaryservice."TodoItem" set text = 'stranded' where id in ('changed', 'disputed')`)
    await client.query(`delete from primaryservice."TodoItem" where id = 'gone'`)
    await client.end().catch(() => {})
    await cloud.untilState('PrimaryService', 'Unhealthy', 30_000)
    const shown = await cloud.ok(['mobile', 'recover', 'PrimaryService', 'SecondaryService', '-q'])
    assert.match(shown, /mainstay mobile reprotect PrimaryService.*mainstay mobile failback PrimaryService/)
    assert.deepEqual(
      [await rowOf('new-1'), await rowOf('changed'), await rowOf('gone')],
      [404, 'row changed', 'row gone'],
    )
    const newer = await cloud.app(service, '/tables/TodoItem/disputed', {
      method: 'PATCH',
      body: JSON.stringify({ text: 'newer' }),
    })
    assert.equal(newer.status, 200)
  })

  test('when the region is back they are decoded, told one by one, and nothing was thrown away', async () => {
    assert.equal(await divergence(), undefined)
    await cloud.ok(['dev', 'outage', 'stop', 'West US'])
    await cloud.untilRegionsReady()
    const found = await waitFor('the stranded writes', async () => await divergence(), SOON)
    assert.deepEqual([found.server, found.machine, found.state, found.changes], [SERVER, 'west-us-1', 'kept', 6])
    assert.deepEqual(
      found.tables.map(({ service: name, inserts, updates, deletes }) => [name, inserts, updates, deletes]),
      [['PrimaryService', 3, 2, 1]],
    )
    assert.match(await cloud.ok(['status']), /6 change\(s\) that only a lost primary of sql-west-us had are kept/)
    const shown = await cloud.json<DivergencePreviewView>(['sql', 'divergence', 'show', SERVER])
    assert.deepEqual([shown.clean, shown.already, shown.conflicts], [5, 0, 1])
    const disputed = shown.changes.find(({ key }) => key === 'disputed')
    assert.deepEqual(
      [disputed?.outcome, disputed?.before?.text, disputed?.after?.text],
      ['conflict', 'row disputed', 'stranded'],
    )
    assert.match(await cloud.ok(['sql', 'divergence', 'show', SERVER]), /primaryservice\.TodoItem +delete +gone +clean/)
    const empty = await cloud.cli(['sql', 'divergence', 'show', 'sql-east-us'])
    assert.deepEqual([empty.code, /no stranded writes of sql-east-us/.test(empty.stderr)], [2, true])
  })

  test('the service is protected again in the place of the lost primary, through a crash, and they are still kept', async () => {
    const plan = await cloud.json<DryRunView>(['mobile', 'failback', 'PrimaryService', '--dry-run'])
    assert.match(plan.changes.join('\n'), /Keep the writes that only the lost primary on west-us-1 has[\s\S]*Then move/)
    const at = { point: 'protect_server.stranded.carried', victim: 'self' as const, region: 'west-us', server: SERVER }
    const command = ['mobile', 'reprotect', 'PrimaryService']
    const { isReached } = await crashDuring(cloud, points, at, async () => await cloud.cli(command))
    assert.ok(isReached)
    await settle(cloud)
    await cloud.ok(command)
    assert.match(await cloud.ok([...command, '--dry-run']), /Nothing is missing: 'PrimaryService' has a secondary/)
    const server = await cloud.server(SERVER)
    assert.deepEqual([server.isProtected, server.members.length], [true, 2])
    const now = await cloud.service('PrimaryService')
    assert.deepEqual([now.secondary, now.region], ['SecondaryService', 'East US'])
    assert.equal((await cloud.service('SecondaryService')).region, 'West US')
    assert.equal((await divergence())?.state, 'kept')
  })

  test('they are brought back where nothing has changed since, and what has is left alone until that is said', async () => {
    const apply = ['sql', 'divergence', 'apply', SERVER]
    const declined = await cloud.cli(apply, 'n\n')
    assert.match(declined.stdout, /5 change\(s\) would be applied; 0 are there, 1 conflict[\s\S]*Nothing was changed/)
    const done = await cloud.json<OperationView>([...apply, '-q'])
    assert.match(done.steps.at(-1)?.detail ?? '', /5 applied, 0 there already, 1 conflict\(s\); 1 left alone/)
    const texts = async () => await Promise.all(['new-3', 'changed', 'gone', 'disputed', 'kept'].map(rowOf))
    assert.deepEqual(await texts(), ['stranded', 'stranded', 404, 'newer', 'row kept'])
    const again = await cloud.json<OperationView>([...apply, '-q'])
    assert.match(again.steps.at(-1)?.detail ?? '', /0 applied, 5 there already, 1 conflict/)
    assert.equal((await divergence())?.state, 'kept')
    await cloud.ok([...apply, '--overwrite', '-q'])
    assert.deepEqual(await texts(), ['stranded', 'stranded', 404, 'stranded', 'row kept'])
    assert.equal((await divergence())?.state, 'applied')
    assert.doesNotMatch(await cloud.ok(['status']), /that only a lost primary/)
    await cloud.ok(['sql', 'divergence', 'discard', SERVER, '-q'])
    assert.equal((await divergence())?.state, 'discarded')
  })

  testAlone('it goes home under load, without a failed request', async () => {
    const writers = SteadyWriters.start(cloud, service, 3)
    await writers.untilWritten(20)
    const shown = await cloud.ok(['mobile', 'failback', 'PrimaryService'])
    assert.match(shown, /PrimaryService is in West US again[\s\S]*requests were held for/)
    await writers.untilWritten(20)
    const { failed, acknowledged } = await writers.stop()
    assert.deepEqual(failed, [])
    const home = await cloud.service('PrimaryService')
    assert.deepEqual([home.region, home.serverRegion, home.recoveredFrom], ['West US', 'West US', null])
    assert.equal((await cloud.service('SecondaryService')).region, 'East US')
    const there = new Set(await cloud.readIds(service))
    assert.deepEqual(
      [...acknowledged, 'new-1', 'kept'].filter((id) => !there.has(id)),
      [],
    )
    const again = await cloud.cli(['mobile', 'failback', 'PrimaryService'])
    assert.match(again.stderr, /was not recovered from elsewhere, or is home again/)
  })

  test('and is recovered once more when its region dies again', async () => {
    await cloud.untilProtected(SERVER)
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    await cloud.untilState('PrimaryService', 'Unhealthy', 30_000)
    await cloud.ok(['mobile', 'recover', 'PrimaryService', 'SecondaryService', '-q'])
    assert.deepEqual([(await cloud.service('PrimaryService')).region, await rowOf('new-1')], ['East US', 'stranded'])
  })
})
