// Stand-ins of the push services of Microsoft, Apple, Google and of browsers: their real protocols, on loopback. What a
// device answers is in its name: `gone`, `bad`, `busy`, `hang`, or anything else, which takes what it is sent.
import { createDecipheriv, createECDH, createHmac, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { importJWK, jwtVerify } from 'jose'
import webPush from 'web-push'
import type { PushSettings } from '../../src/contract/push.ts'

export type Received = { platform: string; device: string; body: string; headers: Record<string, string> }
type Reply = { status: number; headers?: Record<string, string>; body?: string }

export type PushPlatforms = {
  /** Credentials that they know, with themselves as the platforms. */
  settings: Required<Pick<PushSettings, 'wns' | 'apns' | 'gcm' | 'webpush'>>
  received: Received[]
  /** Tries of each device, whatever was answered. */
  tries: Map<string, number>
  tokens: { wns: number; gcm: number; apnsSessions: number }
  /** Answers of all devices of a platform, while one is set. */
  outage: Map<string, Reply>
  /** A browser that subscribes under that name. */
  subscribe: (name: string) => { endpoint: string; keys: { p256dh: string; auth: string } }
  close: () => Promise<void>
}

const HANG: Reply = { status: 0 }

export function channelOf(name: string): string {
  return `https://db3.notify.windows.com/?token=${name}`
}

/** A device token of Apple's for a name. */
export function deviceToken(name: string): string {
  return Buffer.from(name).toString('hex').padEnd(64, '0')
}

/** Starts them; the caller closes them in an `after` hook. */
export async function startPushPlatforms(): Promise<PushPlatforms> {
  const google = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const apple = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const vapid = webPush.generateVAPIDKeys()
  const browsers = new Map<string, Browser>()
  const received: Received[] = []
  const tries = new Map<string, number>()
  const outage = new Map<string, Reply>()
  const tokens = { wns: 0, gcm: 0, apnsSessions: 0 }
  const sessions = new Set<ServerHttp2Session>()

  const take = (platform: string, device: string, body: string, headers: Record<string, string>): Reply => {
    tries.set(device, (tries.get(device) ?? 0) + 1)
    const out = outage.get(platform)
    if (out) return out
    if (device.startsWith('hang')) return HANG
    if (device.startsWith('gone')) return DEAD[platform] ?? { status: 410 }
    if (device.startsWith('bad')) return BAD[platform] ?? { status: 400 }
    const isBusy = device.startsWith('busy') && (tries.get(device) ?? 0) < 3
    if (isBusy) return { status: platform === 'wns' ? 406 : 429, headers: { 'retry-after': '1' } }
    received.push({ platform, device, body, headers })
    return { status: platform === 'webpush' ? 201 : 200 }
  }

  const http = createServer((request, response) => {
    answer(request).then(
      (reply) => write(response, reply),
      (error: unknown) => write(response, { status: 500, body: String(error) }),
    )
  })
  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const bytes = await bodyOf(request)
    const url = new URL(request.url ?? '/', 'http://here')
    const headers = plain(request.headers)
    if (url.pathname === '/accesstoken.srf') {
      const form = new URLSearchParams(bytes.toString())
      if (form.get('client_id') !== 'ms-app://s-1' || form.get('client_secret') !== 'wns-secret') {
        return { status: 400, body: '{"error":"invalid_client"}' }
      }
      tokens.wns += 1
      return { status: 200, body: JSON.stringify({ access_token: `wns-${tokens.wns}`, expires_in: 86_400 }) }
    }
    if (url.pathname === '/token') {
      const assertion = new URLSearchParams(bytes.toString()).get('assertion') ?? ''
      const { payload } = await jwtVerify(assertion, google.publicKey)
      if (payload.iss !== 'push@example.iam.gserviceaccount.com')
        return { status: 400, body: '{"error":"invalid_grant"}' }
      tokens.gcm += 1
      return { status: 200, body: JSON.stringify({ access_token: `gcm-${tokens.gcm}`, expires_in: 3_600 }) }
    }
    if (url.pathname === '/v1/projects/project-1/messages:send') {
      if (headers.authorization !== `Bearer gcm-${tokens.gcm}`) return { status: 401, body: '{"error":{}}' }
      const { message } = JSON.parse(bytes.toString()) as { message: { token: string } }
      return take('gcm', message.token, JSON.stringify(message), headers)
    }
    if (url.pathname.startsWith('/browser/')) return await answerBrowser(url.pathname.slice(9), bytes, headers)
    if (url.searchParams.has('token')) {
      if (headers.authorization !== `Bearer wns-${tokens.wns}`) return { status: 401 }
      return take('wns', url.searchParams.get('token') ?? '', bytes.toString(), headers)
    }
    return { status: 404, body: `nothing is at ${url.pathname}` }
  }
  const answerBrowser = async (name: string, bytes: Buffer, headers: Record<string, string>): Promise<Reply> => {
    const browser = browsers.get(name)
    if (!browser) return { status: 404 }
    const [, token = '', key = ''] = /^vapid t=([^,]+), ?k=(.+)$/.exec(headers.authorization ?? '') ?? []
    const point = Buffer.from(key, 'base64url')
    const jwk = {
      ...{ kty: 'EC', crv: 'P-256' },
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    }
    await jwtVerify(token, await importJWK(jwk, 'ES256'), { audience: 'https://push.example' })
    if (key !== vapid.publicKey) return { status: 403, body: 'another key' }
    return take('webpush', name, browser.decrypt(bytes), headers)
  }

  const http2 = createHttp2Server()
  http2.on('session', (session) => {
    tokens.apnsSessions += 1
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  http2.on('stream', (stream, heads) => {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const headers = plain(heads)
      const respond = ({ status, headers: more = {}, body = '' }: Reply) => {
        if (status === 0 || stream.destroyed) return
        stream.respond({ ':status': status, ...more })
        stream.end(body)
      }
      jwtVerify(/^bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '', apple.publicKey, { issuer: 'TEAM123456' })
        .then(() => {
          if (headers['apns-topic'] !== 'com.example.app')
            return respond({ status: 400, body: '{"reason":"BadTopic"}' })
          const name = Buffer.from(String(headers[':path']).slice('/3/device/'.length), 'hex').toString()
          respond(take('apns', name.replaceAll('\0', ''), Buffer.concat(chunks).toString(), headers))
        })
        .catch(() => respond({ status: 403, body: '{"reason":"InvalidProviderToken"}' }))
    })
  })

  const port = await listen(http)
  const http2Port = await listen(http2)
  const endpoint = `http://127.0.0.1:${port}`
  return {
    settings: {
      wns: { packageSid: 'ms-app://s-1', clientSecret: 'wns-secret', endpoint },
      apns: {
        ...{ keyId: 'KEY1234567', teamId: 'TEAM123456', topic: 'com.example.app', mode: 'sandbox' },
        key: pem(apple.privateKey),
        endpoint: `http://127.0.0.1:${http2Port}`,
      },
      gcm: {
        ...{ projectId: 'project-1', clientEmail: 'push@example.iam.gserviceaccount.com' },
        privateKey: pem(google.privateKey),
        endpoint,
      },
      webpush: { subject: 'mailto:push@example.com', ...vapid, endpoint },
    },
    received,
    tries,
    tokens,
    outage,
    subscribe: (name) => {
      const browser = new Browser()
      browsers.set(name, browser)
      return { endpoint: `https://push.example/browser/${name}`, keys: browser.keys }
    },
    close: async () => {
      for (const session of sessions) session.destroy()
      http.closeAllConnections()
      await Promise.all([http, http2].map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

const DEAD: Record<string, Reply> = {
  wns: { status: 410 },
  apns: { status: 410, body: '{"reason":"Unregistered"}' },
  gcm: { status: 404, body: '{"error":{"status":"NOT_FOUND","details":[{"errorCode":"UNREGISTERED"}]}}' },
  webpush: { status: 410 },
}
const BAD: Record<string, Reply> = {
  wns: { status: 400, headers: { 'x-wns-error-description': 'bad' } },
  apns: { status: 400, body: '{"reason":"BadMessageId"}' },
  gcm: { status: 400, body: '{"error":{"status":"INVALID_ARGUMENT"}}' },
  webpush: { status: 400, body: 'bad' },
}

/** A browser's side of a subscription: its keys, and decrypting by the letter of RFC 8291 and RFC 8188. */
class Browser {
  readonly #ecdh = createECDH('prime256v1')
  readonly #auth = randomBytes(16)

  constructor() {
    this.#ecdh.generateKeys()
  }

  get keys() {
    return { p256dh: this.#ecdh.getPublicKey('base64url'), auth: this.#auth.toString('base64url') }
  }

  decrypt(body: Buffer): string {
    const salt = body.subarray(0, 16)
    const sender = body.subarray(21, 21 + (body[20] ?? 0))
    const sealed = body.subarray(21 + (body[20] ?? 0))
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.#ecdh.getPublicKey(), sender])
    const secret = hkdf(this.#auth, this.#ecdh.computeSecret(sender), info, 32)
    const key = hkdf(salt, secret, Buffer.from('Content-Encoding: aes128gcm\0'), 16)
    const nonce = hkdf(salt, secret, Buffer.from('Content-Encoding: nonce\0'), 12)
    const cipher = createDecipheriv('aes-128-gcm', key, nonce)
    cipher.setAuthTag(sealed.subarray(-16))
    const padded = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()])
    return padded.subarray(0, padded.lastIndexOf(2)).toString('utf8')
  }
}

function hkdf(salt: Buffer, secret: Buffer, info: Buffer, length: number): Buffer {
  const key = createHmac('sha256', salt).update(secret).digest()
  return createHmac('sha256', key)
    .update(Buffer.concat([info, Buffer.from([1])]))
    .digest()
    .subarray(0, length)
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function write(response: ServerResponse, { status, headers = {}, body = '' }: Reply): void {
  // One that hangs says nothing, ever.
  if (status !== 0) response.writeHead(status, headers).end(body)
}

async function listen(server: Server | Http2Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function plain(headers: object): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}

function pem(key: KeyObject): string {
  return String(key.export({ type: 'pkcs8', format: 'pem' }))
}
