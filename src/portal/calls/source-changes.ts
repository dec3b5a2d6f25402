// What the portal changes of source control.
import type { DeployedView, PreviewView } from '../../contract/api.ts'
import { API } from '../../contract/api-routes.ts'
import { SOURCE_CONTROL } from '../../contract/deployment.ts'
import { call, pathOf } from './call.ts'

export const enablePreview = (service: string) =>
  call<PreviewView>(pathOf(API.preview, { service, preview: SOURCE_CONTROL }), { method: 'PUT' })

export const rollBack = (service: string, number: number) =>
  call<DeployedView>(pathOf(API.deployments, { service }), { method: 'POST', body: { action: 'rollback', number } })
