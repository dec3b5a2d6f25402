// Messages to the devices of a service as rows of its schema: first the row, then what it asks for, a few devices at a
// time, each few noted before the next. Whoever has claimed a row sends it; whoever finds it unclaimed goes on with it.
import type { PushPlatform, PushSend, PushState } from '../contract/push.ts'
import { PUSH_TABLES } from '../contract/table-format.ts'
import { Fault } from '../kit/fault.ts'
import { quoteIdentifier } from '../kit/identifiers.ts'
import {
  PUSH_CLAIM_MS,
  PUSH_FEEDBACK_MAX,
  PUSH_FEEDBACK_MS,
  PUSH_PAGE_ROWS,
  PUSH_SENDS_KEPT_MAX,
  PUSH_SENDS_SHOWN_MAX,
  PUSH_WAITING_MAX,
} from '../kit/limits.ts'
import type { Device, SubscriptionKeys } from '../push/delivery.ts'
import type { WantedMessage } from '../push/message.ts'
import { parseTagExpression, tagSql } from '../push/tag-expression.ts'
import type { AppDatabase, Work } from './app-database.ts'
import type { ServedService } from './services.ts'

/** A message that this process sends now. `place`: the last device that was seen to. `leftMs`: until it is of no use. */
export type Claimed = {
  id: string
  platform: PushPlatform
  tags: string | null
  wanted: WantedMessage
  ttlS: number | null
  total: number
  upto: string
  place: string
  strikes: number
  turn: number
  leftMs: number
}
/** A device that a message is for. `tries`: null when it is its turn, else how often it was tried before. */
export type Target = {
  id: string
  seq: string
  device: Device
  template: { body: string; headers: Record<string, string> } | null
  tries: number | null
}
/** What came of a few devices. `holdMs`: the platform takes nothing for so long. */
export type Note = {
  place: string
  sent: number
  failed: number
  problem: string | null
  strikes: number
  holdMs: number | null
  /** Those that were tried before and are not to be again. */
  settled: string[]
  later: { id: string; tries: number; ms: number }[]
  dead: { channel: string; reason: string }[]
}

type SendRow = {
  id: string
  platform: PushPlatform
  tags: string | null
  message: WantedMessage
  ttl: number | null
  total: number
  upto: string
  place: string
  strikes: number
  turn: string
  left: number
}
type TargetRow = {
  id: string
  seq: string
  channel: string
  keys: SubscriptionKeys | null
  template: string | null
  headers: Record<string, string>
  tries: number | null
}

const CLAIM = `clock_timestamp() + interval '${PUSH_CLAIM_MS} milliseconds'`
const NOT_OVER = '(r.expires_at is null or r.expires_at > clock_timestamp())'
const SAME_DEVICE = 'md5(t.channel) = md5(x.channel) and t.channel = x.channel and t.platform = x.platform'

export class PushSends {
  readonly #database: AppDatabase
  readonly #registrations: string
  readonly #installations: string
  readonly #sends: string
  readonly #retries: string
  readonly #feedback: string

  constructor({ database, assignment }: Pick<ServedService, 'database' | 'assignment'>) {
    const of = (table: string) => `${quoteIdentifier(assignment.database.schema)}.${quoteIdentifier(table)}`
    this.#database = database
    this.#registrations = of(PUSH_TABLES.registrations)
    this.#installations = of(PUSH_TABLES.installations)
    this.#sends = of(PUSH_TABLES.sends)
    this.#retries = of(PUSH_TABLES.retries)
    this.#feedback = of(PUSH_TABLES.feedback)
  }

  /** Notes a message for all devices of a platform that its tags are for. Faults where too many wait already. */
  async add(
    message: { platform: PushPlatform; wanted: WantedMessage; tags: string | null; ttlS: number | null; ttlMs: number },
    epoch: number,
    work: Work,
  ): Promise<{ id: string; total: number }> {
    const { platform, wanted, tags, ttlS, ttlMs } = message
    const whom = this.#whom({ platform, tags, kind: wanted.kind }, 8)
    const text = `
      insert into ${this.#sends}
        (platform, kind, tags, message, ttl_s, expires_at, epoch, upto, total, state, finished_at)
      select $1, $2, $3, $4::jsonb, $5::int, clock_timestamp() + $6::float8 * interval '1 millisecond', $7::bigint,
             coalesce(max(r.seq), 0), count(*), case when count(*) = 0 then 'done' else 'sending' end,
             case when count(*) = 0 then clock_timestamp() end
        from ${this.#registrations} r
       where ${whom.text}
      having (select count(*) from ${this.#sends} where state = 'sending') < ${PUSH_WAITING_MAX}
      returning id::text as id, total`
    const own = [platform, wanted.kind, tags, JSON.stringify(wanted), ttlS === null ? null : String(ttlS)]
    const values = [...own, String(ttlMs), String(epoch), ...whom.values]
    const [row] = await this.#database.run<{ id: string; total: number }>({ text, values, isWrite: true }, work)
    if (row) return row
    throw new Fault('app.unavailable', 503, `${PUSH_WAITING_MAX} messages wait to be sent already: try again later.`)
  }

