// Domains of a service and its certificates in the original's management protocol.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { ApiDeps } from '../control/compose.ts'
import {
  addCertificate,
  addDomain,
  deleteCertificate,
  deleteDomain,
  disableSsl,
  enableSsl,
  viewCertificates,
  viewDomains,
} from '../control/domains.ts'
import { Fault } from '../kit/fault.ts'

const Name = Type.String({ minLength: 1, maxLength: 100 })
const Domain = Type.String({ minLength: 1, maxLength: 300 })
const ByService = Type.Object({ svc: Name })
const ByDomain = Type.Object({ svc: Name, domain: Domain })
const BySsl = Type.Object({ svc: Name, domain: Domain, thumbprint: Name })
const ByThumbprint = Type.Object({ svc: Name, thumbprint: Name })
/** In base64 a third longer than the file. */
const Pfx = Type.Object({
  PfxBlob: Type.String({ minLength: 1, maxLength: 90_000 }),
  Password: Type.Optional(Type.String({ maxLength: 1_000 })),
})

/** Domains: list, add, delete, HTTPS of one. Certificates: list, add, delete. */
export const domainRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get('/hostnames', { schema: { params: ByService } }, async (request) => {
    return (await viewDomains(deps, deps.callerOf(request), request.params.svc)).map(({ name }) => name)
  })

  app.post('/hostnames/:domain', { schema: { params: ByDomain } }, async (request, reply) => {
    const { svc, domain } = request.params
    await addDomain(deps, deps.callerOf(request), { service: svc, domain })
    return reply.code(204).send()
  })

  app.delete('/hostnames/:domain', { schema: { params: ByDomain } }, async (request, reply) => {
    const { svc, domain } = request.params
    await deleteDomain(deps, deps.callerOf(request), { service: svc, domain })
    return reply.code(204).send()
  })

  // Also of the name that the cloud gives, which clients offer in their lists.
  const shownFor = async (
    caller: ReturnType<typeof deps.callerOf>,
    { svc, domain }: { svc: string; domain: string },
  ) => {
    const found = (await viewDomains(deps, caller, svc)).find(({ name }) => name === domain.toLowerCase())
    if (found) return found
    throw new Fault('domain.unknown', 404, `'${svc}' has no domain '${domain}'`)
  }
  app.get('/hostnames/:domain/ssl', { schema: { params: ByDomain } }, async (request) => {
    const { name, sslState, thumbprint } = await shownFor(deps.callerOf(request), request.params)
    return { name, ...(sslState === null ? {} : { sslState, thumbprint }) }
  })

  app.post('/hostnames/:domain/ssl/:thumbprint', { schema: { params: BySsl } }, async (request, reply) => {
    const { svc, domain, thumbprint } = request.params
    await enableSsl(deps, deps.callerOf(request), { service: svc, domain, thumbprint })
    return reply.code(204).send()
  })

  app.delete('/hostnames/:domain/ssl/:thumbprint', { schema: { params: BySsl } }, async (request, reply) => {
    const { svc, domain, thumbprint } = request.params
    const shown = await shownFor(deps.callerOf(request), request.params)
    if (shown.thumbprint !== null && shown.thumbprint !== thumbprint.toUpperCase()) {
      throw new Fault('certificate.unknown', 404, `'${domain}' does not show the certificate ${thumbprint}`, {
        hint: `It shows ${shown.thumbprint}.`,
      })
    }
    await disableSsl(deps, deps.callerOf(request), { service: svc, domain })
    return reply.code(204).send()
  })

  app.get('/certificates', { schema: { params: ByService } }, async (request) => {
    const found = await viewCertificates(deps, deps.callerOf(request), request.params.svc)
    return found.map(({ expirationDate, issueDate, hostNames, issuer, subjectName, thumbprint }) => ({
      ...{ expirationDate, issueDate, hostNames, issuer, subjectName, thumbprint },
    }))
  })

  app.post('/certificates', { schema: { params: ByService, body: Pfx } }, async (request, reply) => {
    const { PfxBlob: pfx, Password: password = '' } = request.body
    await addCertificate(deps, deps.callerOf(request), request.params.svc, { pfx, password })
    return reply.code(204).send()
  })

  app.delete('/certificates/:thumbprint', { schema: { params: ByThumbprint } }, async (request, reply) => {
    const { svc, thumbprint } = request.params
    await deleteCertificate(deps, deps.callerOf(request), { service: svc, thumbprint })
    return reply.code(204).send()
  })
}
