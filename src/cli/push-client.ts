// Push notifications of a mobile service, as the CLI calls control for them.
import type { PushSendView, PushView, SetPushPermission, SetPushPlatform, StoredChangeView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { type ControlCalls, FOLLOWED, fill } from './control-calls.ts'

/** The calls for push. */
export class PushClient {
  readonly #calls: ControlCalls

  constructor(calls: ControlCalls) {
    this.#calls = calls
  }

  async show(service: string): Promise<PushView> {
    return await this.#calls.get('PushView', fill(API.push, { service }))
  }

  async set(service: string, platform: string, request: SetPushPlatform): Promise<StoredChangeView> {
    const path = fill(API.pushPlatform, { service, platform })
    return await this.#calls.send('StoredChangeView', { verb: 'PUT', path, body: request, ...FOLLOWED })
  }

  async delete(service: string, platform: string): Promise<StoredChangeView> {
    const path = fill(API.pushPlatform, { service, platform })
    return await this.#calls.send('StoredChangeView', { verb: 'DELETE', path, ...FOLLOWED })
  }

  async setPermission(service: string, request: SetPushPermission): Promise<StoredChangeView> {
    const path = fill(API.pushPermission, { service })
    return await this.#calls.send('StoredChangeView', { verb: 'PUT', path, body: request, ...FOLLOWED })
  }

  async listSends(service: string, top: number): Promise<PushSendView[]> {
    return await this.#calls.list('PushSendView', fill(API.pushSends, { service }), { top: String(top) })
  }
}
