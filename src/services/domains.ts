// Domains of services as rows: each of one service in the whole cloud, and of the service wherever it is served.
import type { Kysely, Selectable } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { DOMAINS_PER_SERVICE_MAX, WARNINGS_ABOUT_CERTIFICATES_MAX } from '../kit/limits.ts'
import { removeCertificate } from './certificates.ts'
import { issueAgainInMs } from './issuance.ts'
import type { Service } from './services.ts'

type Db = Kysely<ControlDatabase>
export type ServiceDomain = Selectable<ControlDatabase['service_domains']>

/** The domains of some services, by name. */
export async function listDomains(db: Db, serviceIds: string[]): Promise<ServiceDomain[]> {
  if (serviceIds.length === 0) return []
  return await db
    .selectFrom('service_domains')
    .selectAll()
    .where('service_id', 'in', serviceIds)
    .orderBy('name')
    .execute()
}

/** The domain of that name, in any case. Faults with `domain.unknown`. */
export async function getDomain(db: Db, service: Pick<Service, 'id' | 'name'>, name: string): Promise<ServiceDomain> {
  const found = await db
    .selectFrom('service_domains')
    .selectAll()
    .where('service_id', '=', service.id)
    .where('name', '=', name.toLowerCase())
    .executeTakeFirst()
  if (found) return found
  throw new Fault('domain.unknown', 404, `'${service.name}' has no domain '${name}'`, {
    hint:
      `See which there are: mainstay mobile domain list ${service.name}; ` +
      `a new one: mainstay mobile domain add ${service.name} ${name}`,
  })
}

/**
 * Gives a service a domain; `name` was checked. One of a service that has ended is free. Faults with `domain.taken` or
 * `domain.too_many`.
 */
export async function insertDomain(trx: Db, service: Service, name: string): Promise<void> {
  const own = await listDomains(trx, [service.id])
  if (own.length >= DOMAINS_PER_SERVICE_MAX && own.every((one) => one.name !== name)) {
    throw new Fault('domain.too_many', 409, `'${service.name}' has ${own.length} domains already`, {
      hint: `Delete one first: mainstay mobile domain delete ${service.name} DOMAIN`,
    })
  }
  const ended = trx.selectFrom('services').select('id').where('ended_at', 'is not', null)
  await trx.deleteFrom('service_domains').where('name', '=', name).where('service_id', 'in', ended).execute()
  const added = await trx
    .insertInto('service_domains')
    .values({ name, service_id: service.id })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (added.numInsertedOrUpdatedRows !== 0n) return
  const holder = await trx
    .selectFrom('service_domains')
    .innerJoin('services', 'services.id', 'service_domains.service_id')
    .select(['services.name', 'subscription_id'])
    .where('service_domains.name', '=', name)
    .executeTakeFirst()
  const whose = holder?.subscription_id === service.subscription_id ? `'${holder.name}'` : 'another mobile service'
  throw new Fault('domain.taken', 409, `the domain '${name}' already belongs to ${whose}`, {
    hint: 'A domain belongs to one mobile service; delete it there first.',
  })
}

/** Takes a domain away, with what was issued for it alone. */
export async function removeDomain(trx: Db, domain: ServiceDomain): Promise<void> {
  await trx.deleteFrom('certificate_challenges').where('domain', '=', domain.name).execute()
  await trx.deleteFrom('service_domains').where('name', '=', domain.name).execute()
  await removeIfUnused(trx, domain)
}

/** Domains of living services for which nothing could be issued at the last try, and why. */
export async function listFailingDomains(db: Db): Promise<{ service: string; name: string; problem: string }[]> {
  const rows = await db
    .selectFrom('service_domains')
    .innerJoin('services', 'services.id', 'service_domains.service_id')
    .select(['services.name as service', 'service_domains.name', 'issue_problem as problem'])
    .where('services.ended_at', 'is', null)
    .where('issue_problem', 'is not', null)
    .orderBy('service_domains.name')
    .limit(WARNINGS_ABOUT_CERTIFICATES_MAX)
    .execute()
  return rows.map(({ problem, ...rest }) => ({ ...rest, problem: problem ?? '' }))
}

/** What a domain shows from now on: a certificate that was given, or none. Nothing is issued for it any more. */
export async function showCertificate(trx: Db, domain: ServiceDomain, thumbprint: string | null): Promise<void> {
  const nothingDue = { is_issued: false, issue_failures: 0, issue_problem: null, issue_due_at: null }
  await trx
    .updateTable('service_domains')
    .set({ thumbprint, ...nothingDue })
    .where('name', '=', domain.name)
    .execute()
  if (thumbprint !== domain.thumbprint) await removeIfUnused(trx, domain)
}

/** Has one issued for a domain, and renewed, from now on; what it shows stays meanwhile. */
export async function markIssued(trx: Db, domain: ServiceDomain): Promise<void> {
  await trx
    .updateTable('service_domains')
    .set({ is_issued: true, issue_due_at: null })
    .where('name', '=', domain.name)
    .execute()
}

/** Shows what was issued. */
export async function showIssued(trx: Db, domain: ServiceDomain, thumbprint: string): Promise<void> {
  await trx
    .updateTable('service_domains')
    .set({ thumbprint, issue_failures: 0, issue_problem: null, issue_due_at: null })
    .where('name', '=', domain.name)
    .execute()
}

/** Notes that nothing could be issued, and when it is tried again. */
export async function noteIssueFailure(
  trx: Db,
  { name, service_id: serviceId }: Pick<ServiceDomain, 'name' | 'service_id'>,
  problem: string,
): Promise<void> {
  const own = trx.selectFrom('service_domains').where('name', '=', name).where('service_id', '=', serviceId)
  const found = await own.select('issue_failures').where('is_issued', '=', true).forUpdate().executeTakeFirst()
  if (!found) return
  const failures = found.issue_failures + 1
  const dueAt = new Date(Date.now() + issueAgainInMs(failures))
  await trx
    .updateTable('service_domains')
    .set({ issue_failures: failures, issue_problem: problem, issue_due_at: dueAt })
    .where('name', '=', name)
    .execute()
}

/** Domains of living services whose certificates are issued by themselves. */
export async function listIssuedDomains(db: Db): Promise<ServiceDomain[]> {
  return await db
    .selectFrom('service_domains')
    .selectAll('service_domains')
    .innerJoin('services', 'services.id', 'service_domains.service_id')
    .where('services.ended_at', 'is', null)
    .where('is_issued', '=', true)
    .orderBy('service_domains.name')
    .execute()
}

/** The domains that show a certificate. */
export async function listDomainsShowing(
  db: Db,
  certificate: { service_id: string; thumbprint: string },
): Promise<string[]> {
  const rows = await db
    .selectFrom('service_domains')
    .select('name')
    .where('service_id', '=', certificate.service_id)
    .where('thumbprint', '=', certificate.thumbprint)
    .orderBy('name')
    .execute()
  return rows.map(({ name }) => name)
}

/** Removes what was issued for a domain and is shown by none any more; what people gave us stays. */
export async function removeIfUnused(
  trx: Db,
  { service_id, thumbprint }: Pick<ServiceDomain, 'service_id' | 'thumbprint'>,
): Promise<void> {
  if (thumbprint === null) return
  const issued = await trx
    .selectFrom('service_certificates')
    .select('is_issued')
    .where('service_id', '=', service_id)
    .where('thumbprint', '=', thumbprint)
    .executeTakeFirst()
  if (!issued?.is_issued) return
  const certificate = { service_id, thumbprint }
  if ((await listDomainsShowing(trx, certificate)).length === 0) await removeCertificate(trx, certificate)
}
