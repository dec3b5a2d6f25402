// `push` as scripts have it: to devices by name or by tags, by callbacks or promises. Sent into a context as text: it may
// use nothing but its arguments and the globals of a context of ours.
import type { AskOutcome, PushAsk } from './messages.ts'
import type { Fields, Tables } from './script-tables.ts'
import type { WnsTemplate } from './wns-templates.ts'

/** What the sandbox gives for one call. Functions of the outer world. */
export type PushOutside = {
  ask: (what: PushAsk, done: (outcome: AskOutcome) => void) => void
  templates: Pick<WnsTemplate, 'name' | 'texts' | 'images'>[]
  templateXml: (name: string, values: Fields) => string
  badgeXml: (value: unknown) => string
}
type Handlers = { success?: unknown; error?: unknown }
type Callback = (error: unknown, result?: unknown) => unknown
/** Whom something goes to: tags (null: everybody), or devices by their own names. */
type Whom = { tags: string | null } | { devices: unknown[]; isOne: boolean }

/** Makes the `push` of one call. */
export const scriptPush = (outside: PushOutside, { guarded, fail, newPending }: Tables): Fields => {
  // Both ways of old: handlers in an object, or one function of an error and a result.
  const handlersOf = (given: unknown): Handlers => {
    if (typeof given === 'function') {
      const callback = given as Callback
      return { success: (result: unknown) => callback(null, result), error: (error: unknown) => callback(error) }
    }
    return typeof given === 'object' && given !== null ? (given as Handlers) : {}
  }
  const errorOf = (outcome: AskOutcome) =>
    outcome.kind === 'failed'
      ? Object.assign(new Error(outcome.message), { statusCode: outcome.status })
      : new Error('push gave an answer that is none of it.')

  /** Has things done, one call of a handler for each; the promise gets the results as `together` makes them. */
  function perform(asks: PushAsk[], handlers: Handlers, together: (results: unknown[]) => unknown): unknown {
    const pending = newPending()
    const results: unknown[] = []
    let left = asks.length
    let error: unknown
    const settle = () => {
      left -= 1
      if (left > 0) return
      if (error === undefined) pending.resolve(together(results))
      else if (typeof handlers.error !== 'function') {
        if (pending.isWatched()) pending.reject(error)
        else fail(error)
      }
    }
    // A runtime takes only so many questions at once.
    let next = 0
    const begin = (): void => {
      const at = next
      const ask = asks[at]
      next += 1
      if (!ask) return
      outside.ask(ask, (outcome) => {
        begin()
        guarded(() => told(at, outcome))
      })
    }
    const told = (at: number, outcome: AskOutcome): unknown => {
      if (outcome.kind === 'pushed') {
        // Of this world: nothing of the outer one gets to a script.
        const result = JSON.parse(JSON.stringify(outcome.result ?? null)) as unknown
        results[at] = result
        settle()
        return typeof handlers.success === 'function' ? handlers.success(result) : undefined
      }
      error = errorOf(outcome)
      const { error: onError } = handlers
      settle()
      return typeof onError === 'function' ? onError(error) : undefined
    }
    for (let at = 0; at < 50; at += 1) begin()
    if (asks.length === 0) pending.resolve(together([]))
    return pending.promise
  }

  // What it says is the runtime's to say.
  const retired = (...given: unknown[]) => {
    const gone = {
      op: 'push_send' as const,
      platform: 'mpns',
      tags: null,
      device: null,
      body: null,
      headers: {},
      ttl: null,
    }
    return perform([gone], handlersOf(callbackIn(given)), () => undefined)
  }
  const isOptions = (given: unknown) =>
    typeof given === 'object' && given !== null && ('success' in given || 'error' in given)

  // ---- whom it goes to

  const isDevice: Record<string, (one: unknown) => boolean> = {
    wns: (one) => typeof one === 'string' && /^https?:\/\//i.test(one),
    apns: (one) => typeof one === 'string' && /^[0-9a-f]{64,200}$/i.test(one),
    // Longer than a tag can be.
    gcm: (one) => typeof one === 'string' && (one.length > 120 || one.includes(':APA91')),
    webpush: (one) => typeof one === 'object' || (typeof one === 'string' && one.trim().startsWith('{')),
  }
  function whomOf(platform: string, given: unknown, options: Fields): Whom {
    if (given === undefined || given === null || given === '') {
      if (options.to === 'devices') throw new Error('A device is missing.')
      return { tags: null }
    }
    const all = Array.isArray(given) ? given : [given]
    const byName = options.to === undefined ? all.filter((one) => isDevice[platform]?.(one)).length : 0
    if (options.to === 'devices' || (byName > 0 && byName === all.length)) {
      return { devices: all, isOne: !Array.isArray(given) }
    }
    if (byName > 0) throw new Error('Name devices or tags, not both at once.')
    if (all.some((one) => typeof one !== 'string')) throw new Error('A tag is a text.')
    return { tags: all.length === 1 ? String(all[0]) : all.map((one) => `(${one})`).join(' || ') }
  }

  const secondsOf = ({ ttl, expiry }: Fields): number | null => {
    if (typeof ttl === 'number') return Math.max(0, Math.floor(ttl))
    const at = expiry instanceof Date ? expiry.getTime() : Number.NaN
    return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - Date.now()) / 1_000))
  }

  function send(platform: string, to: unknown, body: unknown, given: unknown): unknown {
    const options = (typeof given === 'object' && given !== null ? given : {}) as Fields
    const handlers = handlersOf(given)
    const whom = whomOf(platform, to, options)
    const headers = (options.headers ?? {}) as Record<string, string>
    const base = { op: 'push_send' as const, platform, body, headers, ttl: secondsOf(options) }
    if ('tags' in whom) {
      return perform([{ ...base, tags: whom.tags, device: null }], handlers, ([result]) => result)
    }
    if (whom.devices.length > 1_000) throw new Error('Name 1,000 devices at once, no more; or send to tags.')
    const asks = whom.devices.map((device) => ({ ...base, tags: null, device }))
    return perform(asks, handlers, (results) => (whom.isOne ? results[0] : results))
  }

  const devices = (act: string, values: unknown[], given: unknown) =>
    perform([{ op: 'push_devices', act, values }], handlersOf(given), ([result]) => result)
  const callbackIn = (given: unknown[]) => given.find((one) => typeof one === 'function' || isOptions(one))

  // ---- platforms

  const options = (type: string, given: unknown): unknown => {
    const own = (typeof given === 'object' && given !== null ? given : {}) as Fields
    const handlers = handlersOf(given)
    return { ...own, ...handlers, headers: { 'x-wns-type': type, ...(own.headers as Fields | undefined) } }
  }
  const wns: Fields = {}
  for (const { name, texts, images } of outside.templates) {
    const type = name.startsWith('Toast') ? 'wns/toast' : 'wns/tile'
    wns[`send${name}`] = (to: unknown, ...given: unknown[]) => {
      const last = given.at(-1)
      const hasOptions = given.length > 1 && (typeof last === 'function' || (typeof last === 'object' && last !== null))
      const parts = hasOptions ? given.slice(0, -1) : given
      // An object, or one after the other: sources and alternatives of images, then texts.
      const names = [
        ...Array.from({ length: images }, (_, at) => [`image${at + 1}src`, `image${at + 1}alt`]).flat(),
        ...Array.from({ length: texts }, (_, at) => `text${at + 1}`),
      ]
      const [first] = parts
      const isObject = typeof first === 'object' && first !== null
      const listed = () => Object.fromEntries(parts.map((part, at) => [names[at] ?? `text${at + 1}`, part]))
      const values = isObject ? (first as Fields) : listed()
      const more = (hasOptions && typeof last === 'object' ? last : {}) as Fields
      const toast = { launch: more.launch, duration: more.duration, lang: more.lang, audio: more.audio }
      const set = Object.fromEntries(Object.entries({ ...toast, ...values }).filter(([, value]) => value !== undefined))
      return send('wns', to, outside.templateXml(name, set), options(type, hasOptions ? last : {}))
    }
  }
  const ofPlatform = (platform: string): Fields => {
    const listByDevice = (device: unknown, ...given: unknown[]) =>
      devices('list', [{ platform, device, ...pageOf(given[0]) }], callbackIn(given))
    const registration = (device: unknown, tags: unknown) => ({ platform, deviceId: device, tags })
    const template = (headers: Fields) => {
      return (device: unknown, tags: unknown, body: unknown, ...given: unknown[]) => {
        const named = { ...registration(device, tags), templateBody: body, templateName: 'template', headers }
        return devices('create', [named], callbackIn(given))
      }
    }
    return {
      send: (to: unknown, body: unknown, ...given: unknown[]) => send(platform, to, body, given.at(-1)),
      createNativeRegistration: (device: unknown, tags: unknown, ...given: unknown[]) =>
        devices('create', [registration(device, tags)], callbackIn(given)),
      createTemplateRegistration: template({}),
      ...(platform === 'wns'
        ? {
            createToastRegistration: template({ 'X-WNS-Type': 'wns/toast' }),
            createTileRegistration: template({ 'X-WNS-Type': 'wns/tile' }),
            createBadgeRegistration: template({ 'X-WNS-Type': 'wns/badge' }),
            createRawTemplateRegistration: template({ 'X-WNS-Type': 'wns/raw' }),
          }
        : {}),
      listRegistrationsByChannel: listByDevice,
      listRegistrationsByToken: listByDevice,
      listRegistrationsByDeviceToken: listByDevice,
      listRegistrationsByRegistrationId: listByDevice,
      getFeedback: (given?: unknown) => devices('feedback', [{ platform, ...sinceOf(given) }], given),
    }
  }
  const pageOf = (given: unknown): Fields => {
    const { top, skip } = (typeof given === 'object' && given !== null ? given : {}) as Fields
    return { top, skip }
  }
  const sinceOf = (given: unknown): Fields => {
    const { since } = (typeof given === 'object' && given !== null ? given : {}) as Fields
    return since === undefined ? {} : { since: since instanceof Date ? since.toISOString() : since }
  }

  const device =
    (act: string, count: number) =>
    (...given: unknown[]) =>
      devices(act, given.slice(0, count), callbackIn(given.slice(count)))
  const list = (filter: Fields, given: unknown[]) =>
    devices('list', [{ ...filter, ...pageOf(given[0]) }], callbackIn(given))
  const gcm = ofPlatform('gcm')
  const mpns: Fields = {}
  for (const name of ['send', 'sendToast', 'sendTile', 'sendFlipTile', 'sendIconicTile', 'sendCycleTile', 'sendRaw']) {
    mpns[name] = retired
  }
  return {
    send: (to: unknown, body: unknown, ...given: unknown[]) => send('template', to, body, given.at(-1)),
    wns: {
      ...ofPlatform('wns'),
      ...wns,
      // The type comes before the options, and may be left out.
      send: (to: unknown, body: unknown, ...given: unknown[]) => {
        const type = given.find((one) => typeof one === 'string')
        const last = given.findLast((one) => typeof one !== 'string')
        return send('wns', to, body, type === undefined ? last : options(String(type), last))
      },
      sendRaw: (to: unknown, body: unknown, given?: unknown) => send('wns', to, body, options('wns/raw', given)),
      sendBadge: (to: unknown, value: unknown, given?: unknown) =>
        send('wns', to, outside.badgeXml(value), options('wns/badge', given)),
      sendToast: (to: unknown, body: unknown, given?: unknown) => send('wns', to, body, options('wns/toast', given)),
      sendTile: (to: unknown, body: unknown, given?: unknown) => send('wns', to, body, options('wns/tile', given)),
    },
    apns: ofPlatform('apns'),
    gcm: {
      ...gcm,
      sendAdvanced: (content: Fields, ...given: unknown[]) => {
        const { registration_ids: ids, to, ...body } = content
        // How often it is tried is ours to say.
        const last = given.findLast((one) => typeof one !== 'number')
        const own = typeof last === 'function' ? handlersOf(last) : (last as Fields | undefined)
        return send('gcm', ids ?? to, body, { ...own, to: 'devices' })
      },
    },
    mpns,
    webpush: ofPlatform('webpush'),
    getFeedback: (given?: unknown) => devices('feedback', [sinceOf(given)], given),
    createRegistrationId: device('create_id', 0),
    createRegistration: device('create', 1),
    createOrUpdateRegistration: device('put', 1),
    updateRegistration: device('put', 1),
    getRegistration: device('get', 1),
    deleteRegistration: device('delete', 1),
    listRegistrations: (...given: unknown[]) => list({}, given),
    listRegistrationsByTag: (tag: unknown, ...given: unknown[]) => list({ tags: tag }, given),
    createOrUpdateInstallation: device('install', 1),
    getInstallation: device('installation', 1),
    patchInstallation: device('patch', 2),
    deleteInstallation: device('uninstall', 1),
  }
}
