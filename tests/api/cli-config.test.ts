// `mobile config` with the keys of the original whose settings have a place of their own: providers and push.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthProviderView } from '../../src/contract/api.ts'
import { type Asked, type Replies, startFakeControl } from '../support/cli-control.ts'
import { runCli } from '../support/cli-run.ts'

const SECRET = 'a-secret-of-google'
const GOOGLE: AuthProviderView = {
  provider: 'google',
  appId: 'app-of-google',
  secret: SECRET,
  audiences: [],
  packageSid: null,
  tenants: null,
  issuer: null,
  scope: null,
  endpoint: null,
  redirectUris: ['https://shop.example.com/login/google'],
}
const APNS = {
  platform: 'apns',
  isSet: true,
  facts: { mode: 'sandbox', topic: 'com.example' },
  registrations: 2,
} as const
const PUSH = { permission: 'application', hasScript: false, isKnown: true, platforms: [APNS] }
const SETTINGS = {
  isSchemaDynamic: true,
  isKeyRequired: true,
  lossMsMax: 60_000,
  crossDomainWhitelist: ['localhost'],
  bodyKb: 1_024,
  isHttpsRequired: false,
  isHttpsRedirected: false,
  hstsSeconds: 0,
  loginRedirects: [],
}
const REPLIES: Replies = {
  'GET /services/Shop/settings': { status: 200, body: SETTINGS },
  'GET /services/Shop/auth-providers': { status: 200, body: [GOOGLE] },
  'GET /services/Shop/push': { status: 200, body: PUSH },
  'PUT /services/Shop/auth-providers/google': { status: 200, body: { isRunning: true } },
  'PUT /services/Shop/auth-providers/facebook': { status: 200, body: { isRunning: true } },
  'PUT /services/Shop/push/apns': { status: 200, body: { isRunning: true } },
}

type Row = {
  name: string
  args: string[]
  input?: string
  code: number
  says: RegExp[]
  /** What control was asked to write. */
  writes?: [path: string, body: unknown]
}
const ROWS: Row[] = [
  {
    name: 'list has all of them; what is not there says so',
    args: ['list', 'Shop'],
    code: 0,
    says: [
      /dynamicSchemaEnabled +true/,
      /facebookClientId +Not configured/,
      /googleClientId +app-of-google/,
      /googleClientSecret +set; not shown/,
      /apns +dev/,
      /gcm +Not configured/,
    ],
  },
  { name: 'get shows an id', args: ['get', 'Shop', 'googleClientId'], code: 0, says: [/data: {4}app-of-google\n/] },
  {
    name: 'get shows of a secret that it is there',
    args: ['get', 'Shop', 'googleclientsecret', '--json'],
    code: 0,
    says: [/"googleClientSecret": ?"set; not shown"/],
  },
  {
    name: 'get warns of one that is not configured',
    args: ['get', 'Shop', 'twitterClientSecret'],
    code: 0,
    says: [/warn: {4}Setting is not configured\n/],
  },
  {
    name: 'set changes one half of a provider, and leaves the other',
    args: ['set', 'Shop', 'googleClientSecret', 'another'],
    code: 0,
    says: [/set; not shown/],
    writes: ['/services/Shop/auth-providers/google', { secret: 'another' }],
  },
  {
    name: 'set of a provider that is not there needs both halves',
    args: ['set', 'Shop', 'facebookClientId', 'app-of-facebook', '--quiet'],
    code: 2,
    says: [/has no provider facebook yet/, /mainstay mobile auth facebook set Shop CLIENT-ID CLIENT-SECRET/],
  },
  {
    name: 'the mode of APNs is changed',
    args: ['set', 'Shop', 'apns', 'prod'],
    code: 0,
    says: [/dev/],
    writes: ['/services/Shop/push/apns', { mode: 'production' }],
  },
  {
    name: 'a key of GCM is refused, with what there is instead',
    args: ['set', 'Shop', 'gcm', 'AIza-a-key'],
    code: 2,
    says: [/mainstay mobile push gcm set Shop FILE\.json/],
  },
  {
    name: 'an unknown key is told which there are',
    args: ['get', 'Shop', 'googleSecret'],
    code: 2,
    says: [/there is no setting 'googleSecret'/, /microsoftAccountPackageSID/],
  },
]

for (const { name, args, code, says, writes } of ROWS) {
  test(`mobile config: ${name}`, async (context) => {
    const control = await startFakeControl(context, REPLIES)
    const ran = await runCli(context, ['mobile', 'config', ...args], { env: control.env })
    const all = ran.stdout + ran.stderr
    assert.equal(ran.code, code, all)
    for (const text of says) assert.match(all, text)
    assert.ok(!all.includes(SECRET) && !all.includes('another'), 'a secret was printed')
    const written = control.asked.filter(({ verb }: Asked) => verb !== 'GET').map(({ path, body }) => [path, body])
    assert.deepEqual(written, writes === undefined ? [] : [writes])
  })
}
