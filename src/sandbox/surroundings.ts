// What scripts of a service find around them: their environment, and `mobileservice-config`.
import type { Auth } from '../contract/auth-provider.ts'

/** Whose scripts they are. */
export type Surrounded = {
  name: string
  applicationKey: string
  masterKey: string
  appSettings: Record<string, string>
  auth: Auth
}

/** What stands in the place of a connection string that scripts of old may look for: they have `mssql`. */
const NO_CONNECTION = 'Use mssql: this service has no connection string.'

/** Both, with what the platform sets, which cannot be set otherwise. Pure. */
export function surroundingsOf({ name, applicationKey, masterKey, appSettings, auth }: Surrounded): {
  environment: Record<string, string>
  config: Record<string, unknown>
} {
  const keys = { MS_MobileServiceName: name, MS_ApplicationKey: applicationKey, MS_MasterKey: masterKey }
  return {
    environment: { ...appSettings, ...keys },
    config: {
      ...{ mobileServiceName: name, applicationKey, masterKey, sqlConnectionString: NO_CONNECTION, appSettings },
      ...clientsOf(auth),
    },
  }
}

/** What scripts call the providers' own APIs with, under the names that they had. Pure. */
export function clientsOf({ providers }: Auth): Record<string, string> {
  return Object.fromEntries(
    Object.entries(providers).flatMap(([name, { appId, secret }]) => {
      const word = name === 'microsoftaccount' ? 'microsoftAccount' : name
      const [id, key] = name === 'twitter' ? ['ConsumerKey', 'ConsumerSecret'] : ['ClientId', 'ClientSecret']
      return [
        [`${word}${id}`, appId],
        [`${word}${key}`, secret],
      ]
    }),
  )
}
