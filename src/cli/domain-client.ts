// Domains of mobile services and their certificates, as the CLI calls control for them.
import type { AcmeView, AddCertificate, CertificateView, DomainView, OperationView, SetAcme } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { type ControlCalls, FOLLOWED, fill } from './control-calls.ts'

/** The calls for domains and certificates. */
export class DomainClient {
  readonly #calls: ControlCalls

  constructor(calls: ControlCalls) {
    this.#calls = calls
  }

  list = async (service: string) => await this.#calls.list('DomainView', fill(API.domains, { service }))

  async add(service: string, name: string): Promise<DomainView> {
    const path = fill(API.domains, { service })
    return await this.#calls.send('DomainView', { verb: 'POST', path, body: { name }, ...FOLLOWED })
  }

  async delete(service: string, domain: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.domain, { service, domain }), ...FOLLOWED })
  }

  async getSsl(service: string, domain: string): Promise<DomainView> {
    return await this.#calls.get('DomainView', fill(API.domainSsl, { service, domain }))
  }

  async enableSsl(service: string, domain: string, thumbprint: string): Promise<DomainView> {
    const path = fill(API.domainSsl, { service, domain })
    return await this.#calls.send('DomainView', { verb: 'PUT', path, body: { thumbprint }, ...FOLLOWED })
  }

  async disableSsl(service: string, domain: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.domainSsl, { service, domain }), ...FOLLOWED })
  }

  /** Has a certificate for a domain issued. */
  async issue(service: string, domain: string): Promise<OperationView> {
    const path = fill(API.domainIssue, { service, domain })
    return await this.#calls.send('OperationView', { verb: 'POST', path })
  }

  getAcme = async () => await this.#calls.get('AcmeView', API.acme)

  async setAcme(request: SetAcme): Promise<AcmeView> {
    return await this.#calls.send('AcmeView', { verb: 'PUT', path: API.acme, body: request, ...FOLLOWED })
  }

  async removeAcme(): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: API.acme })
  }

  listCertificates = async (service: string) =>
    await this.#calls.list('CertificateView', fill(API.certificates, { service }))

  async addCertificate(service: string, request: AddCertificate): Promise<CertificateView> {
    const path = fill(API.certificates, { service })
    return await this.#calls.send('CertificateView', { verb: 'POST', path, body: request, ...FOLLOWED })
  }

  async deleteCertificate(service: string, thumbprint: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.certificate, { service, thumbprint }), ...FOLLOWED })
  }
}
