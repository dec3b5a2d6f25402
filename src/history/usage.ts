// The requests of apps by service, as gateways told them: written, thinned, and read as points in time.
import type { Kysely } from 'kysely'
import type { UsageView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { SPAN_SECONDS, type Span } from '../contract/span.ts'
import type { UsageReport } from '../contract/usage.ts'
import { Distinct } from '../kit/distinct.ts'
import { addLatencies, type Latencies, latencyAt, noLatencies } from '../kit/latencies.ts'
import { THIN_PERIODS_AT_ONCE, USAGE_AHEAD_MS_MAX } from '../kit/limits.ts'
import { beginOf, PERIODS, pointsOf, type Thinning, thinningsAt } from './periods.ts'

type Db = Kysely<ControlDatabase>

/** As a row has it, once read. */
type Counts = { requests: number; errors: number; bytesOut: number; latencies: Latencies; devices: Distinct }

const MINUTE_MS = 60_000
const [FINEST] = PERIODS

/** Writes what a gateway told; told again it counts once. What is of no service here, or of no time, is left out. */
export async function noteUsage(db: Db, { machine, run, minutes }: UsageReport, nowMs: number): Promise<void> {
  const services = await db.selectFrom('services').select(['id', 'name']).where('state', '!=', 'deleted').execute()
  const idOf = new Map(services.map(({ id, name }) => [name.toLowerCase(), id]))
  const rows = minutes.flatMap((one) => {
    const id = idOf.get(one.service.toLowerCase())
    const atMs = one.minute * MINUTE_MS
    const devices = one.devices === null ? null : Buffer.from(one.devices, 'base64')
    const isOfNow = atMs >= oldestMs(nowMs) && atMs < nowMs + USAGE_AHEAD_MS_MAX
    if (id === undefined || !isOfNow || !isSound(one.latencies, devices)) return []
    return [
      {
        // A name that was taken anew, in other letters, is told apart within a minute.
        ...{ service_id: id, period_s: FINEST.seconds, at: new Date(atMs), source: `${machine} ${run} ${one.service}` },
        ...{ requests: String(one.requests), errors: String(one.errors), bytes_out: String(one.bytesOut) },
        ...{ latencies: one.latencies, devices },
      },
    ]
  })
  if (rows.length === 0) return
  await db
    .insertInto('usage')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(['service_id', 'period_s', 'at', 'source'])
        .doUpdateSet((row) => ({
          requests: row.ref('excluded.requests'),
          errors: row.ref('excluded.errors'),
          bytes_out: row.ref('excluded.bytes_out'),
          latencies: row.ref('excluded.latencies'),
          devices: row.ref('excluded.devices'),
        }))
        // An older one may come later, by another way.
        .whereRef('excluded.requests', '>=', 'usage.requests'),
    )
    .execute()
}

/** The requests of one service over a span, every point of it, and all together. */
export async function readUsage(
  db: Db,
  service: { id: string; name: string },
  wanted: { over: Span; nowMs: number },
): Promise<UsageView> {
  const { over, nowMs } = wanted
  const { point } = SPAN_SECONDS[over]
  const points = new Map(pointsOf(over, nowMs).map((atMs) => [atMs, nothing()]))
  const [fromMs = nowMs] = points.keys()
  const rows = await db
    .selectFrom('usage')
    .selectAll()
    .where('service_id', '=', service.id)
    .where('at', '>=', new Date(fromMs))
    .execute()
  const total = nothing()
  for (const row of rows) {
    const counts = countsOf(row)
    // One whose gateway's clock is ahead belongs to none yet.
    const into = points.get(beginOf(row.at.getTime(), point))
    if (!into) continue
    add(into, counts)
    add(total, counts)
  }
  return {
    service: service.name,
    over,
    pointSeconds: point,
    from: new Date(fromMs).toISOString(),
    to: new Date(nowMs).toISOString(),
    total: view(total),
    points: [...points].map(([atMs, counts]) => ({ at: new Date(atMs).toISOString(), ...view(counts) })),
  }
}

