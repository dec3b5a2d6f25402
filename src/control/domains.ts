// Domains of a service and its certificates through the management API. Gateways alone go by them, so nothing here
// needs the region that the service is in.
import type { Transaction } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { AddCertificate, CertificateView, DomainView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { bumpDesired } from '../regions/regions.ts'
import { type CertificateFacts, checkCertificate, factsOf, isFor } from '../services/certificate-text.ts'
import {
  getCertificate,
  insertCertificate,
  listCertificates,
  removeCertificate,
  type ServiceCertificate,
} from '../services/certificates.ts'
import { checkDomainName } from '../services/domain-name.ts'
import {
  getDomain,
  insertDomain,
  listDomains,
  listDomainsShowing,
  removeDomain,
  type ServiceDomain,
  showCertificate,
} from '../services/domains.ts'
import { readPfx } from '../services/pfx.ts'
import { getService, lockServices, type Service } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'

type Names = { service: string; domain: string }

/** The domains of a service; last the name that this cloud gives it. */
export async function viewDomains(deps: ApiDeps, caller: Caller, name: string): Promise<DomainView[]> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const certificates = await listCertificates(deps.db, [service.id])
  const own = await listDomains(deps.db, [service.id])
  return [...own.map((domain) => viewOf(domain, certificates)), nameOfCloud(deps, service)]
}

/** One of a service's own. Faults with `domain.unknown`. */
export async function viewDomain(deps: ApiDeps, caller: Caller, names: Names): Promise<DomainView> {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const domain = await getDomain(deps.db, service, names.domain)
  return viewOf(domain, await listCertificates(deps.db, [service.id]))
}

/** Gives a service a domain. Faults with `domain.*`. */
export async function addDomain(deps: ApiDeps, caller: Caller, names: Names): Promise<DomainView> {
  const name = checkDomainName(names.domain, new URL(deps.views.gatewayUrl).hostname)
  await change(deps, caller, names.service, async (trx, service) => {
    await insertDomain(trx, service, name)
    await audit(trx, caller, { action: 'mobile domain add', subject: `${service.name}/${name}` })
  })
  return await viewDomain(deps, caller, { ...names, domain: name })
}

/** Takes a domain away. Faults with `domain.unknown`. */
export async function deleteDomain(deps: ApiDeps, caller: Caller, names: Names): Promise<void> {
  await change(deps, caller, names.service, async (trx, service) => {
    const domain = await getDomain(trx, service, names.domain)
    await removeDomain(trx, domain)
    await audit(trx, caller, { action: 'mobile domain delete', subject: `${service.name}/${domain.name}` })
  })
}

/** Shows a certificate of the service for a domain of it. Faults with `certificate.other_names` or `.expired`. */
export async function enableSsl(
  deps: ApiDeps,
  caller: Caller,
  names: Names & { thumbprint: string },
): Promise<DomainView> {
  await change(deps, caller, names.service, async (trx, service) => {
    const domain = await getDomain(trx, service, names.domain)
    const certificate = await getCertificate(trx, service, names.thumbprint)
    requireGood(certificate, domain)
    const { thumbprint } = certificate
    await showCertificate(trx, domain, thumbprint)
    const subject = `${service.name}/${domain.name}`
    const told = { before: { thumbprint: domain.thumbprint }, after: { thumbprint } }
    await audit(trx, caller, { action: 'mobile domain ssl enable', subject, ...told })
  })
  return await viewDomain(deps, caller, names)
}

/** Shows none for it any more. */
export async function disableSsl(deps: ApiDeps, caller: Caller, names: Names): Promise<void> {
  await change(deps, caller, names.service, async (trx, service) => {
    const domain = await getDomain(trx, service, names.domain)
    await showCertificate(trx, domain, null)
    const subject = `${service.name}/${domain.name}`
    const before = { thumbprint: domain.thumbprint }
    await audit(trx, caller, { action: 'mobile domain ssl disable', subject, before })
  })
}

/** The certificates of a service, without what nobody is to see. */
export async function viewCertificates(deps: ApiDeps, caller: Caller, name: string): Promise<CertificateView[]> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const domains = await listDomains(deps.db, [service.id])
  return (await listCertificates(deps.db, [service.id])).map((certificate) => {
    const facts = factsOf(certificate.chain)
    const shown = domains.filter(({ thumbprint }) => thumbprint === facts.thumbprint).map((domain) => domain.name)
    return viewOfCertificate(facts, { isIssued: certificate.is_issued, domains: shown })
  })
}

