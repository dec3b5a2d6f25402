// The machines out there: tells each what it is to do, asks how it stands, and probes services through them.
import type { Readable } from 'node:stream'
import type { Kysely } from 'kysely'
import type { Pool } from 'undici'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { GatewayTraffic, HostFacts, ProbeAnswer } from '../contract/facts.ts'
import type { HostCondition } from '../contract/host-condition.ts'
import {
  EPOCH_HEADER,
  INTERNAL_HEADER,
  ORDERS_PROTOCOL,
  PROBE_PATH,
  PUBLIC_PROTOCOL,
  RUNTIME_PROTOCOL,
  SERVICE_HEADER,
  SERVICES_PATH,
} from '../contract/protocols.ts'
import { waitFor } from '../kit/clock.ts'
import type { Door } from '../kit/door.ts'
import { callThrough, type DoorCall, doorPool, streamThrough } from '../kit/door-http.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import {
  CHECKPOINT_MS_MAX,
  GATEWAY_CALL_MS_MAX,
  GATEWAY_SILENT_MS,
  HEARTBEAT_SILENT_MS,
  REGION_CALL_MS_MAX,
} from '../kit/limits.ts'
import { SharedTurn } from '../kit/shared-turn.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import type { Field, HostOrder, ProbeTarget } from '../regions/field.ts'
import type { Capacity } from '../regions/ledger.ts'
import { listMachines, type Machine } from '../regions/regions.ts'
import { deriveGatewayAssignment, deriveHostAssignment, type OpenSecret } from './assignments.ts'
import { readSnapshot, type Snapshot } from './snapshot.ts'

export type FieldDeps = {
  db: Kysely<ControlDatabase>
  door: Door
  board: FactBoard
  open: OpenSecret
  /** True while nobody may be told anything: the rows may be older than what the machines know. */
  isHeld: () => boolean
}

/** A call to a service's runtime by its operator. */
export type RuntimeCall = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  body?: unknown
  headers?: Record<string, string>
}
export type RuntimeAnswer = { status: number; body: unknown }

type Line = { at: string; pool: Pool }

export class MachineField implements Field {
  readonly #deps: FieldDeps
  readonly #lines = new Map<string, Line>()
  readonly #pushing = new SharedTurn(async () => await this.#pushNow())
  /** A hundred operations wait for one host at once: it is asked for all of them together. */
  readonly #asking = new Map<string, SharedTurn<HostFacts>>()
  /** What every machine took last; nothing is to be told before that version has passed. */
  #told = { version: -1, unreached: [] as string[] }

  constructor(deps: FieldDeps) {
    this.#deps = deps
  }

  /** As Field.push; calls that come while one is under way share the next one. */
  async push(): Promise<{ unreached: string[] }> {
    return await this.#pushing.take()
  }

