// The devices of a service: rows in its own schema, so that they go wherever its data goes.
import { randomUUID } from 'node:crypto'
import type { DevicePlatform } from '../contract/push.ts'
import { PUSH_TABLES } from '../contract/table-format.ts'
import { Fault } from '../kit/fault.ts'
import { quoteIdentifier, quoteLiteral } from '../kit/identifiers.ts'
import { PUSH_DEVICES_MAX, PUSH_FEEDBACK_MS, PUSH_LISTED_MAX, PUSH_UNUSED_ID_MS } from '../kit/limits.ts'
import type { SubscriptionKeys } from '../push/delivery.ts'
import type { Installation, Registration } from '../push/registration.ts'
import { parseTagExpression, tagSql } from '../push/tag-expression.ts'
import type { AppDatabase, Work } from './app-database.ts'
import type { Connection } from './connection.ts'
import type { ServedService } from './services.ts'

/** A registration as clients and scripts are told it. */
export type RegistrationView = {
  registrationId: string
  platform: DevicePlatform
  deviceId: string | { endpoint: string; keys: SubscriptionKeys }
  tags: string[]
  templateName?: string
  templateBody?: string
  headers?: Record<string, string>
  expiry?: string
}
export type Removed = { platform: DevicePlatform; deviceId: string; reason: string; timestamp: string }
/** Which registrations: of a device, with a tag, or all; in pages. */
export type DeviceFilter = {
  platform: DevicePlatform | null
  channel: string | null
  tags: string | null
  top: number
  skip: number
}

type Row = {
  id: string
  platform: DevicePlatform
  channel: string
  keys: SubscriptionKeys | null
  tags: string[]
  template_name: string | null
  template: string | null
  headers: Record<string, string>
  expires: string | null
}

const COLUMNS = 'id, platform, channel, keys, to_jsonb(tags) as tags, template_name, template, headers'
const EXPIRES = `to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as expires`

export class PushDevices {
  readonly #database: AppDatabase
  readonly #schema: string
  readonly #registrations: string
  readonly #installations: string
  readonly #feedback: string

  constructor({ database, assignment }: Pick<ServedService, 'database' | 'assignment'>) {
    const { schema } = assignment.database
    const of = (table: string) => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
    this.#database = database
    this.#schema = schema
    this.#registrations = of(PUSH_TABLES.registrations)
    this.#installations = of(PUSH_TABLES.installations)
    this.#feedback = of(PUSH_TABLES.feedback)
  }

  /** Gives an id for a registration out; it is forgotten when nobody uses it. Faults where there are too many. */
  async newId(work: Work): Promise<string> {
    await this.#requireRoom(work)
    const id = `${Date.now()}-${randomUUID()}`
    const old = `delete from ${this.#registrations} where platform is null and created_at <
      clock_timestamp() - interval '${PUSH_UNUSED_ID_MS} milliseconds'`
    const text = `with gone as (${old}) insert into ${this.#registrations} (id) values ($1)`
    await this.#database.run({ text, values: [id], isWrite: true }, work)
    return id
  }

