// External servers as rows: how they are reached, and which host looks after each.
import type { Kysely } from 'kysely'
import type { Seal } from '../accounts/seal.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { ExternalEndpoint } from '../contract/external-server.ts'
import { randomKey } from '../kit/identifiers.ts'
import { bumpDesired, nextEpoch } from '../regions/regions.ts'
import { lockServerRow, primaryOf, type Server, type ServerWithMembers } from './servers.ts'

type Db = Kysely<ControlDatabase>

/** The id by which what lies outside knows whose cloud it is; made when it is first asked for. */
export async function ensureCloudId(db: Db): Promise<string> {
  await db
    .insertInto('cloud')
    .defaultValues()
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return (await db.selectFrom('cloud').select('id').executeTakeFirstOrThrow()).id
}

/** How an external server is reached. `open` opens what is sealed. */
export function endpointOf({ name, endpoint }: Pick<Server, 'name' | 'endpoint'>, open: (sealed: string) => string) {
  if (endpoint === null) throw new TypeError(`${name} is not an external server`)
  return JSON.parse(open(endpoint)) as ExternalEndpoint
}

export type NewExternal = { name: string; region: string; machine: string; endpoint: ExternalEndpoint }

/** Makes the row of an external server, or gives one that is there another endpoint. */
export async function insertExternal(trx: Db, seal: Seal, wanted: NewExternal): Promise<void> {
  const endpoint = seal.seal(JSON.stringify(wanted.endpoint))
  const row = {
    home_region: wanted.region,
    is_default: false,
    kind: 'external' as const,
    endpoint,
    // Theirs; we have no hand in it.
    protection: 'none' as const,
    is_initialized: true,
    epoch: await nextEpoch(trx),
    // Nobody logs in by them: an external server has a login of its own.
    superuser_password: seal.seal(randomKey()),
    replication_password: seal.seal(randomKey()),
  }
  const anew = { ...row, made_for: null, operation_id: null, ended_at: null, restored_from: null, restore_target: null }
  await trx
    .insertInto('servers')
    .values({ name: wanted.name, ...row })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(anew))
    .execute()
  await setAttendant(trx, wanted.name, wanted.machine)
}

/** Gives an external server that is attached another endpoint: other hosts, another password. */
export async function changeEndpoint(trx: Db, seal: Seal, name: string, endpoint: ExternalEndpoint): Promise<void> {
  await trx
    .updateTable('servers')
    .set({ endpoint: seal.seal(JSON.stringify(endpoint)) })
    .where('name', '=', name)
    .where('kind', '=', 'external')
    .execute()
  await bumpDesired(trx)
}

/**
 * Which host is to look after an external server: one that reports, of the server's own region where there is one. The
 * one that does so now is left alone while it is as good as any. Null: nobody reports.
 */
export function chooseAttendant(
  server: ServerWithMembers,
  facts: { region: string; reporting: { name: string; domain: string }[] },
): string | null {
  const here = facts.reporting.filter(({ domain }) => domain === facts.region)
  const able = here.length > 0 ? here : facts.reporting
  const { machine } = primaryOf(server)
  if (able.some(({ name }) => name === machine)) return machine
  return [...able].sort((left, right) => left.name.localeCompare(right.name))[0]?.name ?? null
}

/** Has another host look after an external server; false when that one does already, or it was detached. */
export async function moveAttendant(db: Db, name: string, machine: string): Promise<boolean> {
  return await db.transaction().execute(async (trx) => {
    await lockServerRow(trx, name)
    const found = await trx
      .selectFrom('servers')
      .select('name')
      .where('name', '=', name)
      .where('kind', '=', 'external')
      .where('ended_at', 'is', null)
      .execute()
    if (found.length === 0) return false
    const now = await trx.selectFrom('server_members').select('machine').where('server', '=', name).execute()
    if (now.some((member) => member.machine === machine)) return false
    await setAttendant(trx, name, machine)
    return true
  })
}

async function setAttendant(trx: Db, server: string, machine: string): Promise<void> {
  await trx.deleteFrom('server_members').where('server', '=', server).execute()
  const member = { role: 'primary' as const, standing: null, slot: null, fork_lsn: null }
  await trx
    .insertInto('server_members')
    .values({ server, machine, ...member })
    .execute()
  await bumpDesired(trx)
}
