// Credentials of the platforms that are pushed to, as the original's management protocol writes them.
import type { PushView, SetPushPlatform } from '../contract/api.ts'
import { MPNS_RETIRED, type PushPlatform } from '../contract/push.ts'
import { Fault } from '../kit/fault.ts'
import { SECRET_PLACEHOLDER } from './secrets.ts'

const APNS_HOSTS = { production: 'gateway.push.apple.com', sandbox: 'gateway.sandbox.push.apple.com' } as const
/** Where the original sent what is FCM now. */
const GCM_ENDPOINT = 'https://android.googleapis.com/gcm/send'

/** What a client sends: one or more of the four. */
export type PushBody = {
  wnsCredentials?: { clientSecret?: string; packageSID?: string } | null
  apnsCredentials?: { endpoint?: string; apnsCertificate?: string; certificateKey?: string | null } | null
  gcmCredentials?: { apiKey?: string; endpoint?: string } | null
  mpnsCredentials?: {
    enableUnauthenticatedSettings?: boolean
    mpnsCertificate?: string
    certificateKey?: string | null
  } | null
}

/** All four, those that are not set empty. Nobody gets a secret of push back: the placeholder stands for it. */
export function pushBody({ platforms }: PushView) {
  const factsOf = (platform: PushPlatform) => platforms.find((one) => one.platform === platform && one.isSet)?.facts
  const [wns, apns, gcm] = [factsOf('wns'), factsOf('apns'), factsOf('gcm')]
  return {
    wnsCredentials: wns ? { clientSecret: SECRET_PLACEHOLDER, packageSID: wns.packageSid } : {},
    mpnsCredentials: { enableUnauthenticatedSettings: false },
    apnsCredentials: apns
      ? {
          endpoint: apns.mode === 'sandbox' ? APNS_HOSTS.sandbox : APNS_HOSTS.production,
          // Its presence is what clients show; what is there is a key.
          apnsCertificate: SECRET_PLACEHOLDER,
          ...{ keyId: apns.keyId, teamId: apns.teamId, topic: apns.topic },
        }
      : {},
    gcmCredentials: gcm
      ? { apiKey: SECRET_PLACEHOLDER, endpoint: GCM_ENDPOINT, projectId: gcm.projectId, clientEmail: gcm.clientEmail }
      : {},
  }
}

/** What is done to a platform; `set` null: its credentials go. */
export type PushChange = { platform: PushPlatform; set: SetPushPlatform | null }

/** What was sent, as changes. Faults with `push.retired` for what no platform takes any more. */
export function pushChanges(body: PushBody): PushChange[] {
  const { wnsCredentials: wns, apnsCredentials: apns, gcmCredentials: gcm, mpnsCredentials: mpns } = body
  const isMpnsSet = mpns?.enableUnauthenticatedSettings === true || Boolean(mpns?.mpnsCertificate)
  if (isMpnsSet) throw new Fault('push.retired', 400, MPNS_RETIRED)
  return [
    ...(wns ? [{ platform: 'wns' as const, set: wnsOf(wns) }] : []),
    ...(apns ? [{ platform: 'apns' as const, set: apnsOf(apns) }] : []),
    ...(gcm ? [{ platform: 'gcm' as const, set: gcmOf(gcm) }] : []),
  ]
}

function wnsOf({ clientSecret, packageSID }: NonNullable<PushBody['wnsCredentials']>): SetPushPlatform | null {
  if (!clientSecret && !packageSID) return null
  return { ...(packageSID ? { packageSid: packageSID } : {}), ...givenOf('clientSecret', clientSecret) }
}

function gcmOf({ apiKey }: NonNullable<PushBody['gcmCredentials']>): SetPushPlatform | null {
  return apiKey ? { ...givenOf('serviceAccount', apiKey) } : null
}

function apnsOf({ endpoint, apnsCertificate }: NonNullable<PushBody['apnsCredentials']>): SetPushPlatform | null {
  if (!apnsCertificate) return null
  const mode = endpoint === APNS_HOSTS.sandbox ? ('sandbox' as const) : ('production' as const)
  if (apnsCertificate === SECRET_PLACEHOLDER) return { mode }
  // A key would come without its id, which no client of the original can say.
  throw certificateRetired()
}

function givenOf<Name extends string>(name: Name, value: string | undefined) {
  return value === undefined || value === SECRET_PLACEHOLDER ? {} : ({ [name]: value } as { [Key in Name]: string })
}

/** How the one of Apple stands, in the words of before 2014. */
export function apnsModeOf({ platforms }: PushView): 'none' | 'dev' | 'prod' {
  const found = platforms.find(({ platform }) => platform === 'apns')
  if (found?.isSet !== true) return 'none'
  return found.facts.mode === 'sandbox' ? 'dev' : 'prod'
}

export type HubBody = {
  enableExternalPushEntity: boolean
  externalPushEntitySettingsPropertyBag: Record<string, string | boolean>
}

/**
 * The notification hub. Here that is the service itself: devices register at it, so nothing is made elsewhere. It
 * counts as disabled while no app may register devices.
 */
export function hubBody({ permission }: PushView, service: string): HubBody {
  if (permission === 'admin') return { enableExternalPushEntity: false, externalPushEntitySettingsPropertyBag: {} }
  return {
    enableExternalPushEntity: true,
    externalPushEntitySettingsPropertyBag: {
      externalPushEntityState: 'healthy',
      pushEntityNamespace: 'mainstay',
      pushEntityPath: service,
      pushEntityConnectionString: '(none: apps register at the URL of the service)',
      ...{ namespaceCreated: true, pushEntityCreated: true },
    },
  }
}

const APNS_COMMAND = 'mainstay mobile push apns set SERVICE sandbox|production FILE.p8 --team-id TEAM --topic BUNDLE_ID'

/** Why a certificate of Apple's push service is not taken. */
export function certificateRetired(): Fault {
  const message = 'certificates are not used any more to push to Apple: a key (.p8) is'
  return new Fault('push.retired', 400, message, { hint: `Give it with its ids: ${APNS_COMMAND}` })
}

/** Why there is no script for what Apple's feedback service tells. */
export function feedbackRetired(): Fault {
  return new Fault('push.retired', 400, "Apple's feedback service was shut down, and with it its script", {
    hint: 'Devices that are gone are removed by themselves; push.apns.getFeedback tells a script which.',
  })
}
