// The management API's routes for source control: preview features, deployments, deployment users.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { listDeploymentUsers, removeDeploymentUser, setDeploymentUser } from '../accounts/deployment-users.ts'
import {
  Deploy,
  DeployedView,
  DeploymentUserView,
  DeploymentView,
  PreviewView,
  SetDeploymentUser,
} from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import type { ApiDeps } from './compose.ts'
import { enablePreview, redeploy, viewDeployments, viewOneDeployment, viewPreviews } from './source-control.ts'

const Name = Type.String({ minLength: 1, maxLength: 128 })
const ByService = Type.Object({ service: Name })
const ByPreview = Type.Object({ service: Name, preview: Name })
const ByDeployment = Type.Object({ service: Name, deployment: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }) })
const ByUser = Type.Object({ user: Name })

/** Previews: list, enable. Deployments: list, show, deploy again. Deployment users: list, set, delete. */
export const sourceRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const previewsSchema = { params: ByService, response: { 200: Type.Array(PreviewView) } }
  app.get(API.previews, { schema: previewsSchema }, async (request) => {
    return await viewPreviews(deps, deps.callerOf(request), request.params.service)
  })

  app.put(
    API.preview,
    { schema: { params: ByPreview, response: { 200: PreviewView } } },
    async (request) => await enablePreview(deps, deps.callerOf(request), request.params),
  )

  const deploymentsSchema = { params: ByService, response: { 200: Type.Array(DeploymentView) } }
  app.get(API.deployments, { schema: deploymentsSchema }, async (request) => {
    return await viewDeployments(deps, deps.callerOf(request), request.params.service)
  })

  app.get(API.deployment, { schema: { params: ByDeployment, response: { 200: DeploymentView } } }, async (request) => {
    return await viewOneDeployment(deps, deps.callerOf(request), request.params)
  })

  const deploySchema = { params: ByService, body: Deploy, response: { 200: DeployedView } }
  app.post(API.deployments, { schema: deploySchema }, async (request) => {
    return await redeploy(deps, deps.callerOf(request), request.params.service, request.body)
  })

  app.get(API.deploymentUsers, { schema: { response: { 200: Type.Array(DeploymentUserView) } } }, async (request) => {
    return await listDeploymentUsers(deps.db, deps.callerOf(request).subscriptionId)
  })

  // Who pushes changes what runs: as with tokens, an owner says who may.
  const asOwner = { role: 'owner' as const }
  app.put(
    API.deploymentUser,
    { schema: { params: ByUser, body: SetDeploymentUser }, config: asOwner },
    async (request, reply) => {
      const { user } = request.params
      await setDeploymentUser(deps.db, deps.callerOf(request), user, request.body.password)
      return reply.code(204).send()
    },
  )

  app.delete(API.deploymentUser, { schema: { params: ByUser }, config: asOwner }, async (request, reply) => {
    await removeDeploymentUser(deps.db, deps.callerOf(request), request.params.user)
    return reply.code(204).send()
  })
}