  /** Takes a message that is due and that nobody sends; also what a home before this epoch began. */
  async claim(holder: string, epoch: number, work: Work): Promise<Claimed | null> {
    const text = `
      update ${this.#sends} set claimed_by = $1, claimed_until = ${CLAIM}, epoch = $2::bigint
       where id = (select id from ${this.#sends}
                    where state = 'sending' and due_at <= clock_timestamp()
                      and (claimed_until is null or claimed_until < clock_timestamp() or epoch < $2::bigint)
                    order by due_at limit 1 for update skip locked)
      returning id::text as id, platform, tags, message, ttl_s as ttl, total, upto::text as upto, place::text as place,
                strikes, turn::text as turn, (extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as left`
    const [row] = await this.#database.run<SendRow>({ text, values: [holder, String(epoch)], isWrite: true }, work)
    if (!row) return null
    const { message: wanted, ttl: ttlS, left: leftMs, turn, ...rest } = row
    return { ...rest, wanted, ttlS, leftMs, turn: Number(turn) }
  }

  /** In how many milliseconds there is something to send; null: nothing waits. */
  async dueIn(work: Work): Promise<number | null> {
    const text = `select (extract(epoch from min(greatest(due_at, coalesce(claimed_until, due_at))) - clock_timestamp())
      * 1000)::float8 as ms from ${this.#sends} where state = 'sending'`
    const [row] = await this.#database.run<{ ms: number | null }>({ text, values: [], isWrite: false }, work)
    return row?.ms ?? null
  }

