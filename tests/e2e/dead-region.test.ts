// The main job, as a person does it: a region dies with its PostgreSQL, one command brings the service back.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ServiceView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { TestCloud } from '../support/cloud.ts'

describe('a service whose region died', () => {
  let cloud: TestCloud
  let primary: ServiceView
  let acknowledged: string[]

  before(async () => {
    cloud = await TestCloud.start('pair')
    primary = await cloud.service('PrimaryService')
    await cloud.ok(['mobile', 'create', 'Neighbour', '--location', 'West US'])
    await cloud.ok(['mobile', 'create', 'NeighbourSecondary', '--secondary-for', 'Neighbour'])
    acknowledged = await cloud.insertRows(
      primary,
      Array.from({ length: 120 }, (_, index) => `before-${index}`),
    )
    assert.equal(acknowledged.length, 120)
    // A cloud that has just started on a busy machine may still be getting there.
    for (const name of ['PrimaryService', 'SecondaryService']) await cloud.untilState(name, 'Ready', 30_000)
  })
  after(async () => await cloud.dispose())

  test('is not recovered while it is well, and nothing changes', async () => {
    const refused = await cloud.cli(['mobile', 'recover', 'PrimaryService', 'SecondaryService', '-q'])
    assert.equal(refused.code, 3)
    assert.match(refused.stderr, /'PrimaryService' is Ready, not Unhealthy/)
    assert.match(refused.stderr, /--force/)
    assert.equal((await cloud.service('PrimaryService')).region, 'West US')
    assert.equal((await cloud.service('SecondaryService')).health.state, 'Ready')
  })

  test('turns Unhealthy within 5 s, with a cause and the next command', async () => {
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    assert.ok((await cloud.untilState('PrimaryService', 'Unhealthy', 10_000)) < 5_000)
    const { health } = await cloud.service('PrimaryService')
    assert.equal(health.cause, 'region_unreachable')
    assert.ok(health.evidence.length >= 2)
    assert.equal(health.next, 'mainstay mobile recover PrimaryService SecondaryService')
    assert.match(await cloud.ok(['status']), /mainstay mobile recover PrimaryService SecondaryService/)
    assert.match(await cloud.ok(['mobile', 'list']), /PrimaryService +Unhealthy/)
  })

  test('answers apps 503 at once meanwhile, with a time to come back', async () => {
    const startedAt = performance.now()
    const answer = await cloud.app(primary, '/tables/TodoItem')
    assert.equal(answer.status, 503)
    assert.ok(performance.now() - startedAt < 500)
    assert.ok(Number(answer.headers.get('retry-after')) >= 1)
    assert.match(((await answer.json()) as { error: string }).error, /West US/)
  })

  test('can be managed where its region is not needed, and fails fast where it is', async () => {
    assert.match(await cloud.ok(['mobile', 'show', 'PrimaryService']), /Unhealthy/)
    await cloud.ok(['mobile', 'create', 'Elsewhere', '--location', 'East US'])
    const lost = [
      ['mobile', 'table', 'create', 'PrimaryService', 'Another'],
      ['mobile', 'data', 'read', 'PrimaryService', 'TodoItem'],
      ['mobile', 'create', 'Here', '--location', 'West US'],
    ]
    for (const args of lost) {
      const startedAt = performance.now()
      const result = await cloud.cli(args)
      assert.equal(result.code, 1, `${args.join(' ')}\n${result.stdout}${result.stderr}`)
      assert.ok(performance.now() - startedAt < 3_000, `${args.join(' ')} took too long`)
      assert.match(result.stderr, /can(not)? be reached/)
      assert.match(result.stderr, /Try:/)
    }
  })

  test('is not recovered by names that are wrong', async () => {
    assert.equal((await cloud.cli(['mobile', 'recover', 'PrimaryService', 'Nobody', '-q'])).code, 2)
    assert.equal((await cloud.cli(['mobile', 'recover', 'Nobody', 'SecondaryService', '-q'])).code, 2)
    assert.equal((await cloud.cli(['mobile', 'recover', 'PrimaryService', 'PrimaryService', '-q'])).code, 3)
  })

  test('shows its plan without changing anything', async () => {
    const plan = await cloud.ok(['mobile', 'recover', 'PrimaryService', 'SecondaryService', '--dry-run'])
    assert.match(plan, /sql-west-us is promoted in East US/)
    assert.match(plan, /Also moves the data of +1 service: Neighbour/)
    assert.equal((await cloud.service('PrimaryService')).health.state, 'Unhealthy')
  })

  test('comes back by one command, with the transcript of the original', async () => {
    const result = await cloud.typed(['mobile', 'recover', 'PrimaryService', 'SecondaryService'], 'y\n')
    assert.equal(result.code, 0, result.stdout + result.stderr)
    const lines = result.stdout.split('\n').filter((line) => !line.startsWith('data:'))
    assert.deepEqual(lines, [
      'info:    Executing command mobile recover',
      "Warning: this action will use the capacity from the mobile service 'SecondaryService' and delete it. Do you want to recover the mobile service 'PrimaryService'? (y/n): ",
      'info:    Performing recovery',
      'info:    Cleaning up',
      'info:    Recovery complete',
      'info:    mobile recover command OK',
      '',
    ])
    assert.match(result.stdout, /promoted: sql-west-us is now in East US/)
    assert.match(result.stdout, /Not protected now\. When West US is back: mainstay mobile reprotect PrimaryService/)
  })

  test('has the same URL, the same key and every row that was acknowledged', async () => {
    const now = await cloud.service('PrimaryService')
    const identity = ({ url, applicationKey, masterKey }: ServiceView) => [url, applicationKey, masterKey]
    assert.deepEqual(identity(now), identity(primary))
    assert.deepEqual([now.region, now.health.state], ['East US', 'Ready'])
    assert.deepEqual((await cloud.readIds(primary)).sort(), [...acknowledged].sort())
    assert.deepEqual(await cloud.insertRows(primary, ['after-1']), ['after-1'])
    await cloud.untilVerified('PrimaryService')
    assert.match(await cloud.ok(['mobile', 'show', 'PrimaryService']), /verification +all was well at 2/)
  })

  test('took its neighbour on the same server along, which then moves compute only', async () => {
    assert.equal((await cloud.service('Neighbour')).serverRegion, 'East US')
    assert.equal((await cloud.service('Neighbour')).health.state, 'Unhealthy')
    const shown = await cloud.ok(['mobile', 'recover', 'Neighbour', 'NeighbourSecondary', '-q'])
    assert.match(shown, /kept: sql-west-us stays where it is/)
    assert.equal((await cloud.service('Neighbour')).health.state, 'Ready')
  })

  test('gave its secondary up', async () => {
    assert.equal((await cloud.cli(['mobile', 'show', 'SecondaryService'])).code, 2)
  })

  test('versions and update times went on growing', async () => {
    const path = '/tables/TodoItem?$orderby=__version&$top=1000&__systemProperties=*'
    const answer = await cloud.app(primary, path)
    const rows = (await answer.json()) as { id: string; __updatedAt: string; __version: string }[]
    const last = rows.at(-1)
    assert.equal(last?.id, 'after-1')
    assert.ok(rows.every((row) => row.__updatedAt <= (last?.__updatedAt ?? '')))
  })

  test('keeps the returned region out: its PostgreSQL is quarantined and kept whole', async () => {
    await cloud.ok(['dev', 'outage', 'stop', 'West US'])
    await waitFor(
      'the quarantine',
      async () => {
        const member = (await cloud.server('sql-west-us')).members.find((entry) => entry.region === 'West US')
        return member?.quarantine ? true : undefined
      },
      { withinMs: 20_000, everyMs: 100 },
    )
    const shown = await cloud.ok(['sql', 'server', 'show', 'sql-west-us'])
    assert.match(shown, /quarantined/)
    assert.match(shown, /from LSN [0-9A-F]+\/[0-9A-F]+ to [0-9A-F]+\/[0-9A-F]+/)
    assert.deepEqual(await cloud.insertRows(primary, ['after-2']), ['after-2'])
    assert.equal((await cloud.service('PrimaryService')).region, 'East US')
  })

  test('survives a restart of everything', async () => {
    await cloud.down()
    await cloud.up()
    assert.deepEqual((await cloud.readIds(primary)).sort(), [...acknowledged, 'after-1', 'after-2'].sort())
  })
})
