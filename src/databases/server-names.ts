// Names of servers: what can be one, and which is free.
import { type Kysely, sql } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'

type Db = Kysely<ControlDatabase>

// It is part of the path of a socket, which the kernel keeps short.
const SERVER_NAME = /^[a-z](?:[0-9a-z-]{0,50}[0-9a-z])?$/

/** Faults with `server.bad_name` unless the name can be a server's. */
export function requireServerName(name: string): void {
  if (SERVER_NAME.test(name)) return
  throw new Fault('server.bad_name', 400, `'${name}' cannot be the name of a server`, {
    hint: 'Use 1 to 52 lower-case letters, digits and hyphens; begin with a letter, end with a letter or digit.',
  })
}

/** Faults with `server.exists` when the name is taken, or when copies of an ended server of that name still lie around. */
export async function requireFreeServerName(trx: Db, name: string): Promise<void> {
  await lockServerNames(trx)
  const found = await trx.selectFrom('servers').select('ended_at').where('name', '=', name).executeTakeFirst()
  if (found && found.ended_at === null) {
    throw new Fault('server.exists', 409, `the name '${name}' is taken`, { hint: 'Choose another name.' })
  }
  const left = await trx.selectFrom('server_drops').select('machine').where('server', '=', name).execute()
  if (left.length === 0) return
  const where = left.map(({ machine }) => machine).join(', ')
  throw new Fault('server.exists', 409, `a deleted server '${name}' still has to be removed from ${where}`, {
    hint: 'Choose another name, or wait until that machine is back.',
  })
}

/** The stem, or with the first number that makes it free. */
export async function freeServerName(trx: Db, stem: string): Promise<string> {
  await lockServerNames(trx)
  const rows = await trx.selectFrom('servers').select('name').execute()
  const taken = new Set(rows.map((row) => row.name))
  if (!taken.has(stem)) return stem
  for (let number = 2; ; number += 1) if (!taken.has(`${stem}-${number}`)) return `${stem}-${number}`
}

// A server that is not there yet has no row to lock.
async function lockServerNames(trx: Db): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('names of servers', 0))`.execute(trx)
}