  /** Puts a registration under an id that was given out. False when there is no such id any more. */
  async put(id: string, registration: Registration, work: Work): Promise<boolean> {
    const text = `update ${this.#registrations} set ${ASSIGNED}, updated_at = clock_timestamp()
                   where id = $1 and installation is null returning id`
    const rows = await this.#database.run<{ id: string }>(
      { text, values: valuesOf(id, registration), isWrite: true },
      work,
    )
    return rows.length > 0
  }

  /** Makes a registration under an id of its own. */
  async create(registration: Registration, work: Work): Promise<string> {
    await this.#requireRoom(work)
    const id = `${Date.now()}-${randomUUID()}`
    const text = `insert into ${this.#registrations} (id, ${NAMES}) values (${VALUES})`
    await this.#database.run({ text, values: valuesOf(id, registration), isWrite: true }, work)
    return id
  }

  async find(id: string, work: Work): Promise<RegistrationView | null> {
    const text = `select ${COLUMNS}, ${EXPIRES} from ${this.#registrations} where id = $1 and platform is not null`
    const [row] = await this.#database.run<Row>({ text, values: [id], isWrite: false }, work)
    return row ? viewOf(row) : null
  }

  async list(filter: DeviceFilter, work: Work): Promise<RegistrationView[]> {
    const { platform, channel, tags } = filter
    const conditions = ['platform is not null']
    const values: string[] = []
    if (platform !== null) conditions.push(`platform = $${values.push(platform)}`)
    if (channel !== null) {
      const at = values.push(channel)
      conditions.push(`md5(channel) = md5($${at}::text) and channel = $${at}`)
    }
    if (tags !== null) {
      const made = tagSql(parseTagExpression(tags), { column: 'tags', first: values.length + 1 })
      conditions.push(made.text)
      values.push(...made.values)
    }
    const page = `limit ${Math.min(filter.top, PUSH_LISTED_MAX)} offset ${filter.skip}`
    const text = `select ${COLUMNS}, ${EXPIRES} from ${this.#registrations}
                   where ${conditions.join(' and ')} order by seq ${page}`
    return (await this.#database.run<Row>({ text, values, isWrite: false }, work)).map(viewOf)
  }

  /** Removes a registration, whether it is there or not. */
  async delete(id: string, work: Work): Promise<void> {
    const text = `delete from ${this.#registrations} where id = $1 and installation is null`
    await this.#database.run({ text, values: [id], isWrite: true }, work)
  }

  /** Removes all registrations of a device. */
  async deleteDevice(platform: DevicePlatform, channel: string, work: Work): Promise<void> {
    const where = 'platform = $1 and md5(channel) = md5($2::text) and channel = $2'
    const text = `with gone as (delete from ${this.#installations} where ${where} returning id),
      removed as (delete from ${this.#registrations} where ${where})
      delete from ${this.#registrations} t using gone where t.installation = gone.id`
    await this.#database.run({ text, values: [platform, channel], isWrite: true }, work)
  }

  /** Removes a device that its platform does not know any more, and remembers that. */
  async bury(dead: { platform: DevicePlatform; channel: string; reason: string }, work: Work): Promise<void> {
    await this.deleteDevice(dead.platform, dead.channel, work)
    const text = `insert into ${this.#feedback} (platform, channel, reason) values ($1, $2, $3)`
    await this.#database.run({ text, values: [dead.platform, dead.channel, dead.reason], isWrite: true }, work)
  }

  /** What was removed because its platform did not know it any more, the newest first. */
  async removed(filter: { platform: DevicePlatform | null; since: string | null }, work: Work): Promise<Removed[]> {
    const text = `select platform, channel as "deviceId", reason,
        to_char(removed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as timestamp
      from ${this.#feedback}
     where ($1::text is null or platform = $1) and removed_at > coalesce($2::timestamptz,
       clock_timestamp() - interval '${PUSH_FEEDBACK_MS} milliseconds')
     order by id desc limit ${PUSH_LISTED_MAX}`
    return await this.#database.run<Removed>({ text, values: [filter.platform, filter.since], isWrite: false }, work)
  }

  /** Puts an installation with all that belongs to it, in the place of what it was. */
  async install(id: string, installation: Installation, work: Work): Promise<void> {
    await this.#requireRoom(work)
    const { document, platform, channel, parts } = installation
    await this.#database.transaction(work, async (connection) => {
      const text = `insert into ${this.#installations} (id, document, platform, channel)
        values ($1, $2::jsonb, $3, $4) on conflict (id) do update set document = excluded.document,
          platform = excluded.platform, channel = excluded.channel, updated_at = clock_timestamp()`
      // Whoever comes second waits here, and then replaces all of it.
      const values = [id, JSON.stringify(document), platform, channel]
      await connection.query({ text, values, isWrite: true })
      await this.#replaceParts(connection, id, parts)
    })
  }

  async findInstallation(id: string, work: Work): Promise<Record<string, unknown> | null> {
    const text = `select document from ${this.#installations} where id = $1`
    const [row] = await this.#database.run<{ document: Record<string, unknown> }>(
      { text, values: [id], isWrite: false },
      work,
    )
    return row?.document ?? null
  }

  /** Removes an installation, whether it is there or not. */
  async uninstall(id: string, work: Work): Promise<void> {
    const text = `with gone as (delete from ${this.#installations} where id = $1)
      delete from ${this.#registrations} where installation = $1`
    await this.#database.run({ text, values: [id], isWrite: true }, work)
  }

  /** How many registrations there are of each platform. */
  async counts(work: Work): Promise<Partial<Record<DevicePlatform, number>>> {
    const text = `select platform, count(*)::int as count from ${this.#registrations}
                   where platform is not null group by platform`
    const rows = await this.#database.run<{ platform: DevicePlatform; count: number }>(
      { text, values: [], isWrite: false },
      work,
    )
    return Object.fromEntries(rows.map(({ platform, count }) => [platform, count]))
  }

  // One that registers again keeps its row: a message that is under way goes by the order of rows.
  async #replaceParts(connection: Connection, id: string, parts: Installation['parts']): Promise<void> {
    const ids = parts.map(({ part }) => `${id}#${part}`)
    const gone = `delete from ${this.#registrations}
                   where installation = $1 and id not in (select jsonb_array_elements_text($2::jsonb))`
    await connection.query({ text: gone, values: [id, JSON.stringify(ids)], isWrite: true })
    const text = `insert into ${this.#registrations} (id, ${NAMES}, installation) values (${VALUES}, $10)
      on conflict (id) do update set (${NAMES}) = row(${NAMES.split(', ')
        .map((name) => `excluded.${name}`)
        .join(', ')}), updated_at = clock_timestamp()`
    for (const { part, registration } of parts) {
      await connection.query({ text, values: [...valuesOf(`${id}#${part}`, registration), id], isWrite: true })
    }
  }

  // What PostgreSQL knows without counting is near enough.
  async #requireRoom(work: Work): Promise<void> {
    const text = `select reltuples::float8 as rows from pg_class where oid = ${quoteLiteral(this.#registrations)}::regclass`
    const [row] = await this.#database.run<{ rows: number }>({ text, values: [], isWrite: false }, work)
    if ((row?.rows ?? 0) < PUSH_DEVICES_MAX) return
    throw new Fault('app.unavailable', 503, `The service '${this.#schema}' has ${PUSH_DEVICES_MAX} devices: no more.`)
  }
}

const NAMES = 'platform, channel, keys, tags, template_name, template, headers, expires_at'
const VALUES =
  '$1, $2, $3, $4::jsonb, array(select jsonb_array_elements_text($5::jsonb)), $6, $7, $8::jsonb, $9::timestamptz'
const ASSIGNED = `(${NAMES}) = row(${VALUES.slice('$1, '.length)})`

function valuesOf(id: string, { platform, channel, keys, tags, template, headers, expiresAt }: Registration) {
  return [
    id,
    platform,
    channel,
    keys === null ? null : JSON.stringify(keys),
    JSON.stringify(tags),
    template?.name ?? null,
    template?.body ?? null,
    JSON.stringify(headers),
    expiresAt,
  ]
}

function viewOf(row: Row): RegistrationView {
  return {
    registrationId: row.id,
    platform: row.platform,
    deviceId: row.keys === null ? row.channel : { endpoint: row.channel, keys: row.keys },
    tags: row.tags,
    ...(row.template === null ? {} : { templateName: row.template_name ?? '', templateBody: row.template }),
    ...(Object.keys(row.headers).length === 0 ? {} : { headers: row.headers }),
    ...(row.expires === null ? {} : { expiry: row.expires }),
  }
}
