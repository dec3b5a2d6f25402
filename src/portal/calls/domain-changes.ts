// What the portal changes of domains and certificates.
import type { AddCertificate, CertificateView, DomainView, OperationView } from '../../contract/api.ts'
import { API } from '../../contract/api-routes.ts'
import { call, pathOf } from './call.ts'

export const addDomain = (service: string, name: string) =>
  call<DomainView>(pathOf(API.domains, { service }), { method: 'POST', body: { name } })
export const deleteDomain = (service: string, domain: string) =>
  call<void>(pathOf(API.domain, { service, domain }), { method: 'DELETE' })
export const enableSsl = (service: string, domain: string, thumbprint: string) =>
  call<DomainView>(pathOf(API.domainSsl, { service, domain }), { method: 'PUT', body: { thumbprint } })
export const disableSsl = (service: string, domain: string) =>
  call<void>(pathOf(API.domainSsl, { service, domain }), { method: 'DELETE' })
export const issueCertificate = (service: string, domain: string, key: string) =>
  call<OperationView>(pathOf(API.domainIssue, { service, domain }), { method: 'POST', key })

export const addCertificate = (service: string, body: AddCertificate) =>
  call<CertificateView>(pathOf(API.certificates, { service }), { method: 'POST', body })
export const deleteCertificate = (service: string, thumbprint: string) =>
  call<void>(pathOf(API.certificate, { service, thumbprint }), { method: 'DELETE' })

/** A file as base64. */
export async function base64Of(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}
