// What a cloud says of itself: every role's /metrics, and a request's id from the app through all logs and back.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { OperationView, ServiceView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { TestCloud } from '../support/cloud.ts'
import { parseExposition, type Reading, readingOf } from '../support/exposition.ts'

type Line = Record<string, unknown> & { msg?: string }

const SCRIPT = 'function read(query, user, request) { console.log("reading"); request.execute(); }\n'

describe('a cloud, seen from outside', () => {
  let cloud: TestCloud
  let primary: ServiceView

  before(async () => {
    // Each role takes a port of its own, which it names in its log.
    cloud = await TestCloud.start('pair', { env: { MAINSTAY_METRICS_ADDRESS: '127.0.0.1:0' } })
    primary = await cloud.service('PrimaryService')
  })
  after(async () => await cloud.dispose())

  const logOf = async (role: string): Promise<Line[]> => {
    const text = await readFile(join(cloud.home, 'logs', `${role}.log`), 'utf8')
    return text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []))
  }

  const untilLogged = async (role: string, isMeant: (line: Line) => boolean): Promise<Line> =>
    await waitFor(`a line in the log of ${role}`, async () => (await logOf(role)).find(isMeant), { withinMs: 15_000 })

  // A role's own listener, which answers without a token.
  const readRole = async (role: string): Promise<Reading[]> => {
    const line = (await logOf(role)).findLast(({ msg }) => msg === 'metrics are served')
    assert.ok(line, `${role} does not say where its metrics are`)
    const answer = await fetch(`http://127.0.0.1:${line.port}/metrics`, { signal: AbortSignal.timeout(10_000) })
    assert.equal(answer.status, 200)
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    return parseExposition(await answer.text())
  }

  const untilRole = async (role: string, name: string, labels: Record<string, string>, atLeast: number) =>
    await waitFor(
      `${name} of ${role}`,
      async () => {
        const value = readingOf(await readRole(role), name, labels) ?? 0
        return value >= atLeast ? value : undefined
      },
      { withinMs: 20_000, everyMs: 200 },
    )

  const control = async (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) => {
    const token = (await readFile(join(cloud.home, 'operator.token'), 'utf8')).trim()
    return await fetch(`http://127.0.0.1:${cloud.controlPort}${path}`, {
      signal: AbortSignal.timeout(10_000),
      ...init,
      headers: { authorization: `Bearer ${token}`, ...headers },
    })
  }

  test('control tells of the whole cloud, to whoever has a token', async () => {
    const url = `http://127.0.0.1:${cloud.controlPort}/metrics`
    assert.equal((await fetch(url)).status, 401)
    const answer = await control('/metrics')
    assert.equal(answer.status, 200)
    const readings = parseExposition(await answer.text())
    const value = (name: string, labels: Record<string, string> = {}) => readingOf(readings, name, labels)
    assert.equal(value('mainstay_services', { state: 'ready' }), 2)
    assert.equal(value('mainstay_operations', { kind: 'create', state: 'succeeded' }), 2)
    assert.equal(value('mainstay_region_capacity_used', { region: 'west-us', kind: 'shared_slots' }), 1)
    assert.equal(value('mainstay_region_hosts', { region: 'east-us' }), 1)
    assert.equal(value('mainstay_server_standby_standing', { server: 'sql-west-us', standing: 'ready' }), 1)
    assert.ok((value('mainstay_server_epoch', { server: 'sql-west-us' }) ?? 0) >= 1)
    assert.ok((value('mainstay_server_standby_lag_bytes', { server: 'sql-west-us' }) ?? -1) >= 0)
    assert.ok((value('mainstay_server_lease_age_seconds', { server: 'sql-west-us' }) ?? 99) < 10)
    for (const role of ['host', 'gateway']) {
      assert.ok((value('mainstay_machine_heartbeat_age_seconds', { role }) ?? 99) < 10, role)
    }
    assert.equal(value('mainstay_control_executing'), 1)
    assert.equal(value('mainstay_control_is_executor'), 1)
    assert.equal(value('mainstay_control_database_up'), 1)
    assert.ok((value('mainstay_control_archive_age_seconds') ?? -1) >= 0)
    assert.ok((value('mainstay_desired_version') ?? 0) > 1)
    assert.ok((value('process_resident_memory_bytes') ?? 0) > 1_000_000)
    assert.equal(readingOf(await readRole('control'), 'mainstay_services', { state: 'ready' }), 2)
  })

  test('gateway and host count the requests of apps, and tell of leases and epochs', async () => {
    for (let count = 0; count < 3; count += 1) await (await cloud.app(primary, '/tables/TodoItem')).arrayBuffer()
    const refused = await cloud.app(primary, '/tables/TodoItem', { headers: { 'x-zumo-application': 'wrong' } })
    assert.equal(refused.status, 401)
    const service = 'primaryservice'
    await untilRole('gateway', 'mainstay_gateway_requests_total', { service, status: '2xx' }, 3)
    await untilRole('gateway', 'mainstay_gateway_requests_total', { service, status: '4xx' }, 1)
    const gateway = await readRole('gateway')
    assert.ok((readingOf(gateway, 'mainstay_gateway_request_duration_seconds_count') ?? 0) >= 4)
    assert.equal(readingOf(gateway, 'mainstay_gateway_requests_in_flight'), 0)
    assert.equal(readingOf(gateway, 'mainstay_gateway_refusals_total', { reason: 'lost' }), 0)
    assert.ok((readingOf(gateway, 'mainstay_gateway_route_epoch', { service }) ?? 0) >= 1)
    assert.ok((readingOf(gateway, 'mainstay_gateway_probe_silence_seconds', { target: 'host' }) ?? 99) < 10)

    await untilRole('host-west-us', 'mainstay_runtime_requests_total', { service, status: '2xx' }, 3)
    const host = await readRole('host-west-us')
    const server = 'sql-west-us'
    assert.equal(readingOf(host, 'mainstay_host_server_state', { server, role: 'primary', state: 'running' }), 1)
    const remaining = readingOf(host, 'mainstay_host_lease_remaining_seconds', { server }) ?? -1
    assert.ok(remaining >= 0 && remaining <= 4, `${remaining} s of the lease are left`)
    assert.ok((readingOf(host, 'mainstay_host_proofs_received_total', { server }) ?? 0) > 0)
    assert.equal(readingOf(host, 'mainstay_host_server_fences_total', { server }), 0)
    assert.equal(readingOf(host, 'mainstay_host_runtime_processes', { runtime: 'shared' }), 1)
    assert.ok((readingOf(host, 'mainstay_runtime_memory_bytes', { runtime: 'shared' }) ?? 0) > 1_000_000)
    assert.ok((readingOf(host, 'mainstay_runtime_connections', { runtime: 'shared' }) ?? 0) >= 1)
    const proofs = readingOf(await readRole('host-east-us'), 'mainstay_host_proofs_given_total', { server })
    assert.ok((proofs ?? 0) > 0)
  })

  test('metrics are not on the public port', async () => {
    assert.equal((await fetch(`${cloud.gatewayUrl}/metrics`)).status, 404)
  })

  test('a request keeps the id that its app gave it, in the answer and in the lines of its script', async () => {
    const body = JSON.stringify({ text: SCRIPT })
    const path = `/api/v1/services/PrimaryService/scripts/${encodeURIComponent('table/TodoItem.read')}`
    const uploaded = await control(path, { 'content-type': 'application/json' }, { method: 'PUT', body })
    assert.ok(uploaded.ok, await uploaded.text())
    const answer = await waitFor(
      'the script to run',
      async () => {
        const one = await cloud.app(primary, '/tables/TodoItem', { headers: { 'x-request-id': 'order-17.a' } })
        await one.arrayBuffer()
        const lines = await logOf('host-west-us')
        return lines.some(({ msg, requestId }) => msg === 'reading' && requestId === 'order-17.a') ? one : undefined
      },
      { withinMs: 20_000, everyMs: 100 },
    )
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('x-request-id'), 'order-17.a')
    const other = await cloud.app(primary, '/tables/TodoItem', { headers: { 'x-request-id': 'not allowed!' } })
    assert.match(other.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/)
    const lost = await fetch(`${cloud.gatewayUrl}/services/nobody/tables/x`, { headers: { 'x-request-id': 'lost-1' } })
    assert.equal(lost.status, 404)
    assert.equal(lost.headers.get('x-request-id'), 'lost-1')
  })

  test('a change can be followed from its call through its operation to the machines', async () => {
    const init = { method: 'POST', body: JSON.stringify({ name: 'Third', location: 'West US' }) }
    const headers = { 'content-type': 'application/json', 'x-request-id': 'call-1' }
    const answer = await control('/api/v1/services', headers, init)
    assert.equal(answer.status, 202)
    assert.equal(answer.headers.get('x-request-id'), 'call-1')
    const { id } = (await answer.json()) as OperationView
    const call = await untilLogged('control', ({ requestId }) => requestId === 'call-1')
    assert.equal(call.operation, id)
    await untilLogged('control', ({ msg, operation, state }) => {
      return msg === 'operation ended' && operation === id && state === 'succeeded'
    })
    const counted = parseExposition(await (await control('/metrics')).text())
    const labels = { kind: 'create', state: 'succeeded' }
    // Of the only creation since this control was started.
    assert.equal(readingOf(counted, 'mainstay_operation_duration_seconds_count', labels), 1)
    await untilLogged('control', ({ operation, step }) => operation === id && step === 'database')
    await untilLogged('host-west-us', ({ operations }) => Array.isArray(operations) && operations.includes(id))
  })
})