/** Makes what is old coarser, and drops what is too old. Each period in a transaction of its own. */
export async function thinUsage(db: Db, nowMs: number): Promise<void> {
  let left = THIN_PERIODS_AT_ONCE
  for (const thinning of thinningsAt(nowMs)) {
    while (left > 0 && (await thinOldest(db, thinning))) left -= 1
  }
}

// False when there is nothing left to do.
async function thinOldest(db: Db, { seconds, beforeMs, into }: Thinning): Promise<boolean> {
  const due = db.selectFrom('usage').where('period_s', '=', seconds).where('at', '<', new Date(beforeMs))
  if (into === null) {
    await db.deleteFrom('usage').where('period_s', '=', seconds).where('at', '<', new Date(beforeMs)).execute()
    return false
  }
  const oldest = (await due.select('at').orderBy('at').limit(1).executeTakeFirst())?.at
  if (oldest === undefined) return false
  const beginMs = beginOf(oldest.getTime(), into)
  const [begin, end] = [new Date(beginMs), new Date(beginMs + into * 1_000)]
  await db.transaction().execute(async (trx) => {
    const finer = await trx
      .deleteFrom('usage')
      .where('period_s', '=', seconds)
      .where('at', '>=', begin)
      .where('at', '<', end)
      .returningAll()
      .execute()
    // What a gateway could not tell for hours comes to what was thinned before.
    const coarser = await trx
      .deleteFrom('usage')
      .where('period_s', '=', into)
      .where('at', '=', begin)
      .returningAll()
      .execute()
    const merged = new Map<string, Counts>()
    for (const row of [...coarser, ...finer]) {
      const counts = merged.get(row.service_id) ?? nothing()
      add(counts, countsOf(row))
      merged.set(row.service_id, counts)
    }
    const rows = [...merged].map(([serviceId, counts]) => ({
      ...{ service_id: serviceId, period_s: into, at: begin, source: '' },
      requests: String(counts.requests),
      errors: String(counts.errors),
      bytes_out: String(counts.bytesOut),
      latencies: counts.latencies,
      devices: counts.devices.count === 0 ? null : Buffer.from(counts.devices.encode()),
    }))
    if (rows.length > 0) await trx.insertInto('usage').values(rows).execute()
  })
  return true
}

// What could not be added later would stop all thinning.
function isSound(latencies: unknown, devices: Buffer | null): boolean {
  if (!Array.isArray(latencies) || latencies.length !== noLatencies().length) return false
  if (!latencies.every((count) => Number.isSafeInteger(count) && count >= 0)) return false
  try {
    if (devices) Distinct.decode(devices)
    return true
  } catch {
    return false
  }
}

function oldestMs(nowMs: number): number {
  return nowMs - Math.max(...PERIODS.map(({ keptMs }) => keptMs))
}

function nothing(): Counts {
  return { requests: 0, errors: 0, bytesOut: 0, latencies: noLatencies(), devices: new Distinct() }
}

function countsOf(row: {
  requests: string
  errors: string
  bytes_out: string
  latencies: number[]
  devices: Buffer | null
}): Counts {
  return {
    requests: Number(row.requests),
    errors: Number(row.errors),
    bytesOut: Number(row.bytes_out),
    latencies: row.latencies,
    devices: row.devices === null ? new Distinct() : Distinct.decode(row.devices),
  }
}

function add(to: Counts, counts: Counts): void {
  to.requests += counts.requests
  to.errors += counts.errors
  to.bytesOut += counts.bytesOut
  addLatencies(to.latencies, counts.latencies)
  to.devices.merge(counts.devices)
}

function view({ requests, errors, bytesOut, latencies, devices }: Counts): UsageView['total'] {
  const [medianMs, p99Ms] = [latencyAt(latencies, 0.5), latencyAt(latencies, 0.99)]
  return { requests, errors, bytesOut, medianMs, p99Ms, devices: devices.count }
}
