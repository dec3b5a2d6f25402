// How the scheduled jobs of a service went: rows in its own schema, so that they go wherever its data goes.

import type { JobRun, RunState } from '../contract/scheduled-job.ts'
import { JOB_RUNS_TABLE } from '../contract/table-format.ts'
import { quoteIdentifier } from '../kit/identifiers.ts'
import { JOB_RUNS_KEPT_MAX, JOB_SILENT_MS } from '../kit/limits.ts'
import type { AppDatabase, Work } from './app-database.ts'

const ALIVE = `seen_at > clock_timestamp() - interval '${JOB_SILENT_MS} milliseconds'`

/** Of each job: what was due last (milliseconds since 1970), and under which epoch a run was noted last. */
export type Noted = { lastDue: Map<string, number>; epochs: Map<string, number> }
/** `taken`: another process has it. */
export type Claim = { kind: 'claimed'; id: string } | { kind: 'overlaps' } | { kind: 'taken' }

type RunRow = {
  job: string
  due: string | null
  started: string
  finished: string | null
  state: RunState
  note: string | null
  output: string
}

const COLUMNS = `job, ${iso('due_at')} as due, ${iso('started_at')} as started, ${iso('finished_at')} as finished,
  state, note, output`

export class JobStore {
  readonly #database: AppDatabase
  readonly #table: string

  constructor(database: AppDatabase, schema: string) {
    this.#database = database
    this.#table = `${quoteIdentifier(schema)}.${quoteIdentifier(JOB_RUNS_TABLE)}`
  }

  async noted(work: Work): Promise<Noted> {
    const text = `select job, (extract(epoch from max(due_at)) * 1000)::float8 as due, max(epoch)::text as epoch
                    from ${this.#table} group by job`
    const rows = await this.#database.run<{ job: string; due: number | null; epoch: string }>(
      { text, values: [], isWrite: false },
      work,
    )
    const lastDue = new Map(rows.flatMap(({ job, due }) => (due === null ? [] : [[job, due] as const])))
    return { lastDue, epochs: new Map(rows.map(({ job, epoch }) => [job, Number(epoch)])) }
  }

  /**
   * Takes a run for this process: of what was due at `dueMs`, or of what somebody asked for (null). `mayOverlap` false:
   * what is due while another goes on is noted as skipped, and what was asked for is not done.
   */
  async claim(
    wanted: { job: string; dueMs: number | null; epoch: number; note: string | null; mayOverlap: boolean },
    work: Work,
  ): Promise<Claim> {
    const { job, dueMs, epoch, note, mayOverlap } = wanted
    const isSecond = `not $4::boolean and exists (select 1 from ${this.#table} where job = $1 and state = 'running' and epoch >= $5::bigint and ${ALIVE})`
    const text = `
      with judged as (select ${isSecond} as is_second)
      insert into ${this.#table} (job, due_at, state, seen_at, finished_at, note, epoch)
      select $1, to_timestamp($2::float8 / 1000), case when is_second then 'skipped' else 'running' end, clock_timestamp(),
             case when is_second then clock_timestamp() end,
             case when is_second then 'another run of it was going on' else $3 end, $5::bigint
        from judged where not is_second or $2::float8 is not null
      on conflict (job, due_at) do nothing
      returning id::text as id, state`
    const values = [job, dueMs === null ? null : String(dueMs), note, String(mayOverlap), String(epoch)]
    const [row] = await this.#database.transaction(work, async (connection) => {
      // One after the other: whoever comes second sees the first one's row.
      const turn = 'select pg_advisory_xact_lock(hashtextextended($1, 0))'
      await connection.query({ text: turn, values: [`${this.#table} ${job}`], isWrite: false })
      return await connection.query<{ id: string; state: RunState }>({ text, values, isWrite: true })
    })
    if (row?.state === 'running') return { kind: 'claimed', id: row.id }
    return { kind: row || dueMs === null ? 'overlaps' : 'taken' }
  }

  /** Notes that what was due did not run, and why. */
  async skip(wanted: { job: string; dueMs: number; epoch: number; note: string }, work: Work): Promise<void> {
    const text = `insert into ${this.#table} (job, due_at, state, seen_at, finished_at, note, epoch)
                  values ($1, to_timestamp($2::float8 / 1000), 'skipped', clock_timestamp(), clock_timestamp(), $3, $4)
                  on conflict (job, due_at) do nothing`
    const { job, dueMs, epoch, note } = wanted
    await this.#database.run({ text, values: [job, String(dueMs), note, String(epoch)], isWrite: true }, work)
  }

  /** Says that a run still goes on. */
  async touch(id: string, work: Work): Promise<void> {
    const text = `update ${this.#table} set seen_at = clock_timestamp() where id = $1`
    await this.#database.run({ text, values: [id], isWrite: true }, work)
  }

  /** Notes how a run ended, also where it was given up for lost meanwhile; forgets the oldest. */
  async finish(
    run: { id: string; job: string },
    { state, note, output }: { state: RunState; note: string | null; output: string },
    work: Work,
  ): Promise<void> {
    const text = `update ${this.#table}
                     set state = $2, finished_at = clock_timestamp(), note = coalesce($3, note), output = $4
                   where id = $1 and state in ('running', 'lost')`
    // PostgreSQL keeps no zero characters.
    const kept = output.replaceAll('\0', '\ufffd')
    await this.#database.run({ text, values: [run.id, state, note, kept], isWrite: true }, work)
    const old = `delete from ${this.#table} where job = $1 and id <=
      (select id from ${this.#table} where job = $1 order by id desc offset ${JOB_RUNS_KEPT_MAX} limit 1)`
    await this.#database.run({ text: old, values: [run.job], isWrite: true }, work)
  }

  /** Flags runs whose process is not heard any more, or that a home before this epoch began: that one is shut out. */
  async markLost(epoch: number, work: Work): Promise<void> {
    const text = `update ${this.#table}
                     set state = 'lost', finished_at = clock_timestamp(),
                         note = concat_ws('; ', note, 'its process ended: it may have done all, part or none')
                   where state = 'running' and (epoch < $1::bigint or not (${ALIVE}))`
    await this.#database.run({ text, values: [String(epoch)], isWrite: true }, work)
  }

  /** The newest runs of a job, the newest first; of null the newest one of each. */
  async runs(job: string | null, top: number, work: Work): Promise<JobRun[]> {
    const text =
      job === null
        ? `select distinct on (job) ${COLUMNS} from ${this.#table} order by job, id desc`
        : `select ${COLUMNS} from ${this.#table} where lower(job) = lower($1) order by id desc limit ${top}`
    const values = job === null ? [] : [job]
    const rows = await this.#database.run<RunRow>({ text, values, isWrite: false }, work)
    return rows.map(({ due, started, finished, ...run }) => {
      return { ...run, dueAt: due, startedAt: started, finishedAt: finished }
    })
  }
}

function iso(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}
