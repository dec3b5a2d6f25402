// Attaching an external server, giving one another URL, and detaching it. Nothing is moved: its data is where it is.

import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { AttachServer, DryRunView } from '../contract/api.ts'
import type {
  CheckExternalAnswer,
  ExternalEndpoint,
  MarkExternalRequest,
  TokenAnswer,
} from '../contract/external-server.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { EXTERNAL_CHECK_MS_MAX } from '../kit/limits.ts'
import { transact } from '../operations/rehearsal.ts'
import { listHosts } from '../regions/hosts.ts'
import { bumpDesired, getRegion, listRegions, type Region } from '../regions/regions.ts'
import { type AttachFacts, checkAttach } from './attach-check.ts'
import { isLocal, parseDatabaseUrl } from './database-url.ts'
import { requireSpare } from './delete-server.ts'
import { changeEndpoint, endpointOf, ensureCloudId, insertExternal } from './external-servers.ts'
import { requireFreeServerName, requireServerName } from './server-names.ts'
import type { ServerDeps } from './server-operations.ts'
import { listServers, lockIdleServer, primaryOf, type ServerWithMembers } from './servers.ts'

type Looked = {
  facts: AttachFacts
  endpoint: ExternalEndpoint
  region: Region
  machine: string
  isKnown: boolean
}

/** What attaching it would come to, looked into from every region; faults as attaching would, and changes nothing. */
export async function planAttachServer(deps: ServerDeps, wanted: AttachServer): Promise<DryRunView> {
  const { facts } = await lookAround(deps, wanted)
  return { isDryRun: true, changes: checkAttach(facts) }
}

/** Attaches it, or gives one that is attached another URL. Faults with `external.*`, `server.exists`, `server.managed`. */
export async function attachServer(deps: ServerDeps, caller: Caller, wanted: AttachServer): Promise<void> {
  const { db, field, seal } = deps
  const { name } = wanted
  const { facts, endpoint, region, machine, isKnown } = await lookAround(deps, wanted)
  checkAttach(facts)
  // Marked first: what a crash leaves is a mark of our own, which the next try finds.
  const body: MarkExternalRequest = { endpoint, cloud: facts.cloud, server: name }
  await order(deps, machine, '/external/mark', body)
  faultPoint('attach_server.marked')
  await db.transaction().execute(async (trx) => {
    if (isKnown) {
      requireExternal(await lockIdleServer(trx, name))
      await changeEndpoint(trx, seal, name, endpoint)
    } else {
      await requireFreeServerName(trx, name)
      await insertExternal(trx, seal, { name, region: region.slug, machine, endpoint })
    }
    const { hosts, user, database, tls } = endpoint
    const after = { region: region.name, hosts, user, database, tls, isTakenOver: wanted.isTakenOver === true }
    await audit(trx, caller, { action: 'sql server attach', subject: name, after })
  })
  await field.push()
}

async function lookAround(deps: ServerDeps, wanted: AttachServer): Promise<Looked> {
  const { db, field } = deps
  const { name } = wanted
  requireServerName(name)
  const endpoint = endpointFrom(wanted)
  await field.settle()
  const known = (await listServers(db)).find((server) => server.name === name)
  requireExternal(known)
  const region = await regionFor(deps, wanted, known)
  const { reporting } = await listHosts(db, field)
  const machine = reporting.find(({ domain }) => domain === region.name)?.name
  if (machine === undefined) {
    throw new Fault('region.unreachable', 503, `no host in ${region.name} can be reached`, {
      hint: 'It is looked into from there. Name another region with --location, or see: mainstay status',
    })
  }
  const facts = await lookInto(deps, { wanted, endpoint, machine, region: region.name })
  return { facts, endpoint, region, machine, isKnown: known !== undefined }
}

/**
 * Forgets an external server that no service uses; its database is left as it is. Returns what that comes to, in
 * sentences. Faults with `server.in_use` or `server.managed`.
 */
export async function detachServer(
  { db, field }: ServerDeps,
  caller: Caller,
  wanted: { name: string; isDryRun: boolean },
): Promise<string[]> {
  const { name, isDryRun } = wanted
  const changes = await transact(db, { isDryRun }, async (trx) => {
    const server = await lockIdleServer(trx, name)
    requireExternal(server)
    const kept = await requireSpare(trx, server)
    await trx.deleteFrom('server_members').where('server', '=', name).execute()
    await trx.updateTable('servers').set({ ended_at: new Date() }).where('name', '=', name).execute()
    // It is not ours to bring back any more, and not ours to drop.
    const ended = trx.updateTable('services').set({ is_data_dropped: true }).where('server', '=', name)
    await ended.where('ended_at', 'is not', null).execute()
    await trx.deleteFrom('former_schemas').where('server', '=', name).execute()
    await audit(trx, caller, { action: 'sql server detach', subject: name, before: { data: kept } })
    await bumpDesired(trx)
    const left =
      kept.length === 0 ? [] : [`What it keeps of ${kept.join(', ')} stays in it, and cannot be brought back`]
    return [`Detach ${name}; its database is left as it is`, ...left]
  })
  if (!isDryRun) await field.push()
  return changes
}

