// What the portal changes of push notifications.
import type { SetPushPermission, SetPushPlatform, StoredChangeView } from '../../contract/api.ts'
import { API } from '../../contract/api-routes.ts'
import { call, pathOf } from './call.ts'

export const setPush = (service: string, platform: string, body: SetPushPlatform) =>
  call<StoredChangeView>(pathOf(API.pushPlatform, { service, platform }), { method: 'PUT', body })
export const deletePush = (service: string, platform: string) =>
  call<StoredChangeView>(pathOf(API.pushPlatform, { service, platform }), { method: 'DELETE' })
export const setPushPermission = (service: string, body: SetPushPermission) =>
  call<StoredChangeView>(pathOf(API.pushPermission, { service }), { method: 'PUT', body })
