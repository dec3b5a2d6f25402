// Whether a service's schema is what it must be: tables, columns, indexes, triggers, owners, versions, stamps, logins.
import pg from 'pg'
import type { CheckAnswer, CheckRequest } from '../contract/service-check.ts'
import {
  CREATED_AT_COLUMN,
  ID_COLUMN,
  ID_SQL_TYPES,
  type IdType,
  loginRole,
  ownerRole,
  PLATFORM_SCHEMA,
  UPDATED_AT_COLUMN,
  VERSION_COLUMN,
  VERSION_EPOCH_SHIFT,
} from '../contract/table-format.ts'
import { messageOf } from '../kit/fault.ts'
import { quoteIdentifier as id, quoteLiteral as literal } from '../kit/identifiers.ts'
import { sequenceOf } from './app-schema.ts'
import { lastIdentity } from './identities.ts'

const SYSTEM_TYPES: Record<string, string> = {
  [CREATED_AT_COLUMN]: 'timestamp with time zone',
  [UPDATED_AT_COLUMN]: 'timestamp with time zone',
  [VERSION_COLUMN]: 'bigint',
}

/**
 * Looks at everything, each index against its table included, where the role of `client` may: on a server of our own it
 * is a superuser's.
 */
export async function checkService(client: pg.Client, wanted: CheckRequest): Promise<CheckAnswer> {
  const found: CheckAnswer = { tables: 0, rows: 0, indexes: 0, problems: [] }
  const isDeep = await mayCheckIndexes(client)
  if (!isDeep) found.unchecked = ['the pages of its indexes: our role may not use amcheck there']
  const owner = ownerRole(wanted.serviceId)
  const schema = await client.query<{ owner: string }>(
    'select pg_get_userbyid(nspowner) as owner from pg_namespace where nspname = $1',
    [wanted.schema],
  )
  if (schema.rows[0]?.owner !== owner) {
    const whose = schema.rows[0]?.owner
    found.problems.push(whose ? `its schema belongs to ${whose}` : `its schema ${wanted.schema} is not there`)
    return found
  }
  for (const table of wanted.tables) {
    const idType = wanted.integerTables?.includes(table) === true ? 'integer' : 'string'
    await checkTable(client, { ...wanted, table, owner, isDeep, idType }, found)
  }
  await checkVersions(client, wanted, found)
  await checkLogins(client, wanted, found)
  return found
}

async function mayCheckIndexes(client: pg.Client): Promise<boolean> {
  try {
    await client.query('create extension if not exists amcheck')
    const found = await client.query<{ may: boolean }>(
      `select has_function_privilege('bt_index_check(regclass, boolean)', 'execute') as may`,
    )
    return found.rows[0]?.may === true
  } catch (error) {
    if (error instanceof pg.DatabaseError) return false
    throw error
  }
}

type Where = { schema: string; table: string; owner: string; isDeep: boolean; idType: IdType }

async function checkTable(client: pg.Client, where: Where, found: CheckAnswer): Promise<void> {
  const { schema, table, owner, isDeep, idType } = where
  const tell = (problem: string) => found.problems.push(`table ${table}: ${problem}`)
  const [shape] = (
    await client.query<{ oid: number; owner: string; identity: string; trigger: string | null; columns: object }>(
      `select c.oid, pg_get_userbyid(c.relowner) as owner, c.relreplident as identity,
              (select tgenabled::text from pg_trigger t where t.tgrelid = c.oid and t.tgname = '.stamp') as trigger,
              (select jsonb_object_agg(attname, format_type(atttypid, null)) from pg_attribute a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname = $2 and c.relkind = 'r'`,
      [schema, table],
    )
  ).rows
  if (!shape) return void tell('is defined and not there')
  found.tables += 1
  if (shape.owner !== owner) tell(`belongs to ${shape.owner}`)
  if (shape.identity !== 'f') tell('what is changed in it could not be decoded: its replica identity is not full')
  if (shape.trigger !== 'O') tell('its rows get no stamps: the trigger is not there, or is off')
  const columns = shape.columns as Record<string, string>
  const wanted = { [ID_COLUMN]: ID_SQL_TYPES[idType], ...SYSTEM_TYPES }
  const wrong = Object.entries(wanted).filter(([name, type]) => columns[name] !== type)
  for (const [name, type] of wrong) tell(`column ${name} is ${columns[name] ?? 'not there'}, not ${type}`)
  await checkIndexes(client, { oid: shape.oid, isDeep, tell }, found)
  if (wrong.length > 0) return
  await checkRows(client, { ...where, tell }, found)
}