/** Adds a certificate with its key. Faults with `certificate.*`. */
export async function addCertificate(
  deps: ApiDeps,
  caller: Caller,
  name: string,
  given: AddCertificate,
): Promise<CertificateView> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const text = checkCertificate(await textOf(given), new Date())
  const facts = await deps.db.transaction().execute(async (trx) => {
    const [locked] = await lockServices(trx, [service.id])
    if (!locked) throw gone(name)
    const added = await insertCertificate(trx, locked, text, (plain) => deps.seal.seal(plain))
    const { thumbprint, hostNames, expiresAt } = added
    const subject = `${locked.name}/${thumbprint}`
    await audit(trx, caller, { action: 'mobile cert add', subject, after: { hostNames, expiresAt } })
    return added
  })
  return viewOfCertificate(facts, { isIssued: false, domains: [] })
}

/** Deletes one that no domain shows. Faults with `certificate.in_use`. */
export async function deleteCertificate(
  deps: ApiDeps,
  caller: Caller,
  names: { service: string; thumbprint: string },
): Promise<void> {
  await change(deps, caller, names.service, async (trx, service) => {
    const certificate = await getCertificate(trx, service, names.thumbprint)
    const [shown] = await listDomainsShowing(trx, certificate)
    if (shown !== undefined) {
      throw new Fault('certificate.in_use', 409, `the certificate is shown for '${shown}'`, {
        hint: `Disable HTTPS there first: mainstay mobile domain ssl disable ${service.name} ${shown}`,
      })
    }
    await removeCertificate(trx, certificate)
    const subject = `${service.name}/${certificate.thumbprint}`
    await audit(trx, caller, { action: 'mobile cert delete', subject })
  })
}

async function change(
  deps: ApiDeps,
  caller: Caller,
  name: string,
  work: (trx: Transaction<ControlDatabase>, service: Service) => Promise<void>,
): Promise<void> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  await deps.db.transaction().execute(async (trx) => {
    const [locked] = await lockServices(trx, [service.id])
    if (!locked) throw gone(name)
    await work(trx, locked)
    await bumpDesired(trx)
  })
  await deps.field.push()
}

function requireGood(certificate: ServiceCertificate, domain: ServiceDomain): void {
  const { chain, expires_at: expiresAt, thumbprint } = certificate
  if (!isFor(chain, domain.name)) {
    const names = factsOf(chain).hostNames.join(', ') || 'no host name'
    throw new Fault('certificate.other_names', 400, `the certificate ${thumbprint} is for ${names}`, {
      hint: `Add one that is for ${domain.name}: mainstay mobile cert add SERVICE FILE.pfx`,
    })
  }
  if (expiresAt > new Date()) return
  throw new Fault('certificate.expired', 400, `the certificate ended on ${expiresAt.toISOString()}`, {
    hint: 'Give one that is good now.',
  })
}

async function textOf(given: AddCertificate): Promise<{ chain: string; key: string; password?: string }> {
  if (!('pfx' in given)) return given
  const { pfx, password = '' } = given
  return await readPfx(Buffer.from(pfx, 'base64'), password)
}

function viewOf(domain: ServiceDomain, certificates: ServiceCertificate[]): DomainView {
  const { name, thumbprint, is_issued: isIssued, issue_problem: issueProblem, issue_due_at: dueAt } = domain
  const shown = certificates.find((one) => one.thumbprint === thumbprint)
  return {
    ...{ name, isOwn: true, sslState: shown ? 'sniEnabled' : null, thumbprint },
    expiresAt: shown?.expires_at.toISOString() ?? null,
    ...{ isIssued, issueProblem, issueDueAt: dueAt?.toISOString() ?? null },
  }
}

function nameOfCloud({ views }: ApiDeps, service: Service): DomainView {
  const name = `${service.name.toLowerCase()}.${new URL(views.gatewayUrl).hostname}`
  const nothing = { sslState: null, thumbprint: null, expiresAt: null, issueProblem: null, issueDueAt: null }
  return { name, isOwn: false, isIssued: false, ...nothing }
}

function viewOfCertificate(
  { thumbprint, subject, issuer, hostNames, issuedAt, expiresAt }: CertificateFacts,
  more: { isIssued: boolean; domains: string[] },
): CertificateView {
  const dates = { issueDate: issuedAt.toISOString(), expirationDate: expiresAt.toISOString() }
  return { thumbprint, subjectName: subject, issuer, hostNames, ...dates, ...more }
}

function gone(name: string): Fault {
  return new Fault('service.unknown', 404, `there is no mobile service '${name}' any more`)
}
