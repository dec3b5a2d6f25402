// `updatedAt` never goes back, and nobody who reads by it skips a row: sixteen writers by two runtimes, a client of each
// generation that pulls, and in between a promotion onto a server whose clock is ten seconds behind.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { APPS_DATABASE, loginRole } from '../../src/contract/table-format.ts'
import { ensureSchema } from '../../src/databases/app-schema.ts'
import type { Cluster } from '../../src/databases/cluster.ts'
import { setSynchronousStandby } from '../../src/databases/synchronous.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { LostPrimary, SCHEMA, STANDBY_SLOT } from '../support/lost-primary.ts'
import { OfflinePuller, type PulledRow } from '../support/offline-puller.ts'
import { SERVER } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { routed } from '../support/runtime-scenario.ts'

const WRITERS = 16
const TABLE = 'Item'
const AHEAD_MS = 10_000
const SECOND = { 'zumo-api-version': '2.0.0', 'x-zumo-application': 'app-key' }
const FIRST = { 'x-zumo-application': 'app-key' }
/** Each writer goes on writing to so many rows of its own. */
const ROWS_EACH = 6

/** A row as its writer knows it: what was acknowledged last, and what was sent after that and not answered. */
type Known = { n: number; isDeleted: boolean; sent: number | null; updatedAt: string }

let lost: LostPrimary
let runtimes: TestRuntime[]
let service: RuntimeService
const known = new Map<string, Known>()
let acknowledged = 0
let newestAcknowledged = ''
/** What the lost side gave: known once another one serves. */
let newestOfOld = ''
let isOver = false

before(async () => {
  lost = await LostPrimary.start([TABLE], { softDeleteTables: [TABLE] })
  await lost.primary.withClient(
    async (client) => {
      await setClockAhead(client, AHEAD_MS)
      // Acknowledged is only what the standby has.
      await setSynchronousStandby(client, STANDBY_SLOT)
    },
    { database: APPS_DATABASE },
  )
  runtimes = await Promise.all(['a', 'b'].map(async (name) => await TestRuntime.start(lost.folder, name)))
  for (const runtime of runtimes) runtime.setLeases()
  await serveFrom(lost.primary, 1)
})

after(async () => {
  isOver = true
  for (const runtime of runtimes ?? []) await runtime.stop()
  await lost?.stop()
})

test('every acknowledged row is pulled as it was last written, and stamps only rise', {
  timeout: 120_000,
}, async () => {
  const writers = Promise.all(Array.from({ length: WRITERS }, async (_, number) => await writeOn(number)))
  const pullers = ([1, 2] as const).map((generation) => ({ generation, puller: new OfflinePuller(TABLE, generation) }))
  const pulling = Promise.all(
    pullers.map(async ({ generation, puller }) => {
      while (!isOver) {
        await puller.pull(async (path) => await rowsAt(path, generation))
        await pause(5)
      }
    }),
  )
  await untilAcknowledged(600)
  await promoteAndServe()
  await untilAcknowledged(600)
  isOver = true
  await Promise.all([writers, pulling])

  for (const { generation, puller } of pullers) {
    await waitFor(
      `the client of generation ${generation} to have all`,
      async () => {
        await puller.pull(async (path) => await rowsAt(path, generation))
        return differences(puller.rows, generation).length === 0 ? true : undefined
      },
      { withinMs: 20_000 },
    ).catch(() => {})
    assert.deepEqual(differences(puller.rows, generation), [])
    assert.ok(puller.pulls > 5, `${puller.pulls} pulls`)
  }
})

// The stamps of the old side lie ten seconds ahead of the clock here: only what is kept with them can know.
async function promoteAndServe(): Promise<void> {
  // Its clock is its own.
  await lost.promote(async (client) => await setClockAhead(client, 0))
  newestOfOld = newestAcknowledged
  assert.ok(Date.parse(newestOfOld) > Date.now() + AHEAD_MS / 2, `${newestOfOld} is ahead`)
  await serveFrom(lost.standby, 2)
}

// Stamps are given as if the machine's clock were so far ahead.
async function setClockAhead(client: pg.Client, ms: number): Promise<void> {
  await client.query(`create or replace function mainstay.stamp_offset() returns interval language sql immutable
    as 'select interval ''${ms} milliseconds'''`)
}