async function checkIndexes(
  client: pg.Client,
  { oid, isDeep, tell }: { oid: number; isDeep: boolean; tell: (problem: string) => void },
  found: CheckAnswer,
): Promise<void> {
  const indexes = await client.query<{
    oid: number
    name: string
    columns: string
    primary: boolean
    usable: boolean
    am: string
  }>(
    `select i.indexrelid as oid, c.relname as name, i.indisprimary as primary, i.indisvalid and i.indisready as usable,
            a.amname as am, array_to_string(array(select pg_get_indexdef(i.indexrelid, k, true)
              from generate_series(1, i.indnkeyatts) k), ',') as columns
       from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
      where i.indrelid = $1 order by c.relname`,
    [oid],
  )
  if (!indexes.rows.some((index) => index.primary && index.columns === ID_COLUMN))
    tell('its ids are not unique: no primary key')
  const stamps = `${id(UPDATED_AT_COLUMN)},${ID_COLUMN}`
  if (!indexes.rows.some((index) => index.columns === stamps)) tell(`has no index on ${UPDATED_AT_COLUMN}`)
  for (const index of indexes.rows) {
    found.indexes += 1
    if (!index.usable) tell(`index ${index.name} is not whole`)
    else if (isDeep && index.am === 'btree') {
      await client
        .query('select bt_index_check($1::oid::regclass, true)', [index.oid])
        .catch((error: unknown) => tell(`index ${index.name}: ${messageOf(error)}`))
    }
  }
}

async function checkRows(
  client: pg.Client,
  { schema, table, idType, tell }: Where & { tell: (problem: string) => void },
  found: CheckAnswer,
): Promise<void> {
  try {
    const counted = await client.query<{ rows: string; ahead: string | null; highest: string | null; empty: string }>(
      `select count(*) as rows, max(${id(VERSION_COLUMN)})::text as highest,
              extract(epoch from max(${id(UPDATED_AT_COLUMN)})
                                 - clock_timestamp() - ${PLATFORM_SCHEMA}.stamp_offset()) as ahead,
              count(*) filter (where ${id(UPDATED_AT_COLUMN)} < ${id(CREATED_AT_COLUMN)}) as empty
         from ${id(schema)}.${id(table)}`,
    )
    const { rows = '0', ahead = null, highest = null, empty = '0' } = counted.rows[0] ?? {}
    found.rows += Number(rows)
    if (Number(ahead ?? 0) > 0) tell(`has a row that was stamped ${Number(ahead).toFixed(3)} s ahead of now`)
    if (Number(empty) > 0) tell(`${empty} row(s) were changed before they were made`)
    const sequence = sequenceOf({ schema })
    const behind = await client.query(`select 1 from ${sequence} where last_value < $1::bigint`, [highest ?? '0'])
    if (behind.rowCount !== 0) tell('has a version above the one that is given next')
    if (idType === 'integer') await checkIdentity(client, { schema, table, tell })
  } catch (error) {
    tell(messageOf(error))
  }
}

// An id that is there already would refuse an insert.
async function checkIdentity(
  client: pg.Client,
  { schema, table, tell }: Pick<Where, 'schema' | 'table'> & { tell: (problem: string) => void },
): Promise<void> {
  const last = await lastIdentity(client, { schema, table })
  const above = await client.query(`select 1 from ${id(schema)}.${id(table)} where id > $1::bigint limit 1`, [
    last ?? '0',
  ])
  if (above.rowCount !== 0) tell('has an id above the one that is given next')
}

// Versions rise over every change of home because the epoch is in their upper bits.
async function checkVersions(client: pg.Client, { schema, epoch }: CheckRequest, found: CheckAnswer): Promise<void> {
  try {
    const low = await client.query(
      `select 1 from ${sequenceOf({ schema })} where last_value < $1::bigint << ${VERSION_EPOCH_SHIFT}`,
      [epoch],
    )
    if (low.rowCount !== 0) found.problems.push(`new versions are below those of its epoch ${epoch}`)
  } catch (error) {
    found.problems.push(`its versions: ${messageOf(error)}`)
  }
}

async function checkLogins(client: pg.Client, { serviceId, epoch }: CheckRequest, found: CheckAnswer): Promise<void> {
  const logins = await client.query<{ name: string }>(
    `select rolname as name from pg_roles where rolcanlogin and rolname like ${literal(`${ownerRole(serviceId).replaceAll('_', '\\_')}\\_e%`)}`,
  )
  const names = logins.rows.map(({ name }) => name)
  const own = loginRole(serviceId, epoch)
  if (!names.includes(own)) found.problems.push(`nobody can log in under its epoch ${epoch}`)
  for (const name of names.filter((other) => other !== own)) found.problems.push(`an older login is open: ${name}`)
}
