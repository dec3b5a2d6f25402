// How servers and machines stood: looked at every few seconds, kept as count, sum, lowest and highest of a period.
import { type Kysely, sql } from 'kysely'
import type { MeasuresView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { MEASURE_UNITS, MEASURES, type Measure } from '../contract/measure.ts'
import { SPAN_SECONDS, type Span } from '../contract/span.ts'
import { beginOf, PERIODS, pointsOf, thinningsAt } from './periods.ts'

type Db = Kysely<ControlDatabase>

/** What is measured of what. `server` is the name of a server, `machine` that of a machine. */
export type MeasureOf = { kind: 'server' | 'machine'; subject: string; measure: Measure }
export type Sample = MeasureOf & { value: number }

type Kept = MeasureOf & { atMs: number; n: number; total: number; low: number; high: number }

const [FINEST] = PERIODS

/** Samples since they were last written down. */
export class MeasureKeeper {
  #kept = new Map<string, Kept>()

  /** Keeps what was seen at a moment, milliseconds since 1970. */
  note(samples: Sample[], nowMs: number): void {
    const atMs = beginOf(nowMs, FINEST.seconds)
    for (const { value, ...of } of samples) {
      const key = JSON.stringify([atMs, of.kind, of.subject, of.measure])
      const kept = this.#kept.get(key) ?? { ...of, atMs, n: 0, total: 0, low: value, high: value }
      kept.n += 1
      kept.total += value
      kept.low = Math.min(kept.low, value)
      kept.high = Math.max(kept.high, value)
      this.#kept.set(key, kept)
    }
  }

  /** Writes all of it down, beside what is there already. What could not be written is lost: newer numbers come. */
  async write(db: Db): Promise<void> {
    const rows = [...this.#kept.values()].map(({ atMs, ...row }) => {
      return { ...row, period_s: FINEST.seconds, at: new Date(atMs) }
    })
    this.#kept = new Map()
    if (rows.length === 0) return
    await db
      .insertInto('measures')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['kind', 'subject', 'measure', 'period_s', 'at']).doUpdateSet({
          n: sql`measures.n + excluded.n`,
          total: sql`measures.total + excluded.total`,
          low: sql`least(measures.low, excluded.low)`,
          high: sql`greatest(measures.high, excluded.high)`,
        }),
      )
      .execute()
  }
}

/** What was measured of one server or machine over a span: points where there is something, the oldest first. */
export async function readMeasures(
  db: Db,
  of: Omit<MeasureOf, 'measure'>,
  wanted: { over: Span; nowMs: number },
): Promise<MeasuresView> {
  const { over, nowMs } = wanted
  const { point } = SPAN_SECONDS[over]
  const [fromMs = nowMs] = pointsOf(over, nowMs)
  const rows = await db
    .selectFrom('measures')
    .select(['measure', sql<Date>`date_bin(make_interval(secs => ${point}), at, 'epoch')`.as('point')])
    .select([
      sql<number>`sum(total) / sum(n)`.as('mean'),
      sql<number>`min(low)`.as('low'),
      sql<number>`max(high)`.as('high'),
    ])
    .where('kind', '=', of.kind)
    .where('subject', '=', of.subject)
    .where('at', '>=', new Date(fromMs))
    .groupBy(['measure', 'point'])
    .orderBy('point')
    .execute()
  const byMeasure = Map.groupBy(rows, ({ measure }) => measure)
  const series = MEASURES.flatMap((name) => {
    const found = byMeasure.get(name)
    if (!found) return []
    const points = found.map((row) => ({ at: row.point.toISOString(), mean: row.mean, low: row.low, high: row.high }))
    return [{ measure: name, unit: MEASURE_UNITS[name], points }]
  })
  return {
    subject: of.subject,
    over,
    pointSeconds: point,
    from: new Date(fromMs).toISOString(),
    to: new Date(nowMs).toISOString(),
    series,
  }
}

/** Makes what is old coarser, and drops what is too old. */
export async function thinMeasures(db: Db, nowMs: number): Promise<void> {
  for (const { seconds, beforeMs, into } of thinningsAt(nowMs)) {
    const before = new Date(beforeMs)
    if (into === null) {
      await db.deleteFrom('measures').where('period_s', '=', seconds).where('at', '<', before).execute()
    } else {
      await sql`with finer as (
          delete from measures where period_s = ${seconds} and at < ${before} returning *
        )
        insert into measures (kind, subject, measure, period_s, at, n, total, low, high)
        select kind, subject, measure, ${into}::integer, date_bin(make_interval(secs => ${into}), at, 'epoch'),
          sum(n), sum(total), min(low), max(high)
        from finer group by 1, 2, 3, 4, 5
        on conflict (kind, subject, measure, period_s, at) do update set n = measures.n + excluded.n,
          total = measures.total + excluded.total, low = least(measures.low, excluded.low),
          high = greatest(measures.high, excluded.high)`.execute(db)
    }
  }
}