  async askHost(machine: string): Promise<HostFacts> {
    let turn = this.#asking.get(machine)
    if (!turn) {
      turn = new SharedTurn(async () => await this.#askNow(machine))
      this.#asking.set(machine, turn)
    }
    return await turn.take()
  }

  /** As Field.awaitHost. What the board knows of positions is newer. */
  async awaitHost(machine: string, condition: HostCondition): Promise<HostFacts> {
    return await this.#factsAt(machine, `/facts?when=${encodeURIComponent(JSON.stringify(condition))}`)
  }

  /** One order to a machine. Faults with `door.unreachable` at once when it is known to be lost. */
  async order(machine: string, call: HostOrder): Promise<unknown> {
    return await this.#order(machine, { timeoutMs: REGION_CALL_MS_MAX, ...call })
  }

  /** As `order`, with a stream in or out that takes as long as it is large. */
  async stream(
    machine: string,
    call: { method: 'GET' | 'POST'; path: string; body?: Readable; type?: string },
  ): Promise<Readable> {
    if (!this.isReachable(machine)) throw unreachable(machine)
    return await streamThrough(this.#line(await this.#machine(machine), ORDERS_PROTOCOL, 'orders'), call)
  }

  async settle(): Promise<void> {
    const { board, db } = this.#deps
    const isSettled = () => board.openForMs >= HEARTBEAT_SILENT_MS
    if (isSettled()) return
    const hosts = (await listMachines(db)).filter((machine) => machine.role === 'host')
    const check = () => (isSettled() || hosts.every(({ name }) => board.hasHeardHost(name)) ? true : undefined)
    await waitFor('the hosts to be heard', check, { withinMs: 2 * HEARTBEAT_SILENT_MS })
  }

  isReachable(machine: string): boolean {
    return this.#deps.board.isReachable(machine)
  }

  offerOf(machine: string): Partial<Capacity> {
    return this.#deps.board.offerOf(machine)
  }

  async gateways(): Promise<{ live: string[]; late: string[] }> {
    const live = this.#deps.board.gateways().filter(({ silentMs }) => silentMs < GATEWAY_SILENT_MS)
    const names = new Set(live.map(({ facts }) => facts.machine))
    const known = (await listMachines(this.#deps.db)).filter(
      ({ role, revoked_at }) => role === 'gateway' && !revoked_at,
    )
    return { live: [...names], late: known.map(({ name }) => name).filter((name) => !names.has(name)) }
  }

  async countUnderWay(services: string[]): Promise<number> {
    const { live } = await this.gateways()
    const counts = await Promise.all(
      live.map(async (name) => {
        const line = this.#line(await this.#machine(name), ORDERS_PROTOCOL, 'orders')
        const call = { method: 'GET' as const, path: '/traffic', timeoutMs: GATEWAY_CALL_MS_MAX }
        const { underWay } = (await callThrough(line, call)) as GatewayTraffic
        return services.reduce((sum, service) => sum + (underWay[service.toLowerCase()] ?? 0), 0)
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async checkpoint(machine: string, server: string): Promise<void> {
    const path = `/servers/${server}/checkpoint`
    await this.#order(machine, { method: 'POST', path, timeoutMs: CHECKPOINT_MS_MAX })
  }

  async probeRuntime(target: ProbeTarget): Promise<ProbeAnswer> {
    const machine = await this.#machine(target.machine)
    const pool = this.#line(machine, RUNTIME_PROTOCOL, target.runtime)
    const headers = { [SERVICE_HEADER]: target.service.toLowerCase(), [EPOCH_HEADER]: String(target.epoch) }
    return await probe(pool, PROBE_PATH, headers, target)
  }

  async probeThroughGateway(gateway: string, target: ProbeTarget): Promise<ProbeAnswer> {
    const pool = this.#line(await this.#machine(gateway), PUBLIC_PROTOCOL, 'public')
    const path = `${SERVICES_PATH}${target.service.toLowerCase()}${PROBE_PATH}`
    return await probe(pool, path, { host: 'localhost' }, target)
  }

  /** One call to a service's runtime as its master key may, and as its operator: status and body as they are. */
  async askRuntime(target: ProbeTarget, call: RuntimeCall): Promise<RuntimeAnswer> {
    const pool = this.#line(await this.#machine(target.machine), RUNTIME_PROTOCOL, target.runtime)
    const headers = {
      'x-zumo-master': target.masterKey,
      [SERVICE_HEADER]: target.service.toLowerCase(),
      [EPOCH_HEADER]: String(target.epoch),
      [INTERNAL_HEADER]: '1',
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...call.headers,
    }
    const body = call.body === undefined ? null : JSON.stringify(call.body)
    const { method, path } = call
    try {
      const answer = await pool.request({
        method,
        path,
        headers,
        body,
        signal: AbortSignal.timeout(REGION_CALL_MS_MAX),
      })
      const text = await answer.body.text()
      return { status: answer.statusCode, body: text === '' ? null : JSON.parse(text) }
    } catch (error) {
      const message = `no answer from ${target.service} on ${target.machine}: ${messageOf(error)}`
      throw new Fault('door.unreachable', 503, message)
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lines.values()].map(async (line) => await line.pool.destroy()))
  }

  async #askNow(machine: string): Promise<HostFacts> {
    const facts = await this.#factsAt(machine, '/facts')
    this.#deps.board.noteHost(facts)
    return facts
  }

  async #factsAt(machine: string, path: string): Promise<HostFacts> {
    try {
      return (await this.#order(machine, { method: 'GET', path, timeoutMs: REGION_CALL_MS_MAX })) as HostFacts
    } catch (error) {
      if (!(error instanceof Fault && error.code === 'door.unreachable') || !this.isReachable(machine)) throw error
      const message = `${machine} was heard a moment ago and does not answer: ${error.message}`
      throw new Fault('machine.not_answering', 503, message, { hint: 'See: mainstay status', cause: error })
    }
  }

  async #pushNow(): Promise<{ unreached: string[] }> {
    if (this.#deps.isHeld()) return { unreached: [] }
    // A machine that forgot what it took says so in its heartbeat, and is told again in the answer.
    if (this.#told.unreached.length === 0 && this.#told.version === (await this.#version())) return this.#told
    const snapshot = await readSnapshot(this.#deps.db)
    const unreached: string[] = []
    await Promise.all(
      snapshot.machines.map(async (machine) => {
        if (machine.role === 'control' || !machine.port || machine.revoked_at !== null) return
        const isHeard = machine.role === 'host' ? this.isReachable(machine.name) : this.#isGatewayLive(machine.name)
        // Those that are silent learn it with their next heartbeat; nobody waits for them.
        if (!isHeard) return unreached.push(machine.name)
        const body = this.assignmentFor(snapshot, machine)
        if (!body) return
        const pool = this.#line(machine, ORDERS_PROTOCOL, 'orders')
        const call = { method: 'PUT' as const, path: '/assignment', body, timeoutMs: GATEWAY_CALL_MS_MAX }
        await callThrough(pool, call).catch(() => unreached.push(machine.name))
      }),
    )
    this.#told = { version: snapshot.version, unreached }
    return { unreached }
  }

  async #version(): Promise<number> {
    return Number((await this.#deps.db.selectFrom('desired').select('version').executeTakeFirstOrThrow()).version)
  }

  /** What a machine is to do, as of a snapshot. */
  assignmentFor(snapshot: Snapshot, machine: Machine) {
    if (machine.role === 'host') return deriveHostAssignment(snapshot, machine.name, this.#deps.open)
    return deriveGatewayAssignment(snapshot, machine.name, this.#deps.open)
  }

  async #order(machine: string, call: DoorCall): Promise<unknown> {
    if (!this.isReachable(machine)) throw unreachable(machine)
    return await callThrough(this.#line(await this.#machine(machine), ORDERS_PROTOCOL, 'orders'), call)
  }

  async #machine(name: string): Promise<Machine> {
    const found = (await listMachines(this.#deps.db)).find((machine) => machine.name === name)
    if (!found) throw new Fault('machine.unknown', 404, `there is no machine ${name}`)
    return found
  }

  #isGatewayLive(name: string): boolean {
    return this.#deps.board
      .gateways()
      .some(({ facts, silentMs }) => facts.machine === name && silentMs < GATEWAY_SILENT_MS)
  }

  #line(machine: Machine, protocol: string, target: string): Pool {
    const key = `${machine.name} ${protocol} ${target}`
    const at = `${machine.address}:${machine.port}`
    const known = this.#lines.get(key)
    if (known?.at === at) return known.pool
    known?.pool.destroy().catch(() => {})
    const expect = { expectRole: machine.role, expectName: machine.name }
    const to = { address: machine.address ?? '', port: machine.port ?? 0, protocol, target, ...expect }
    const pool = doorPool(this.#deps.door, to, 4)
    this.#lines.set(key, { at, pool })
    return pool
  }
}

function unreachable(machine: string): Fault {
  return new Fault('door.unreachable', 503, `${machine} cannot be reached`, { hint: 'See: mainstay status' })
}

async function probe(
  pool: Pool,
  path: string,
  headers: Record<string, string>,
  target: ProbeTarget,
): Promise<ProbeAnswer> {
  const token = randomId()
  let status: number
  let text: string
  try {
    const answer = await pool.request({
      method: 'POST',
      path,
      headers: { ...headers, 'content-type': 'application/json', 'x-zumo-master': target.masterKey },
      body: JSON.stringify({ token }),
      signal: AbortSignal.timeout(REGION_CALL_MS_MAX),
    })
    status = answer.statusCode
    text = await answer.body.text()
  } catch (error) {
    throw new Fault('probe.failed', 503, `no answer to a probe of ${target.service}: ${messageOf(error)}`)
  }
  if (status !== 200)
    throw new Fault('probe.failed', 503, `a probe of ${target.service} was answered ${status}: ${text.slice(0, 200)}`)
  const answer = JSON.parse(text) as ProbeAnswer
  if (answer.token !== token || answer.epoch !== target.epoch) {
    throw new Fault(
      'probe.failed',
      503,
      `a probe of ${target.service} came back from epoch ${answer.epoch}, not ${target.epoch}`,
    )
  }
  return answer
}
