// The local cloud's handling of processes: start, outage, revival, crash, orphans, stop; with roles that only pretend.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { waitFor } from '../../src/kit/clock.ts'
import { readJsonIfAny } from '../../src/kit/files.ts'
import { isAlive, signalProcess } from '../../src/kit/processes.ts'
import { foldersOfCloud, hostHomeOf } from '../../src/local/cloud-home.ts'
import { findOurs } from '../../src/local/our-processes.ts'
import { carryOutReset, planReset } from '../../src/local/reset.ts'
import { askUp } from '../../src/local/up-socket.ts'
import { fakeSpawner, makeFakeCloud, pidsOf, toldTo } from '../support/cli-fake-roles.ts'
import { temporaryFolder } from '../support/cli-run.ts'

const LIMITS = { withinMs: 10_000, everyMs: 20 }

test('a started cloud tells where it is, and a stopped one leaves nothing behind', async (context) => {
  const { cloud, said } = await makeFakeCloud(context, temporaryFolder(context))
  await cloud.start()
  assert.deepEqual(said, [
    'Starting control',
    'Starting the gateway and West US, East US',
    'Waiting until the regions are ready',
  ])
  const file = await readJsonIfAny<{ pid: number; socket: string }>(cloud.home.cloudFile)
  assert.deepEqual([file?.pid, file?.socket], [process.pid, cloud.home.socket])
  assert.deepEqual(await toldTo(cloud.home.gateway), ['token once'])
  await cloud.stop()
  assert.deepEqual(findOurs(await foldersOfCloud(cloud.home)), [])
  assert.deepEqual([existsSync(cloud.home.cloudFile), existsSync(cloud.home.socket)], [false, false])
})

test('a dead region stays dead over a restart of the cloud, until its outage is ended', async (context) => {
  const folder = temporaryFolder(context)
  const first = (await makeFakeCloud(context, folder)).cloud
  await first.start()
  const west = hostHomeOf(first.home, 'West US')
  const pids = await pidsOf(west)
  const answer = await askUp(first.home.socket, { kind: 'outage_start', region: 'west-us', only: 'all' })
  assert.deepEqual([answer.killed, answer.outages], [2, [{ region: 'West US', kind: 'all' }]])
  assert.deepEqual(pids.map(isAlive), [false, false])
  await first.stop()

  const second = (await makeFakeCloud(context, folder)).cloud
  await second.start()
  const list = await askUp(second.home.socket, { kind: 'outage_list' })
  assert.deepEqual(list.outages, [{ region: 'West US', kind: 'all' }])
  assert.deepEqual(await pidsOf(west), pids)
  await askUp(second.home.socket, { kind: 'outage_stop', region: 'West US' })
  await waitFor('a new host', async () => ((await pidsOf(west))[0] !== pids[0] ? true : undefined), LIMITS)
  assert.deepEqual(second.outages, [])
})

test('a host that crashes is started again and told of its outage first', async (context) => {
  const { cloud } = await makeFakeCloud(context, temporaryFolder(context))
  await cloud.start()
  const west = hostHomeOf(cloud.home, 'West US')
  await askUp(cloud.home.socket, { kind: 'outage_start', region: 'West US', only: 'network' })
  const told = '{"kind":"outage","outage":"network"}'
  await waitFor('the news', async () => ((await toldTo(west)).includes(told) ? true : undefined), LIMITS)
  const [host = 0, child = 0] = await pidsOf(west)
  signalProcess(host, 'SIGKILL')
  const expected = ['token once', told, 'token none', told]
  await waitFor('the news again', async () => ((await toldTo(west)).length === 4 ? true : undefined), LIMITS)
  assert.deepEqual(await toldTo(west), expected)
  signalProcess(child, 'SIGKILL')
})

test('a home that another cloud uses is refused, and that cloud is left alone', async (context) => {
  const folder = temporaryFolder(context)
  const { cloud } = await makeFakeCloud(context, folder)
  await cloud.start()
  const other = (await makeFakeCloud(context, folder)).cloud
  await assert.rejects(other.start(), { code: 'home.in_use' })
  await other.stop()
  await assert.rejects(planReset(cloud.home), { code: 'reset.running', status: 409 })
  assert.equal((await askUp(cloud.home.socket, { kind: 'outage_list' })).ok, true)
})

test('a port that is taken is named with the option that helps, before anything is started', async (context) => {
  const { cloud, said } = await makeFakeCloud(context, temporaryFolder(context))
  const server = createServer()
  context.after(() => server.close())
  await new Promise<void>((resolve) =>
    server.listen(Number(new URL(cloud.gatewayUrl).port), '127.0.0.1', () => resolve()),
  )
  await assert.rejects(cloud.start(), { code: 'port.taken', hint: /--port N or MAINSTAY_PORT/ })
  assert.deepEqual(said, [])
})

test('what an earlier cloud left behind is ended before a new one starts', async (context) => {
  const folder = temporaryFolder(context)
  const { cloud } = await makeFakeCloud(context, folder)
  await cloud.start()
  await cloud.stop()
  const home = hostHomeOf(cloud.home, 'West US')
  const orphan = fakeSpawner(folder)(['host', '--home', home, '--region', 'West US'], {
    stdio: 'ignore',
    detached: true,
  })
  context.after(() => orphan.kill('SIGKILL'))
  const fresh = async () => ((await pidsOf(home))[0] === orphan.pid ? true : undefined)
  await waitFor('the orphan', fresh, LIMITS)
  const [, child = 0] = await pidsOf(home)
  const next = await makeFakeCloud(context, folder)
  await next.cloud.start()
  assert.equal(next.said[0], 'Ending what an earlier cloud left behind')
  assert.deepEqual([isAlive(orphan.pid ?? 0), isAlive(child)], [false, false])
})

test('a reset removes everything of a cloud that is stopped', async (context) => {
  const { cloud } = await makeFakeCloud(context, temporaryFolder(context))
  await cloud.start()
  await cloud.stop()
  const folders = await planReset(cloud.home)
  await carryOutReset(cloud.home, folders)
  assert.deepEqual(folders.filter(existsSync), [])
})