function endpointFrom({ url, ca }: AttachServer): ExternalEndpoint {
  const { hosts, user, password, database, tls } = parseDatabaseUrl(url)
  if (hosts.some(({ host }) => host.startsWith('/'))) {
    throw new Fault(
      'options.bad_url',
      400,
      'an external server is reached from several machines, not by a socket folder',
      {
        hint: 'Name its hosts: postgres://USER:PASSWORD@HOST1:5432,HOST2:5432/DATABASE',
      },
    )
  }
  const usual = hosts.every(isLocal) ? 'disable' : 'verify-full'
  return { hosts, user, password, database, tls: tls ?? usual, ca: ca ?? null }
}

async function regionFor(
  { db }: ServerDeps,
  wanted: AttachServer,
  known: ServerWithMembers | undefined,
): Promise<Region> {
  if (wanted.location !== undefined) return await getRegion(db, wanted.location)
  const regions = await listRegions(db)
  const region = known ? regions.find(({ slug }) => slug === known.home_region) : regions[0]
  if (region) return region
  throw new Fault('region.unknown', 404, 'there is no region yet', { hint: 'Start a host first.' })
}

async function lookInto(
  deps: ServerDeps,
  about: { wanted: AttachServer; endpoint: ExternalEndpoint; machine: string; region: string },
): Promise<AttachFacts> {
  const { wanted, endpoint, machine, region } = about
  const { name } = wanted
  const check = async (at: string) => (await order(deps, at, '/external/check', { endpoint })) as CheckExternalAnswer
  const found = await check(machine)
  const cloud = await ensureCloudId(deps.db)
  const servers = (await listServers(deps.db)).filter(({ kind }) => kind === 'external')
  const open = (sealed: string) => deps.seal.open(sealed)
  const marked = servers.find(
    (one) => found.mark?.cloud === cloud && one.name === found.mark.server && one.name !== name,
  )
  return {
    ...{ name, cloud, endpoint, found },
    unreached: await unreachedFrom(deps, region, check),
    attached: servers.map((server) => ({ name: server.name, hosts: endpointOf(server, open).hosts })),
    isSameAsMarked: marked !== undefined && (await isSame(deps, marked, async () => await check(machine))),
    isTakenOver: wanted.isTakenOver === true,
  }
}

// One host of each other region: a service that is recovered there needs it, too.
async function unreachedFrom(
  deps: ServerDeps,
  region: string,
  check: (machine: string) => Promise<CheckExternalAnswer>,
): Promise<AttachFacts['unreached']> {
  const { reporting } = await listHosts(deps.db, deps.field)
  const others = new Map(reporting.filter(({ domain }) => domain !== region).map(({ domain, name }) => [domain, name]))
  const unreached: AttachFacts['unreached'] = []
  for (const [other, machine] of others) {
    try {
      await check(machine)
    } catch (error) {
      unreached.push({ region: other, problem: messageOf(error) })
    }
  }
  return unreached
}

// A copy has the mark of what it is a copy of, but not the word that is written just now. One that cannot be asked is
// lost, and what is attached is taken for a copy of it.
async function isSame(
  deps: ServerDeps,
  marked: ServerWithMembers,
  check: () => Promise<CheckExternalAnswer>,
): Promise<boolean> {
  try {
    const path = `/servers/${marked.name}/token`
    const { token } = (await order(deps, primaryOf(marked).machine, path, {})) as TokenAnswer
    return (await check()).mark?.token === token
  } catch (error) {
    if (error instanceof Fault) return false
    throw error
  }
}

async function order({ field }: ServerDeps, machine: string, path: string, body: unknown): Promise<unknown> {
  return await field.order(machine, { method: 'POST', path, body, timeoutMs: EXTERNAL_CHECK_MS_MAX })
}

function requireExternal(server: Pick<ServerWithMembers, 'name' | 'kind'> | undefined): void {
  if (server === undefined || server.kind === 'external') return
  throw new Fault('server.managed', 409, `${server.name} is a server of ours, not an external one`, {
    hint: `To remove it: mainstay sql server delete ${server.name}`,
  })
}
