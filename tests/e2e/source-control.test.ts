// Source control across a disaster: a region is lost, the service is recovered in the middle of a push, and the same
// remote goes on.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '../../src/kit/clock.ts'
import { TestCloud } from '../support/cloud.ts'
import { FaultPoints } from '../support/fault-points.ts'
import { GitClient } from '../support/git-client.ts'

const INSERT = 'service/table/TodoItem.insert.js'
const script = (version: string) => `function insert(item, user, request) {
  item.text = '${version}'
  request.execute()
}
`

describe('source control of a service whose region is lost', () => {
  let cloud: TestCloud
  let points: FaultPoints
  let git: GitClient
  let url = ''

  before(async () => {
    points = await FaultPoints.make()
    cloud = await TestCloud.start('pair', { env: points.env })
  })
  after(async () => {
    await git?.dispose()
    await cloud?.dispose()
    await points?.dispose()
  })

  const insertedText = async () => {
    const service = await cloud.service('PrimaryService')
    // The first one starts the process of the scripts.
    const signal = AbortSignal.timeout(20_000)
    const answer = await cloud.app(service, '/tables/TodoItem', { method: 'POST', body: '{"text":"mine"}', signal })
    assert.equal(answer.status, 201)
    return ((await answer.json()) as { text: string }).text
  }

  test('what is pushed runs for the very next request', async () => {
    const { url: shown } = JSON.parse(
      await cloud.ok(['mobile', 'preview', 'enable', 'PrimaryService', 'SourceControl', '--json']),
    )
    const token = (await readFile(join(cloud.home, 'operator.token'), 'utf8')).trim()
    url = shown.replace('://', `://any:${token}@`)
    git = await GitClient.make({ url })
    await git.commit('first', { [INSERT]: script('first') })
    assert.match(await git.run('push', 'origin', 'master'), /It runs on west-us-1\./)
    assert.equal(await insertedText(), 'first')
  })

  test('a push in the middle of a recovery is taken, and runs in the new home', async () => {
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    await cloud.untilState('PrimaryService', 'Unhealthy', 30_000)
    // Control stands still half way, with the service on its way; whoever pushes then waits for it.
    await points.arm('recover.activate.begun', 'stop')
    const recovery = cloud.cli(['mobile', 'recover', 'PrimaryService', 'SecondaryService', '-q'])
    const find = async () => (await points.hitBy('recover.activate.begun')) ?? undefined
    const pid = await waitFor('the recovery to be half way', find, { withinMs: 60_000, everyMs: 50 })
    await git.commit('second', {
      'service/shared/words.json': '{"text":"second"}',
      [INSERT]: script("' + require('../shared/words.json').text + '"),
    })
    const push = git.try('push', 'origin', 'master')
    await points.letGo(pid)
    const [recovered, pushed] = await Promise.all([recovery, push])
    assert.equal(recovered.code, 0, recovered.stderr)
    assert.equal(pushed.code, 0, pushed.said)
    assert.equal((await cloud.service('PrimaryService')).region, 'East US')
    const runs = async () => ((await insertedText()) === 'second' ? true : undefined)
    await waitFor('the second script', runs, { withinMs: 20_000 })
  })

  test('the same remote goes on, and what runs is what is in it', async () => {
    await git.commit('third', { [INSERT]: script('third') })
    assert.match(await git.run('push', 'origin', 'master'), /It runs on east-us-1\./)
    assert.equal(await insertedText(), 'third')
    const same = await cloud.ok(['mobile', 'verify', 'PrimaryService', '--against', url])
    assert.match(same, /All 2 script\(s\) that run on east-us-1 are the same/)
    await git.commit('fourth, not pushed', { [INSERT]: script('fourth') })
    const other = await cloud.cli(['mobile', 'verify', 'PrimaryService', '--against', git.folder])
    assert.equal(other.code, 1)
    assert.match(other.stdout, /another text than in the folder/)
  })
})
