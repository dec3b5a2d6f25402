// The local cloud itself: it starts, stops and starts again whatever was killed, and refuses clearly what it cannot do.
import assert from 'node:assert/strict'
import { chmod, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ServiceView } from '../../src/contract/api.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { findProcesses, signalProcess, treeOf } from '../../src/kit/processes.ts'
import { TestCloud } from '../support/cloud.ts'
import { copyHome } from '../support/prepared-clouds.ts'

describe('a local cloud', () => {
  let cloud: TestCloud
  let primary: ServiceView

  before(async () => {
    // From nothing, as a person's first one.
    cloud = await TestCloud.start('pair', { isNew: true })
    primary = await cloud.service('PrimaryService')
    assert.deepEqual(await cloud.insertRows(primary, ['one', 'two']), ['one', 'two'])
  })
  after(async () => await cloud.dispose())

  const untilServing = async () => {
    const isServing = async () => {
      const answer = await cloud.app(primary, '/tables/TodoItem').catch(() => null)
      return answer?.status === 200 ? true : undefined
    }
    await waitFor('the service', isServing, { withinMs: 30_000, everyMs: 100 })
    assert.deepEqual(await cloud.readIds(primary), ['one', 'two'])
  }

  test('prints how to go on, and each of its commands works as printed', () => {
    assert.match(cloud.output, /mainstay is ready/)
    assert.match(cloud.output, new RegExp(`http://localhost:${cloud.port}/`))
    assert.match(cloud.output, /mainstay mobile create PrimaryService --location "West US"/)
  })

  test('listens on loopback only, and its PostgreSQL on no port at all', async () => {
    const listening = findProcesses(cloud.home).flatMap((pid) => treeOf(pid))
    const { execFileSync } = await import('node:child_process')
    const table = execFileSync('cat', ['/proc/net/tcp', '/proc/net/tcp6'], { encoding: 'utf8' })
    const open = table
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A')
    const ports = new Set(
      open.filter((fields) => !/^(0100007F|0{24}01000000)/.test(fields[1] ?? '')).map((fields) => fields[1]),
    )
    for (const port of [cloud.port, cloud.controlPort]) {
      const hex = port.toString(16).toUpperCase().padStart(4, '0')
      assert.equal(
        [...ports].some((address) => address?.endsWith(`:${hex}`)),
        false,
        `port ${port} is open beyond loopback`,
      )
    }
    assert.ok(listening.length > 8)
  })

  test('wants a token for management, which only its owner can read', async () => {
    assert.equal((await stat(join(cloud.home, 'operator.token'))).mode & 0o777, 0o600)
    const url = `http://127.0.0.1:${cloud.controlPort}/api/v1/services`
    assert.equal((await fetch(url)).status, 401)
    assert.equal((await fetch(url, { headers: { authorization: 'Bearer wrong' } })).status, 401)
  })

  test('takes a pause of 2 s of a host for what it is', async () => {
    const pid = cloud.rolePid('west-us')
    process.kill(pid, 'SIGSTOP')
    const states = new Set<string>()
    try {
      const endsAt = performance.now() + 2_000
      while (performance.now() < endsAt) {
        states.add((await cloud.service('PrimaryService')).health.state)
        await pause(50)
      }
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    const endsAt = performance.now() + 2_000
    while (performance.now() < endsAt) {
      states.add((await cloud.service('PrimaryService')).health.state)
      await pause(50)
    }
    assert.equal(states.has('Unhealthy'), false)
    await untilServing()
  })

  test('answers past the door of the home, on the way that its host has allowed', async () => {
    // Over a connection that is kept from then on.
    await untilServing()
    const host = cloud.rolePid('west-us')
    signalProcess(host, 'SIGSTOP')
    try {
      const answer = await cloud.app(primary, '/tables/TodoItem', { signal: AbortSignal.timeout(5_000) })
      assert.equal(answer.status, 200)
    } finally {
      signalProcess(host, 'SIGCONT')
    }
  })

  for (const role of ['control', 'gateway', 'west-us']) {
    test(`brings ${role} back after kill -9`, async () => {
      const before = cloud.rolePid(role)
      signalProcess(before, 'SIGKILL')
      const isBack = () => {
        // The role itself: what it has started outlives it for a moment, and may serve meanwhile.
        const words = role === 'west-us' ? ['mjs host ', '/hosts/west-us'] : [`mjs ${role} `]
        return findProcesses(cloud.home, ...words).some((pid) => pid !== before) ? true : undefined
      }
      await waitFor(`${role} to be started again`, isBack, { withinMs: 20_000, everyMs: 50 })
      await untilServing()
    })
  }

  test('brings a runtime and PostgreSQL back after kill -9', async () => {
    const victims = [
      ...findProcesses(cloud.home, 'mjs runtime', '/hosts/west-us'),
      ...findProcesses(cloud.home, '/hosts/west-us', 'sql-west-us/data'),
    ]
    assert.ok(victims.length >= 2, 'no runtime or no PostgreSQL found')
    for (const pid of victims) signalProcess(pid, 'SIGKILL')
    await untilServing()
  })

  test('keeps everything over a stop and a start, and leaves no process behind', async () => {
    await cloud.down()
    await cloud.up()
    await untilServing()
  })

  test('starts from a copy of its folder at another place', async () => {
    await cloud.down()
    const copy = await TestCloud.prepare()
    const original = cloud
    await copyHome(original.home, copy.home)
    cloud = copy
    await original.dispose()
    await cloud.up()
    await untilServing()
    await cloud.untilProtected('sql-west-us')
  })

  test('starts again after everything was killed at once', async () => {
    for (const pid of new Set([cloud.pid, ...cloud.processes()])) signalProcess(pid, 'SIGKILL')
    await cloud.up()
    await untilServing()
  })

  test('stops by itself when its parent is killed', async () => {
    signalProcess(cloud.pid, 'SIGKILL')
    await waitFor('all roles to end', () => (cloud.processes().length === 0 ? true : undefined), { withinMs: 30_000 })
    await cloud.up()
    await untilServing()
  })

  test('refuses a second cloud on the same folder', async () => {
    const second = await cloud.typed(['up', '--home', cloud.home])
    assert.equal(second.code, 1)
    assert.match(second.stderr, /Try:/)
    await untilServing()
  })
})

describe('a cloud that cannot start', () => {
  test('names the taken port and what to do, and starts nothing', async () => {
    const cloud = await TestCloud.prepare()
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(cloud.port, '127.0.0.1', resolve))
    try {
      const result = await cloud.typed([
        'up',
        '--home',
        cloud.home,
        '--port',
        String(cloud.port),
        '--control-port',
        String(cloud.controlPort),
      ])
      assert.equal(result.code, 1)
      assert.match(result.stderr, new RegExp(`${cloud.port}`))
      assert.match(result.stderr, /Try:.*--port/s)
      assert.deepEqual(cloud.processes(), [])
    } finally {
      taken.close()
      await cloud.dispose()
    }
  })

  test('says so when its folder cannot be written', {
    skip: process.getuid?.() === 0 ? 'root may write anywhere' : false,
  }, async () => {
    const cloud = await TestCloud.prepare()
    try {
      await chmod(cloud.home, 0o500)
      const result = await cloud.typed(['up', '--home', join(cloud.home, 'inner')])
      assert.equal(result.code, 1)
      assert.match(result.stderr, /Try:/)
    } finally {
      await chmod(cloud.home, 0o755)
      await cloud.dispose()
    }
  })

  test('says so when its folder is a file', async () => {
    const cloud = await TestCloud.prepare()
    try {
      const result = await cloud.typed(['up', '--home', '/dev/null/cloud'])
      assert.equal(result.code, 1)
      assert.match(result.stderr, /Try:/)
    } finally {
      await cloud.dispose()
    }
  })
})
