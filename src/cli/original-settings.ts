// Settings of the original's `mobile config` that have a place of their own here: the providers through which users sign
// in, and push. What is secret is never shown: only that it is set.
import type { AuthProviderView, PushView, SetAuthProvider } from '../contract/api.ts'
import type { KnownProvider } from '../contract/auth-provider.ts'
import { Fault } from '../kit/fault.ts'
import { needText } from './asking.ts'
import type { Session } from './command.ts'

/** Where they are kept. */
export type Elsewhere = { providers: AuthProviderView[]; push: PushView }
/** `show`: null where it is not set. `kind`: what it is a part of. */
export type OriginalSetting = { key: string; about: string; show: (found: Elsewhere) => string | null } & (
  | { kind: 'provider'; provider: KnownProvider; field: 'appId' | 'secret' | 'packageSid' }
  | { kind: 'push'; platform: 'apns' | 'gcm' }
)

const HIDDEN = 'set; not shown'
const APNS_WORDS: Record<string, string> = { sandbox: 'dev', production: 'prod' }
const PACKAGE: OriginalSetting = {
  ...{ kind: 'provider', key: 'microsoftAccountPackageSID', provider: 'microsoftaccount', field: 'packageSid' },
  about: 'the package of a Windows app, for single sign-on',
  show: (found) => providerIn(found, 'microsoftaccount')?.packageSid ?? null,
}
const PROVIDERS: [word: string, provider: KnownProvider][] = [
  ['microsoftAccount', 'microsoftaccount'],
  ['facebook', 'facebook'],
  ['twitter', 'twitter'],
  ['google', 'google'],
]

/** All of them, in the original's order. */
export const ORIGINAL_SETTINGS: OriginalSetting[] = [
  ...PROVIDERS.flatMap(([word, provider]): OriginalSetting[] => [
    {
      ...{ kind: 'provider', key: `${word}ClientId`, provider, field: 'appId' },
      about: `the id of your app at ${provider}`,
      show: (found) => providerIn(found, provider)?.appId ?? null,
    },
    {
      ...{ kind: 'provider', key: `${word}ClientSecret`, provider, field: 'secret' },
      about: `its secret; also: mobile auth ${provider} set`,
      show: (found) => (providerIn(found, provider) ? HIDDEN : null),
    },
    ...(provider === 'microsoftaccount' ? [PACKAGE] : []),
  ]),
  {
    ...{ kind: 'push', key: 'apns', platform: 'apns' },
    about: 'push to iOS: dev or prod; set up by: mobile push apns set',
    show: (found) => APNS_WORDS[factsIn(found, 'apns')?.mode ?? ''] ?? null,
  },
  {
    ...{ kind: 'push', key: 'gcm', platform: 'gcm' },
    about: 'push to Android; set up by: mobile push gcm set',
    show: (found) => (factsIn(found, 'gcm') ? HIDDEN : null),
  },
]

/** Reads where they are kept. */
export async function readElsewhere(session: Session, service: string): Promise<Elsewhere> {
  const client = await session.client()
  return { providers: await client.scripts.listAuthProviders(service), push: await client.push.show(service) }
}

/** Sets one. What it cannot be set without is asked for, or named in the fault. */
export async function setOriginal(
  session: Session,
  { service, setting, value }: { service: string; setting: OriginalSetting; value: string | undefined },
): Promise<{ isRunning: boolean }> {
  const found = await readElsewhere(session, service)
  if (setting.kind === 'push') return await setPush(session, { service, platform: setting.platform, value, found })
  const wanted = await providerRequest(session, { service, setting, value, found })
  return await (await session.client()).scripts.setAuthProvider(service, setting.provider, wanted)
}

type ProviderSetting = Extract<OriginalSetting, { kind: 'provider' }>

// A provider has an id and a secret, or it is none: of one that is not there yet, the other half is asked for.
async function providerRequest(
  session: Session,
  given: { service: string; setting: ProviderSetting; value: string | undefined; found: Elsewhere },
): Promise<SetAuthProvider> {
  const { service, setting, value, found } = given
  const { provider, field } = setting
  const usage = `mainstay mobile auth ${provider} set ${service} CLIENT-ID CLIENT-SECRET`
  const isThere = providerIn(found, provider) !== undefined
  if (!isThere && (field === 'packageSid' || session.flags.quiet)) {
    throw new Fault('usage.bad_option', 400, `'${service}' has no provider ${provider} yet: it needs id and secret`, {
      hint: `Set both: ${usage}`,
    })
  }
  const askSecret = async () => {
    const insteadSay = `Name it: ${usage}`
    const asked = await session.answers.askSecret({ prompt: 'Client secret: ', insteadSay })
    if (asked !== '') return asked
    throw new Fault('usage.name_missing', 400, 'the client secret must be specified', { hint: insteadSay })
  }
  const askId = async (prompt: string, what: string, known: string | undefined) =>
    await needText(session, known, { prompt, what, insteadSay: `Name it: ${usage}` })
  if (field === 'packageSid') return { packageSid: await askId('Package SID: ', 'the package SID', value) }
  if (field === 'secret') {
    const appId = isThere ? {} : { appId: await askId('Client id: ', 'the client id', undefined) }
    return { ...appId, secret: value ?? (await askSecret()) }
  }
  const appId = await askId('Client id: ', 'the client id', value)
  return isThere ? { appId } : { appId, secret: await askSecret() }
}

async function setPush(
  session: Session,
  given: { service: string; platform: 'apns' | 'gcm'; value: string | undefined; found: Elsewhere },
): Promise<{ isRunning: boolean }> {
  const { service, platform, value, found } = given
  const usage = `mainstay mobile push ${platform} set ${service}`
  if (platform === 'gcm') {
    throw new Fault('usage.bad_option', 400, 'keys of GCM are not taken any more by Google', {
      hint: `Set the service account of your Firebase project: ${usage} FILE.json`,
    })
  }
  const word = (value ?? '').trim().toLowerCase()
  const mode = { dev: 'sandbox', sandbox: 'sandbox', prod: 'production', production: 'production' }[word]
  if (mode === undefined) {
    throw new Fault('usage.bad_option', 400, `apns takes dev or prod, not '${word}'`, {
      hint: `For none: mainstay mobile push apns delete ${service}`,
    })
  }
  if (!factsIn(found, 'apns')) {
    throw new Fault('usage.bad_option', 400, `'${service}' has no key for APNs yet`, {
      hint: `Set it: ${usage} ${mode}`,
    })
  }
  return await (await session.client()).push.set(service, 'apns', { mode: mode as 'sandbox' | 'production' })
}

function providerIn({ providers }: Elsewhere, name: KnownProvider): AuthProviderView | undefined {
  return providers.find(({ provider }) => provider === name)
}

function factsIn({ push }: Elsewhere, name: 'apns' | 'gcm'): Record<string, string> | null {
  const found = push.platforms.find(({ platform }) => platform === name)
  return found?.isSet ? found.facts : null
}
