// Certificates of services as rows: the chain as it is shown, its private key sealed.
import type { Kysely, Selectable } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { CERTIFICATES_PER_SERVICE_MAX, WARNINGS_ABOUT_CERTIFICATES_MAX } from '../kit/limits.ts'
import { type CertificateFacts, type CertificateText, factsOf } from './certificate-text.ts'
import type { Service } from './services.ts'

type Db = Kysely<ControlDatabase>
export type ServiceCertificate = Selectable<ControlDatabase['service_certificates']>

/** The certificates of some services, the oldest first. */
export async function listCertificates(db: Db, serviceIds: string[]): Promise<ServiceCertificate[]> {
  if (serviceIds.length === 0) return []
  return await db
    .selectFrom('service_certificates')
    .selectAll()
    .where('service_id', 'in', serviceIds)
    .orderBy('created_at')
    .orderBy('thumbprint')
    .execute()
}

/** The certificate of that thumbprint, written in any way. Faults with `certificate.unknown`. */
export async function getCertificate(
  db: Db,
  service: Pick<Service, 'id' | 'name'>,
  thumbprint: string,
): Promise<ServiceCertificate> {
  const found = await db
    .selectFrom('service_certificates')
    .selectAll()
    .where('service_id', '=', service.id)
    .where('thumbprint', '=', plainThumbprint(thumbprint))
    .executeTakeFirst()
  if (found) return found
  throw new Fault('certificate.unknown', 404, `'${service.name}' has no certificate ${plainThumbprint(thumbprint)}`, {
    hint: `See which there are: mainstay mobile cert list ${service.name}`,
  })
}

/** Adds one that was checked; `seal` seals its key. Faults with `certificate.exists` or `certificate.too_many`. */
export async function insertCertificate(
  trx: Db,
  service: Pick<Service, 'id' | 'name'>,
  text: CertificateText & { isIssued?: boolean },
  seal: (text: string) => string,
): Promise<CertificateFacts> {
  const facts = factsOf(text.chain)
  const known = await listCertificates(trx, [service.id])
  if (known.some(({ thumbprint }) => thumbprint === facts.thumbprint)) {
    throw new Fault('certificate.exists', 409, `'${service.name}' already has the certificate ${facts.thumbprint}`, {
      hint: `See which there are: mainstay mobile cert list ${service.name}`,
    })
  }
  // One that is renewed goes when the new one is there.
  if (!text.isIssued && known.length >= CERTIFICATES_PER_SERVICE_MAX) {
    throw new Fault('certificate.too_many', 409, `'${service.name}' has ${known.length} certificates already`, {
      hint: `Delete one that is not in use: mainstay mobile cert delete ${service.name} THUMBPRINT`,
    })
  }
  const { chain, key, isIssued = false } = text
  await trx
    .insertInto('service_certificates')
    .values({
      service_id: service.id,
      thumbprint: facts.thumbprint,
      chain,
      private_key: seal(key),
      expires_at: facts.expiresAt,
      is_issued: isIssued,
    })
    .execute()
  return facts
}

/** Certificates that domains of living services show and that end before `until`, the first to end first. */
export async function listEndingCertificates(
  db: Db,
  until: Date,
): Promise<{ service: string; domain: string; thumbprint: string; expiresAt: Date; isIssued: boolean }[]> {
  return await db
    .selectFrom('service_domains')
    .innerJoin('services', 'services.id', 'service_domains.service_id')
    .innerJoin('service_certificates', (join) =>
      join
        .onRef('service_certificates.service_id', '=', 'service_domains.service_id')
        .onRef('service_certificates.thumbprint', '=', 'service_domains.thumbprint'),
    )
    .select(['services.name as service', 'service_domains.name as domain', 'service_certificates.thumbprint'])
    .select(['service_certificates.expires_at as expiresAt', 'service_domains.is_issued as isIssued'])
    .where('services.ended_at', 'is', null)
    .where('service_certificates.expires_at', '<', until)
    .orderBy('service_certificates.expires_at')
    .limit(WARNINGS_ABOUT_CERTIFICATES_MAX)
    .execute()
}

/** Removes one that no domain shows. */
export async function removeCertificate(
  trx: Db,
  { service_id: serviceId, thumbprint }: Pick<ServiceCertificate, 'service_id' | 'thumbprint'>,
): Promise<void> {
  await trx
    .deleteFrom('service_certificates')
    .where('service_id', '=', serviceId)
    .where('thumbprint', '=', thumbprint)
    .execute()
}

/** Upper-case hex without what people put in between. */
export function plainThumbprint(text: string): string {
  return text.replace(/[\s:]/g, '').toUpperCase()
}