  /** The next devices of a message. */
  async targets({ platform, tags, wanted, place, upto }: Claimed, work: Work): Promise<Target[]> {
    const whom = this.#whom({ platform, tags, kind: wanted.kind }, 3)
    const text = `select r.id, r.seq::text as seq, r.channel, r.keys, r.template, r.headers, null::int as tries
        from ${this.#registrations} r
       where r.seq > $1::bigint and r.seq <= $2::bigint and ${whom.text} order by r.seq limit ${PUSH_PAGE_ROWS}`
    const values = [place, upto, ...whom.values]
    return (await this.#database.run<TargetRow>({ text, values, isWrite: false }, work)).map(targetOf)
  }

  /** Devices that are to be tried again now; `nextMs`: when the first of the others is; null: there are none. */
  async retries({ id }: Claimed, work: Work): Promise<{ targets: Target[]; nextMs: number | null }> {
    const from = `from ${this.#retries} q join ${this.#registrations} r on r.id = q.registration where q.send = $1::bigint`
    const text = `select r.id, r.seq::text as seq, r.channel, r.keys, r.template, r.headers, q.tries ${from}
      and q.due_at <= clock_timestamp() order by q.due_at limit ${PUSH_PAGE_ROWS}`
    const rows = await this.#database.run<TargetRow>({ text, values: [id], isWrite: false }, work)
    if (rows.length > 0) return { targets: rows.map(targetOf), nextMs: 0 }
    const next = `select (extract(epoch from min(q.due_at) - clock_timestamp()) * 1000)::float8 as ms ${from}`
    const [row] = await this.#database.run<{ ms: number | null }>({ text: next, values: [id], isWrite: false }, work)
    return { targets: [], nextMs: row?.ms ?? null }
  }

  /**
   * Notes what came of a few devices, removes the dead ones, and keeps the claim, or lets go of it where the platform
   * takes nothing. False when somebody else has the message now. Noting the same again changes nothing.
   */
  async note(claimed: Claimed, holder: string, note: Note, work: Work): Promise<boolean> {
    const { place, sent, failed, problem, strikes, holdMs, settled, later, dead } = note
    const values = [
      ...[claimed.id, holder, String(claimed.turn), place, String(sent), String(failed), String(dead.length)],
      ...[problem, String(strikes), holdMs === null ? null : String(holdMs)],
    ]
    const hold = `$10::float8 * interval '1 millisecond'`
    const mine = `
      update ${this.#sends}
         set place = greatest(place, $4::bigint),
             sent = sent + $5::int, failed = failed + $6::int, dead = dead + $7::int,
             problem = coalesce($8, problem), strikes = $9::int, turn = turn + 1,
             due_at = case when $10::float8 is null then due_at else clock_timestamp() + ${hold} end,
             claimed_by = case when $10::float8 is null then claimed_by end,
             claimed_until = case when $10::float8 is null then ${CLAIM} end
       where id = $1::bigint and claimed_by = $2 and turn = $3::bigint and state = 'sending'
      returning id, platform`
    const parts = [`mine as (${mine})`]
    // For most devices there is nothing else: then nothing else is asked for.
    if (settled.length > 0) parts.push(this.#settledSql(values.push(JSON.stringify(settled))))
    if (later.length > 0) parts.push(this.#laterSql(values.push(JSON.stringify(later))))
    if (dead.length > 0) parts.push(this.#deadSql(values.push(JSON.stringify(dead))))
    const text = `with ${parts.join(', ')} select id from mine`
    const rows = await this.#database.run<{ id: string }>({ text, values, isWrite: true }, work)
    return rows.length > 0 || (await this.#isNoted(claimed, work))
  }

  /** Lets go of a message; it is due again after so long. */
  async release({ id }: Claimed, holder: string, afterMs: number, work: Work): Promise<void> {
    const text = `update ${this.#sends} set claimed_by = null, claimed_until = null,
        due_at = clock_timestamp() + $3::float8 * interval '1 millisecond'
      where id = $1::bigint and claimed_by = $2`
    await this.#database.run({ text, values: [id, holder, String(Math.max(0, afterMs))], isWrite: true }, work)
  }

  /** Notes that nothing more is sent; forgets the oldest. */
  async finish({ id }: Claimed, holder: string, state: Exclude<PushState, 'sending'>, work: Work): Promise<void> {
    const text = `update ${this.#sends}
        set state = $3, finished_at = clock_timestamp(), claimed_by = null, claimed_until = null
      where id = $1::bigint and claimed_by = $2`
    await this.#database.run({ text, values: [id, holder, state], isWrite: true }, work)
    const oldest = (table: string, max: number) =>
      `id <= (select id from ${table} order by id desc offset ${max} limit 1)`
    const olds = [
      `delete from ${this.#retries} where send = ${Number(id)}`,
      `delete from ${this.#sends} where state <> 'sending' and ${oldest(this.#sends, PUSH_SENDS_KEPT_MAX)}`,
      `delete from ${this.#feedback} where ${oldest(this.#feedback, PUSH_FEEDBACK_MAX)}
          or removed_at < clock_timestamp() - interval '${PUSH_FEEDBACK_MS} milliseconds'`,
      `delete from ${this.#registrations} where expires_at < clock_timestamp()`,
    ]
    const [retries, ...others] = olds
    // That one has the number in its text: it is not worth a plan of its own.
    await this.#database.transaction(work, async (connection) => {
      if (retries) await connection.execute(retries)
      for (const old of others) await connection.query({ text: old, values: [], isWrite: true })
    })
  }

  /** The newest messages, the newest first. */
  async list(top: number, work: Work): Promise<PushSend[]> {
    const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
    const text = `select id::text as id, platform, kind, tags, state, ${iso('created_at')} as "createdAt",
        ${iso('finished_at')} as "finishedAt", total, sent, failed, dead, problem
      from ${this.#sends} s order by s.id desc limit ${Math.min(top, PUSH_SENDS_SHOWN_MAX)}`
    return await this.#database.run<PushSend>({ text, values: [], isWrite: false }, work)
  }

  #settledSql(at: number): string {
    return `settled as (
      delete from ${this.#retries} q using mine
       where q.send = mine.id and q.registration in (select jsonb_array_elements_text($${at}::jsonb)))`
  }

  // A registration that goes meanwhile is not held on to.
  #laterSql(at: number): string {
    return `later as (
      insert into ${this.#retries} (send, registration, tries, due_at)
      select mine.id, r.id, x.tries, clock_timestamp() + x.ms * interval '1 millisecond'
        from mine, jsonb_to_recordset($${at}::jsonb) as x (id text, tries int, ms float8)
        join ${this.#registrations} r on r.id = x.id
         for key share of r
      on conflict (send, registration) do update set tries = excluded.tries, due_at = excluded.due_at)`
  }

  #deadSql(at: number): string {
    const from = `from mine, jsonb_to_recordset($${at}::jsonb) as x (channel text, reason text)`
    return `x as materialized (select mine.platform, x.channel, x.reason ${from}),
      buried as (insert into ${this.#feedback} (platform, channel, reason) select platform, channel, reason from x),
      gone as (delete from ${this.#installations} t using x where ${SAME_DEVICE} returning t.id),
      removed as (delete from ${this.#registrations} t using x where ${SAME_DEVICE}),
      uninstalled as (delete from ${this.#registrations} t using gone where t.installation = gone.id)`
  }

  // The answer to the first time may have been lost.
  async #isNoted({ id, turn }: Claimed, work: Work): Promise<boolean> {
    const text = `select turn::text as turn from ${this.#sends} where id = $1::bigint`
    const [row] = await this.#database.run<{ turn: string }>({ text, values: [id], isWrite: false }, work)
    return row !== undefined && Number(row.turn) === turn + 1
  }

  #whom(of: { platform: PushPlatform; tags: string | null; kind: WantedMessage['kind'] }, first: number) {
    const tags = of.tags === null ? null : tagSql(parseTagExpression(of.tags), { column: 'r.tags', first: first + 1 })
    const kind = of.kind === 'template' ? 'r.template is not null' : 'r.template is null'
    const conditions = [`r.platform = $${first}`, kind, NOT_OVER, ...(tags ? [tags.text] : [])]
    return { text: conditions.join(' and '), values: [of.platform, ...(tags?.values ?? [])] }
  }
}

function targetOf({ id, seq, channel, keys, template, headers, tries }: TargetRow): Target {
  return { id, seq, device: { channel, keys }, template: template === null ? null : { body: template, headers }, tries }
}
