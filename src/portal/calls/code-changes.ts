// What the portal changes of custom APIs and scheduled jobs.
import type { CreateCustomApi, CreateJob, SetApiPermissions, StoredChangeView, UpdateJob } from '../../contract/api.ts'
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