async function serveFrom(cluster: Cluster, epoch: number): Promise<void> {
  const id = 'a1'
  const password = `password-${epoch}`
  const tables = [{ name: TABLE, permissions: DEFAULT_PERMISSIONS }]
  const login = { serviceId: id, schema: SCHEMA, epoch, loginPassword: password, droppedTables: [] }
  await cluster.withClient(async (client) => await ensureSchema(client, { ...login, tables: [TABLE], state: 'open' }), {
    database: APPS_DATABASE,
  })
  const database = { server: SERVER, serverEpoch: epoch, database: APPS_DATABASE, schema: SCHEMA, remote: null }
  service = {
    ...{ id, name: SCHEMA, epoch, applicationKey: 'app-key', masterKey: 'master-key', isSchemaDynamic: true },
    ...{ generation: 0, scripts: [], scriptFolder: '/nonexistent', tables },
    database: { ...database, user: loginRole(id, epoch), password },
    socketFolder: cluster.socketFolder,
  }
  for (const runtime of runtimes) await runtime.assign([service])
}

async function writeOn(writer: number): Promise<void> {
  const open: string[] = []
  for (let n = 1; !isOver; n += 1) {
    if (open.length < ROWS_EACH) {
      const id = `w${writer}-${n}`
      if (await written(writer, { method: 'POST', path: `/tables/${TABLE}`, body: { id, n } }, { id, n })) open.push(id)
    } else if (n % 9 === 0) {
      const id = open.shift() ?? ''
      await written(writer, { method: 'DELETE', path: `/tables/${TABLE}/${id}` }, { id, n: null })
    } else {
      const id = open[n % open.length] ?? ''
      await written(writer, { method: 'PATCH', path: `/tables/${TABLE}/${id}`, body: { n } }, { id, n })
    }
    await pause(1)
  }
}

// Again until it is answered. An answer that never came may have been a write: then the next one tells that it was.
async function written(writer: number, call: TestCall, { id, n }: { id: string; n: number | null }): Promise<boolean> {
  for (;;) {
    const before = known.get(id)
    if (before && n !== null) before.sent = n
    const { epoch } = service
    const answer = await ask(call, writer, SECOND)
    if (answer !== null && answer.status < 300) {
      const row = JSON.parse(answer.body) as { n: number; updatedAt: string }
      if (epoch === 2) assert.ok(row.updatedAt > newestOfOld, `${row.updatedAt} is not above ${newestOfOld}`)
      note({ id, n: n ?? before?.n ?? row.n, isDeleted: n === null }, row.updatedAt)
      return true
    }
    // It was made by a try whose answer was lost.
    if (answer?.status === 409 || (answer?.status === 404 && n === null)) {
      const row = JSON.parse(answer.status === 409 ? answer.body : '{}') as { updatedAt?: string }
      note({ id, n: n ?? before?.n ?? 0, isDeleted: n === null }, row.updatedAt ?? before?.updatedAt ?? '')
      return n !== null
    }
    if (isOver) return false
    assert.ok(answer === null || answer.status === 503, `${answer?.status} ${answer?.body}`)
    await pause(20)
  }
}

function note({ id, n, isDeleted }: { id: string; n: number; isDeleted: boolean }, updatedAt: string): void {
  const before = known.get(id)
  if (before) assert.ok(updatedAt >= before.updatedAt, `${id} went back: ${before.updatedAt}, then ${updatedAt}`)
  if (updatedAt > newestAcknowledged) newestAcknowledged = updatedAt
  known.set(id, { n, isDeleted, sent: null, updatedAt })
  acknowledged += 1
}

async function ask(call: TestCall, writer: number, headers: Record<string, string>): Promise<TestAnswer | null> {
  const runtime = runtimes[writer % runtimes.length]
  return (await runtime?.call({ ...call, headers: routed(service, headers) }).catch(() => null)) ?? null
}

let turn = 0
async function rowsAt(path: string, generation: 1 | 2): Promise<PulledRow[] | null> {
  turn += 1
  const answer = await ask({ path }, turn, generation === 2 ? SECOND : FIRST)
  return answer?.status === 200 ? (JSON.parse(answer.body) as PulledRow[]) : null
}

function differences(rows: ReadonlyMap<string, PulledRow>, generation: 1 | 2): string[] {
  const deleted = generation === 2 ? 'deleted' : '__deleted'
  return [...known].flatMap(([id, { n, isDeleted, sent }]) => {
    const row = rows.get(id)
    if (!row) return [`${id} was never pulled`]
    // What was sent last and not answered may be there, or not.
    const isLast = row.n === n || (sent !== null && row.n === sent)
    return isLast && row[deleted] === isDeleted ? [] : [`${id} is ${JSON.stringify(row)}, not ${n} (${isDeleted})`]
  })
}

async function untilAcknowledged(count: number): Promise<void> {
  const wanted = acknowledged + count
  await waitFor(`${count} writes`, () => (acknowledged >= wanted ? true : undefined), { withinMs: 60_000 })
}
