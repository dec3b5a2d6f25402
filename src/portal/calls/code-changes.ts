// What the portal changes of custom APIs, scheduled jobs and the providers through which users sign in.
import type {
  CreateCustomApi,
  CreateJob,
  SetApiPermissions,
  SetAuthProvider,
  StoredChangeView,
  UpdateJob,
} from '../../contract/api.ts'
import { API } from '../../contract/api-routes.ts'
import { call, pathOf } from './call.ts'

export const createApi = (service: string, body: CreateCustomApi) =>
  call<StoredChangeView>(pathOf(API.customApis, { service }), { method: 'POST', body })
export const setApiPermissions = (service: string, api: string, body: SetApiPermissions) =>
  call<StoredChangeView>(pathOf(API.customApi, { service, api }), { method: 'PUT', body })
export const deleteApi = (service: string, api: string) =>
  call<StoredChangeView>(pathOf(API.customApi, { service, api }), { method: 'DELETE' })

export const createJob = (service: string, body: CreateJob) =>
  call<StoredChangeView>(pathOf(API.jobs, { service }), { method: 'POST', body })
export const updateJob = (service: string, job: string, body: UpdateJob) =>
  call<StoredChangeView>(pathOf(API.job, { service, job }), { method: 'PATCH', body })
export const deleteJob = (service: string, job: string) =>
  call<StoredChangeView>(pathOf(API.job, { service, job }), { method: 'DELETE' })
export const runJob = (service: string, job: string) =>
  call<void>(pathOf(API.jobRuns, { service, job }), { method: 'POST' })

export const setAuthProvider = (service: string, provider: string, body: SetAuthProvider) =>
  call<StoredChangeView>(pathOf(API.authProvider, { service, provider }), { method: 'PUT', body })
export const deleteAuthProvider = (service: string, provider: string) =>
  call<StoredChangeView>(pathOf(API.authProvider, { service, provider }), { method: 'DELETE' })
