// The authority that issues certificates by itself, through the management API; and asking it when it is time.
import { audit } from '../accounts/audit.ts'
import { type Caller, SCHEDULE } from '../accounts/caller.ts'
import type { AcmeView, SetAcme } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { ISSUES_AT_ONCE_MAX } from '../kit/limits.ts'
import { findAuthority, getAuthority, removeAuthority, writeAuthority } from '../services/acme-authority.ts'
import { makeKey, termsOf } from '../services/acme-client.ts'
import { listCertificates } from '../services/certificates.ts'
import { getDomain, listIssuedDomains, markIssued } from '../services/domains.ts'
import { isIssueDue } from '../services/issuance.ts'
import { beginIssue } from '../services/issue-certificate.ts'
import { getService, lockServices } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'
import type { Db } from './database.ts'

const MAIL = /^[^\s@<>,;:"]+@[^\s@<>,;:"]+$/

/** Who it is. */
export async function viewAcme({ db }: { db: ApiDeps['db'] }): Promise<AcmeView> {
  const found = await findAuthority(db)
  return { isOn: found !== null, directoryUrl: found?.directory_url ?? null, contact: found?.contact ?? null }
}

/** Names it. Faults with `acme.bad_url`, `acme.bad_contact`, `acme.terms`, or when it does not answer. */
export async function setAcme(deps: ApiDeps, caller: Caller, wanted: SetAcme): Promise<AcmeView> {
  const { directoryUrl, contact = null } = wanted
  const url = URL.canParse(directoryUrl) ? new URL(directoryUrl) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '') {
    throw new Fault('acme.bad_url', 400, `'${directoryUrl}' is not the directory of an authority`, {
      hint: 'Write it whole: --directory https://acme.example.com/directory',
    })
  }
  if (contact !== null && !MAIL.test(contact)) {
    throw new Fault('acme.bad_contact', 400, `'${contact}' is no address`, { hint: 'Write it as ops@example.com.' })
  }
  const terms = await termsOf(url.href)
  if (terms !== null && wanted.isTermsAgreed !== true) {
    throw new Fault('acme.terms', 400, `the authority has terms of service: ${terms}`, {
      hint: 'Read them, and agree to them: --agree-terms',
    })
  }
  const before = await findAuthority(deps.db)
  // An account is one authority's; a new key is a new one.
  const isSame = before?.directory_url === url.href && before.contact === contact
  const accountKey = isSame ? before.account_key : deps.seal.seal(await makeKey())
  await deps.db.transaction().execute(async (trx) => {
    const accountUrl = isSame ? before.account_url : null
    await writeAuthority(trx, {
      directory_url: url.href,
      contact,
      account_key: accountKey,
      account_url: accountUrl,
    })
    await audit(trx, caller, { action: 'acme set', subject: url.host, after: { directoryUrl: url.href, contact } })
  })
  return await viewAcme(deps)
}

/** Has nothing issued any more. */
export async function removeAcme(deps: ApiDeps, caller: Caller): Promise<void> {
  await deps.db.transaction().execute(async (trx) => {
    const before = await findAuthority(trx)
    if (!before) return
    await removeAuthority(trx)
    await audit(trx, caller, { action: 'acme remove', subject: new URL(before.directory_url).host })
  })
}

/** Has a certificate for a domain issued and renewed from now on. Returns the operation's id. */
export async function issueForDomain(
  deps: ApiDeps,
  caller: Caller,
  names: { service: string; domain: string },
): Promise<string> {
  await getAuthority(deps.db)
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  return await deps.db.transaction().execute(async (trx) => {
    const [locked] = await lockServices(trx, [service.id])
    if (!locked) throw new Fault('service.unknown', 404, `there is no mobile service '${names.service}' any more`)
    const domain = await getDomain(trx, locked, names.domain)
    await markIssued(trx, domain)
    const operationId = await beginIssue(trx, caller, locked, domain.name)
    const subject = `${locked.name}/${domain.name}`
    await audit(trx, caller, { action: 'mobile domain ssl enable', subject, after: { isIssued: true }, operationId })
    return operationId
  })
}

/** Begins what is due: first certificates, renewals, further tries; a few at a time. */
export async function beginDueIssues({ db }: { db: Db }): Promise<void> {
  if ((await findAuthority(db)) === null) return
  const domains = await listIssuedDomains(db)
  const certificates = await listCertificates(db, [...new Set(domains.map(({ service_id: id }) => id))])
  const due = domains.filter(({ thumbprint, service_id: id, issue_due_at: dueAt }) => {
    const shown = certificates.find((one) => one.thumbprint === thumbprint && one.service_id === id)
    return isIssueDue({ chain: shown?.chain ?? null, dueAt }, Date.now())
  })
  for (const { name, service_id: id } of due.slice(0, ISSUES_AT_ONCE_MAX)) {
    await db.transaction().execute(async (trx) => {
      const [service] = await lockServices(trx, [id])
      if (service) await beginIssue(trx, SCHEDULE, service, name)
    })
  }
}
