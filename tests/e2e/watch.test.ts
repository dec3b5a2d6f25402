// What goes wrong is told, with its cause, to operators and on the Service Dashboard, which outlives what it reports.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Agent, request } from 'undici'
import type { IncidentView, ServiceView, StatusPostView } from '../../src/contract/api.ts'
import type { HostAssignment } from '../../src/contract/assignment.ts'
import type { StatusPage } from '../../src/contract/status-page.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { findProcesses, signalProcess } from '../../src/kit/processes.ts'
import { connectInside, TestCloud } from '../support/cloud.ts'
import { victimsOf } from '../support/crash-cases.ts'

const SERVER = 'sql-west-us'
const SOON = { withinMs: 60_000, everyMs: 100 }
const FLOOD_AT_ONCE = 100
const BROKEN = `function insert(item, user, request) { throw new Error('broken on purpose') }`
const WHOLE = `function insert(item, user, request) { request.execute() }`

type Shown = StatusPage & { ageMs: number; isControlSilent: boolean; silentRegions: string[] }

describe('watching', () => {
  let cloud: TestCloud
  let folder: string
  let service: ServiceView

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mainstay-watch-'))
    cloud = await TestCloud.start('pair', { hasVault: true })
    service = await cloud.service('PrimaryService')
    await cloud.untilRestorable(SERVER)
  })
  after(async () => {
    await cloud?.dispose()
    await rm(folder, { recursive: true, force: true })
  })

  // Patient: the disk may be busy with what an earlier test has written.
  const insert = async (id: string) => {
    const signal = AbortSignal.timeout(30_000)
    return await cloud.app(service, '/tables/TodoItem', { method: 'POST', body: JSON.stringify({ id }), signal })
  }
  const dashboard = async (port = cloud.port): Promise<Shown> => {
    const answer = await fetch(`http://127.0.0.1:${port}/status.json`, { signal: AbortSignal.timeout(5_000) })
    assert.equal(answer.status, 200)
    return (await answer.json()) as Shown
  }
  const page = async () => await (await fetch(`${cloud.gatewayUrl}/status`)).text()
  const untilCause = async (cause: string, message = /./) => {
    const find = async () => {
      const { health } = await cloud.service('PrimaryService')
      return health.cause === cause && message.test(health.message ?? '') ? health : undefined
    }
    return await waitFor(`the cause ${cause}, ${message}`, find, SOON)
  }
  const untilIncident = async (cause: string, isOpen = true, about?: string) => {
    const find = async () => {
      const found = await cloud.api<IncidentView[]>(`/incidents?isOpen=${isOpen}`)
      return found.find((one) => one.cause === cause && (about === undefined || one.subject === about))
    }
    return await waitFor(`an incident of ${cause}, ${isOpen ? 'open' : 'over'}`, find, SOON)
  }
  const upload = async (text: string) => {
    const file = join(folder, 'insert.js')
    await writeFile(file, text)
    await cloud.ok(['mobile', 'script', 'upload', 'PrimaryService', 'table/TodoItem.insert.js', '--file', file])
  }

  test('all is well at first, for operators and for the public, at control and at the gateway', async () => {
    // A cloud that has just begun may have had its first backup to wait for.
    const allWell = async () => {
      const found = await dashboard().catch(() => null)
      return found?.rows.every(({ state }) => state === 'Ready') ? found : undefined
    }
    const shown = await waitFor('all to be well', allWell, SOON)
    assert.deepEqual(
      shown.rows.map(({ area, component }) => `${area} ${component}`),
      ['West US compute', 'West US database', 'East US compute', 'East US database'].concat(
        shown.rows.slice(4).map(({ area, component }) => `${area} ${component}`),
      ),
    )
    assert.deepEqual([shown.isControlSilent, shown.silentRegions, shown.advice], [false, [], []])
    const atControl = (await dashboard(cloud.controlPort)).rows
    assert.deepEqual(
      atControl.map(({ area, component, state }) => [area, component, state]),
      shown.rows.map(({ area, component }) => [area, component, 'Ready']),
    )
    assert.match(await page(), /All systems work/)
  })

  test('scripts that fail make their service Degraded, say why, and nobody else is told', async () => {
    await upload(BROKEN)
    for (let time = 0; time < 6; time += 1) assert.equal((await insert(`bad-${time}`)).status, 500)
    // It is told from the fifth on.
    const { state, evidence } = await untilCause('scripts_failing', /6 of 6 runs/)
    assert.equal(state, 'Degraded')
    assert.match(evidence.join(), /TodoItem.insert.*broken on purpose/)
    assert.match(await page(), /All systems work/)
    await upload(WHOLE)
    for (let time = 0; time < 8; time += 1) assert.equal((await insert(`good-${time}`)).status, 201)
    await cloud.untilState('PrimaryService', 'Ready', 30_000)
  })

  test('a database that refuses the password is told apart from one that is away', async () => {
    const assignment = join(cloud.home, 'hosts', 'west-us', 'assignment.json')
    const { runtimes } = JSON.parse(await readFile(assignment, 'utf8')) as HostAssignment
    const login = runtimes.flatMap(({ services }) => services).find(({ name }) => name === 'PrimaryService')?.database
    assert.ok(login)
    const client = await connectInside(cloud, 'west-us', SERVER)
    const setPassword = async (password: string) => {
      await client.query(`alter role "${login.user}" password '${password}'`)
      await client.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [login.user])
    }
    try {
      await setPassword('another')
      await untilCause('database_auth_failed')
      const { state, message } = (await cloud.service('PrimaryService')).health
      assert.equal(state, 'Unhealthy')
      assert.match(message ?? '', /does not let it in/)
      assert.equal((await insert('refused')).status, 503)
      assert.match(await cloud.ok(['incident', 'list', '--open']), /database_auth_failed/)
      const told = async () => ((await dashboard()).advice.length > 0 ? true : undefined)
      await waitFor('the public to be told', told, SOON)
      const text = await page()
      assert.match(text, /Recovery is advised<\/b> for 1 mobile/)
      assert.doesNotMatch(text, /PrimaryService|sql-west-us|west-us-1/)
    } finally {
      await setPassword(login.password)
      await client.end()
    }
    await cloud.untilState('PrimaryService', 'Ready', 30_000)
    await untilIncident('database_auth_failed', false)
  })

  test('a runtime that ends again and again is told apart from one that is down', async () => {
    const stopping = new AbortController()
    const kill = async () => {
      while (!stopping.signal.aborted) {
        for (const pid of await victimsOf(cloud, { victim: 'runtime', region: 'west-us', server: SERVER })) {
          signalProcess(pid, 'SIGKILL')
        }
        await pause(50, stopping.signal)
      }
    }
    const killing = kill()
    try {
      const { state, evidence } = await untilCause('runtime_crash_loop')
      assert.deepEqual([state, evidence.length], ['Unhealthy', 2])
    } finally {
      stopping.abort()
      await killing
    }
    await cloud.untilState('PrimaryService', 'Ready', 60_000)
  })

  test('a standby that does not keep up is an incident of its server, until it has', async () => {
    const [receiver] = findProcesses(`${SERVER}: walreceiver`)
    assert.ok(receiver, 'the standby receives nothing')
    const inside = await connectInside(cloud, 'west-us', SERVER)
    // It must lag for as long as it takes to see that, not lose its connection and be released for that.
    await inside.query('alter system set wal_sender_timeout = 0')
    await inside.query('select pg_reload_conf()')
    signalProcess(receiver, 'SIGSTOP')
    try {
      // WAL alone, of which nothing is kept.
      await inside.query(`select count(pg_logical_emit_message(false, 'test', repeat('x', 10485760)))
        from generate_series(1, 30)`)
      // On a slow machine it is given up for that before its lag has lasted.
      const { message } = await untilIncident('standby_behind', true, SERVER)
      assert.match(message, /is behind: a promotion now|may not be promoted until it has caught up/)
    } finally {
      signalProcess(receiver, 'SIGCONT')
      await inside.query('alter system reset wal_sender_timeout')
      await inside.query('select pg_reload_conf()')
      await inside.end()
    }
    await untilIncident('standby_behind', false, SERVER)
    assert.equal((await cloud.service('PrimaryService')).health.state, 'Ready')
  })

  test('a gateway that stands still is an incident, and the services that it would have reached are not', async () => {
    const gateway = cloud.rolePid('gateway')
    signalProcess(gateway, 'SIGSTOP')
    try {
      await untilIncident('gateway_unreachable')
      assert.notEqual((await cloud.service('PrimaryService')).health.state, 'Unhealthy')
    } finally {
      signalProcess(gateway, 'SIGCONT')
    }
    await untilIncident('gateway_unreachable', false)
  })

  test('a vault that is away is an incident of the server, until it is back', async () => {
    const vault = join(cloud.home, 'vault')
    await rename(vault, `${vault}-away`)
    await writeFile(vault, 'no folder')
    try {
      await insert('while-away')
      const { message, evidence } = await untilIncident('vault_unreachable', true, SERVER)
      assert.match(message, /do not reach .*vault/)
      assert.notEqual(evidence.length, 0)
      assert.match(await cloud.ok(['status']), /vault +sql-west-us +Degraded +vault_unreachable/)
    } finally {
      await rm(vault)
      await rename(`${vault}-away`, vault)
    }
    await untilIncident('vault_unreachable', false, SERVER)
  })

  test('a gateway that has more to do than it can says so while it lasts', async () => {
    const agent = new Agent({ connections: FLOOD_AT_ONCE })
    const stopping = new AbortController()
    const until = performance.now() + 60_000
    const one = async () => {
      while (!stopping.signal.aborted && performance.now() < until) {
        const answer = await request(`${cloud.gatewayUrl}/status`, { dispatcher: agent }).catch(() => null)
        await answer?.body.dump().catch(() => {})
      }
    }
    const flood = Promise.all(Array.from({ length: FLOOD_AT_ONCE }, one))
    try {
      const { evidence } = await untilIncident('gateway_overloaded')
      assert.match(evidence.join(), /busy for \d+ %/)
    } finally {
      stopping.abort()
      await flood
      await agent.close()
    }
    await untilIncident('gateway_overloaded', false)
  })

  test('an operator writes on the dashboard, in markdown that runs nothing', async () => {
    const text = 'Apps answer **slowly**. <script>alert(1)</script> [bad](javascript:alert(1))'
    const post = await cloud.json<StatusPostView>(['status', 'post', 'We look into it', '--text', text])
    const shows = async () => (/We look into it/.test(await page()) ? true : undefined)
    await waitFor('the post to be shown', shows, SOON)
    const shown = await page()
    assert.match(shown, /<strong>slowly<\/strong>/)
    assert.match(shown, /&lt;script&gt;/)
    assert.doesNotMatch(shown, /<script|href="javascript/)
    assert.match(await (await fetch(`${cloud.gatewayUrl}/status.atom`)).text(), /<title>We look into it<\/title>/)
    assert.match(await cloud.ok(['status', 'posts']), /We look into it/)
    await cloud.ok(['status', 'unpost', post.id])
    await cloud.refuses(['status', 'unpost', post.id], 2, /there is no post/)
    const window = ['--from', '2036-12-01T03:00:00Z', '--until', '2036-12-01T02:00:00Z']
    await cloud.refuses(['status', 'post', 'Back to front', '--text', 'x', ...window], 2, /must begin before it ends/)
    await cloud.refuses(['status', 'post', 'Nothing'], 2, /--text or --file/)
    assert.match(await cloud.ok(['audit', 'list']), /status unpost/)
  })

  test('names are shown once that is wanted', async () => {
    await cloud.ok(['status', 'config', '--show-names', 'on'])
    assert.match(await cloud.ok(['status', 'config']), /Names are shown +yes/)
    await cloud.refuses(['status', 'config', '--show-names', 'maybe'], 2, /on or off/)
  })

  test('with a region dead, its standby is told, and what stands by there is named and not to be recovered', async () => {
    await cloud.ok(['dev', 'outage', 'start', 'East US'])
    const { message } = await untilIncident('standby_behind')
    assert.match(message, /may not be promoted until it has caught up/)
    const isTold = async () => {
      const { rows, incidents } = await dashboard()
      const row = rows.find(({ area, component }) => area === 'East US' && component === 'compute')
      return row?.state === 'Unhealthy' && incidents.some(({ area, closedAt }) => area === 'East US' && !closedAt)
        ? true
        : undefined
    }
    await waitFor('the dashboard to tell', isTold, SOON)
    const text = await page()
    assert.match(text, /not over yet, SecondaryService/)
    assert.doesNotMatch(text, /Recovery is advised/)
  })

  test('with control dead as well, the gateway shows the last page, its age, and what it sees itself', async () => {
    const control = cloud.rolePid('control')
    assert.ok(signalProcess(control, 'SIGSTOP'))
    try {
      const isSilent = async () => ((await dashboard()).isControlSilent ? true : undefined)
      await waitFor('the gateway to notice', isSilent, SOON)
      const { silentRegions, rows } = await dashboard()
      assert.deepEqual(silentRegions, ['East US'])
      assert.equal(rows.find(({ area }) => area === 'East US')?.state, 'Unhealthy')
      const text = await page()
      assert.match(text, /the management of this cloud does not answer/)
      assert.match(text, /gets no answer from <b>East US<\/b>/)
      assert.match(await (await fetch(`${cloud.gatewayUrl}/status.atom`)).text(), /East US/)
      // It knows it from its disk, too.
      assert.ok(signalProcess(cloud.rolePid('gateway'), 'SIGKILL'))
      const isBack = async () => (await dashboard().catch(() => null))?.isControlSilent || undefined
      await waitFor('the gateway to be back', isBack, SOON)
      assert.match(await page(), /the management of this cloud does not answer/)
    } finally {
      signalProcess(control, 'SIGCONT')
    }
    const isFresh = async () => (await dashboard()).isControlSilent === false || undefined
    await waitFor('control to be heard', isFresh, SOON)
  })

  test('what is over is kept, with its times', async () => {
    await cloud.ok(['dev', 'outage', 'stop', 'East US'])
    await cloud.untilRegionsReady()
    await untilIncident('standby_behind', false)
    const isOver = async () => {
      const { rows, incidents } = await dashboard()
      const isWell = rows.every(({ state }) => state === 'Ready')
      return isWell && incidents.some(({ area, closedAt }) => area === 'East US' && closedAt) ? true : undefined
    }
    await waitFor('the dashboard to tell that it is over', isOver, SOON)
    const { rows, incidents } = await dashboard()
    const east = incidents.find(({ area, component }) => area === 'East US' && component === 'compute')
    assert.equal(east?.updates.at(-1)?.text, 'All is well again.')
    const day = rows.find(({ area, component }) => area === 'East US' && component === 'compute')?.days.at(-1)
    assert.equal(day?.worst, 'Unhealthy')
    assert.ok((day?.downMinutes ?? 0) >= 1)
    assert.match(await cloud.ok(['incident', 'list', '--subject', 'East US']), /region_unreachable/)
  })
})
