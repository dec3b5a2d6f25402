// What a service's runtime goes by, in short texts that can be compared without telling a secret.
import { createHash } from 'node:crypto'
import { type ApiDefinition, DEFAULT_INTAKE, type Intake, type TableDefinition } from './assignment.ts'
import { type Auth, NO_AUTH } from './auth-provider.ts'
import { API_METHODS } from './permissions.ts'
import type { PushSettings } from './push.ts'
import type { JobDefinition } from './scheduled-job.ts'

/** `apis`: custom APIs and app settings; that, `auth`, `jobs` and `push` are left out by older releases. */
export type ServiceDigests = {
  settings: string
  permissions: string
  keys: string
  apis?: string
  auth?: string
  jobs?: string
  push?: string
}

/** SHA-256 (hex) of each part, whatever order its tables come in. */
export function digestsOf(service: {
  isSchemaDynamic: boolean
  isKeyRequired?: boolean
  intake?: Intake
  tables: TableDefinition[]
  apis?: ApiDefinition[]
  appSettings?: Record<string, string>
  auth?: Auth
  jobs?: JobDefinition[]
  push?: PushSettings
  applicationKey: string
  masterKey: string
}): ServiceDigests {
  const tables = [...service.tables].sort(byName)
  const permissions = tables.map(({ name, permissions: of }) => [name, of.insert, of.read, of.update, of.delete])
  const apis = [...(service.apis ?? [])].sort(byName)
  const called = apis.map(({ name, permissions: of, routes }) => [
    ...[name, ...API_METHODS.map((method) => of[method])],
    ...(routes
      ? [
          Object.entries(routes)
            .map(([route, said]) => [route, Object.entries(said).sort()])
            .sort(),
        ]
      : []),
  ])
  return {
    // As older releases have it where it is as it was with them.
    settings: sha256([
      service.isSchemaDynamic,
      ...(service.isKeyRequired === false ? ['keyless'] : []),
      ...intakeWords(service.intake),
    ]),
    permissions: sha256(permissions),
    keys: sha256([service.applicationKey, service.masterKey]),
    jobs: sha256(
      [...(service.jobs ?? [])]
        .sort(byName)
        .map(({ name, schedule, isEnabled }) => [name, scheduleWords(schedule), isEnabled]),
    ),
    push: sha256(pushWords(service.push ?? {})),
    apis: sha256([called, Object.entries(service.appSettings ?? {}).sort()]),
    auth: sha256(authWords(service.auth)),
  }
}

function intakeWords(intake: Intake = DEFAULT_INTAKE): unknown[] {
  const words = [intake.origins, intake.isHttpsRequired, intake.bodyKb]
  const { origins, isHttpsRequired, bodyKb } = DEFAULT_INTAKE
  return JSON.stringify(words) === JSON.stringify([origins, isHttpsRequired, bodyKb]) ? [] : words
}

function authWords({ providers, redirects }: Auth = NO_AUTH): unknown[] {
  const named = Object.entries(providers).map(([name, settings]) => [name, Object.entries(settings).sort()])
  return [named.sort(), redirects]
}

function pushWords(push: PushSettings): unknown[] {
  return Object.entries(push)
    .map(([name, value]) => [name, typeof value === 'object' ? Object.entries(value).sort() : value])
    .sort()
}

// Whatever order its fields came in.
function scheduleWords(schedule: JobDefinition['schedule']): [string, string][] {
  return Object.entries(schedule)
    .map(([name, value]): [string, string] => [name, String(value)])
    .sort()
}

function byName(left: { name: string }, right: { name: string }): number {
  return left.name < right.name ? -1 : 1
}

function sha256(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
