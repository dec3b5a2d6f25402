// The management API's routes for domains and certificates of services.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AddCertificate, AddDomain, CertificateView, DomainView, EnableSsl } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import type { ApiDeps } from './compose.ts'
import {
  addCertificate,
  addDomain,
  deleteCertificate,
  deleteDomain,
  disableSsl,
  enableSsl,
  viewCertificates,
  viewDomain,
  viewDomains,
} from './domains.ts'

const Service = Type.String({ minLength: 1, maxLength: 100 })
const ByService = Type.Object({ service: Service })
const ByDomain = Type.Object({ service: Service, domain: Type.String({ minLength: 1, maxLength: 300 }) })
const ByThumbprint = Type.Object({ service: Service, thumbprint: Type.String({ minLength: 1, maxLength: 100 }) })
const NOTHING = { 204: Type.Null() }

/** Domains: list, add, delete, HTTPS of one. Certificates: list, add, delete. */
export const domainRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const domains = { params: ByService, response: { 200: Type.Array(DomainView) } }
  app.get(API.domains, { schema: domains }, async (request) => {
    return await viewDomains(deps, deps.callerOf(request), request.params.service)
  })

  const added = { params: ByService, body: AddDomain, response: { 201: DomainView } }
  app.post(API.domains, { schema: added }, async (request, reply) => {
    const names = { service: request.params.service, domain: request.body.name }
    return reply.code(201).send(await addDomain(deps, deps.callerOf(request), names))
  })

  app.delete(API.domain, { schema: { params: ByDomain, response: NOTHING } }, async (request, reply) => {
    await deleteDomain(deps, deps.callerOf(request), request.params)
    return reply.code(204).send(null)
  })

  app.get(API.domainSsl, { schema: { params: ByDomain, response: { 200: DomainView } } }, async (request) => {
    return await viewDomain(deps, deps.callerOf(request), request.params)
  })

  const enabled = { params: ByDomain, body: EnableSsl, response: { 200: DomainView } }
  app.put(API.domainSsl, { schema: enabled }, async (request) => {
    return await enableSsl(deps, deps.callerOf(request), { ...request.params, ...request.body })
  })

  app.delete(API.domainSsl, { schema: { params: ByDomain, response: NOTHING } }, async (request, reply) => {
    await disableSsl(deps, deps.callerOf(request), request.params)
    return reply.code(204).send(null)
  })

  const certificates = { params: ByService, response: { 200: Type.Array(CertificateView) } }
  app.get(API.certificates, { schema: certificates }, async (request) => {
    return await viewCertificates(deps, deps.callerOf(request), request.params.service)
  })

  const taken = { params: ByService, body: AddCertificate, response: { 201: CertificateView } }
  app.post(API.certificates, { schema: taken }, async (request, reply) => {
    const { service } = request.params
    return reply.code(201).send(await addCertificate(deps, deps.callerOf(request), service, request.body))
  })

  app.delete(API.certificate, { schema: { params: ByThumbprint, response: NOTHING } }, async (request, reply) => {
    await deleteCertificate(deps, deps.callerOf(request), request.params)
    return reply.code(204).send(null)
  })
}
