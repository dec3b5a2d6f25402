// What servers hold of a service, asked of their hosts: its contents, the stamps of its rows.
import type { BackupTarget, RestoredServiceRequest } from '../contract/backup.ts'
import {
  type ContentsRequest,
  newestOf,
  type RaiseStampsAnswer,
  type RaiseStampsRequest,
  type RestampAnswer,
  type RestampRequest,
  type ServiceContents,
} from '../contract/service-contents.ts'
import { requireKnown } from '../databases/backup-operations.ts'
import { getServer, primaryOf } from '../databases/servers.ts'
import { CONTENTS_READ_MS_MAX } from '../kit/limits.ts'
import type { Operation } from '../operations/operations.ts'
import type { Service } from '../services/services.ts'
import type { RecoveryDeps } from './recover-facts.ts'

type Deps = Pick<RecoveryDeps, 'db' | 'field'>

/** Where a service was, and whether that can be looked into; and where it goes. */
export type Rebinding = {
  serviceId: string
  from: { server: string; schema: string; isKnown: boolean }
  to: { server: string; schema: string }
}

// What a lost database may have stamped after it was last heard, and what clocks may differ.
const UNSEEN_STAMPS_MS = 5_000

/** What a server holds of a service. Faults as `Field.order`, or with `server.not_open`. */
export async function readContents(deps: Deps, server: string, wanted: ContentsRequest): Promise<ServiceContents> {
  return (await order(deps, server, { path: 'contents', body: wanted })) as ServiceContents
}

/**
 * Nobody writes to the one any more: new stamps of the other start above all that were given. Returns the first that
 * may be given, in milliseconds since 1970.
 */
export async function raiseStampsOver(deps: Deps, { serviceId, from, to }: Rebinding): Promise<number> {
  const there = await contentsOf(deps, to.server, { serviceId, schema: to.schema })
  const here = from.isKnown ? await contentsOf(deps, from.server, { serviceId, schema: from.schema }) : null
  const given = here === null ? Date.now() + UNSEEN_STAMPS_MS : newestOf(here)
  const ids = here?.tables.flatMap(({ name, lastId }) => (lastId === undefined ? [] : [[name, lastId] as const]))
  const body: RaiseStampsRequest = {
    aboveMs: Math.max(newestOf(there) ?? 0, given ?? 0),
    identities: { schema: to.schema, above: ids === undefined ? null : Object.fromEntries(ids) },
  }
  return ((await order(deps, to.server, { path: 'stamps', body })) as RaiseStampsAnswer).stampMs
}

/** What a host is told that is to restore a backup of the server `from` and to look for a service in it. */
export async function askForBackup(
  deps: RecoveryDeps,
  { id: job }: Operation,
  wanted: { service: Service; from: string; target: BackupTarget },
): Promise<RestoredServiceRequest> {
  const { service, from, target } = wanted
  const { superuser_password } = await requireKnown(deps.db, from)
  return {
    ...{ job, from, target, serviceId: service.id, schema: service.schema_name },
    key: await deps.vault.backupKey(),
    superuserPassword: deps.seal.open(superuser_password),
  }
}

/** Stamps some of the rows anew that were stamped before a moment. */
export async function restampSome(deps: Deps, server: string, wanted: RestampRequest): Promise<RestampAnswer> {
  return (await order(deps, server, { path: 'restamp', body: wanted })) as RestampAnswer
}

async function contentsOf(
  deps: Deps,
  server: string,
  wanted: { serviceId: string; schema: string },
): Promise<ServiceContents> {
  return await readContents(deps, server, { ...wanted, isNewestOnly: true })
}

async function order({ db, field }: Deps, server: string, what: { path: string; body: unknown }): Promise<unknown> {
  const { machine } = primaryOf(await getServer(db, server))
  const call = { method: 'POST' as const, path: `/servers/${server}/${what.path}`, body: what.body }
  return await field.order(machine, { ...call, timeoutMs: CONTENTS_READ_MS_MAX })
}
