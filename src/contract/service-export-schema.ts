// The first line of a service's export, as it is checked before anything of it is believed.
import { type Static, Type } from 'typebox'
import { ApiPermissionsView, ApiRoutesView } from './api/custom-api.ts'
import { CreateJob } from './api/job.ts'
import { ORIGIN_HOST, ORIGINS_MAX } from './api/service.ts'
import { PermissionsView } from './api/table.ts'
import { BODY_KB_MAX, HSTS_SECONDS_MAX } from './assignment.ts'
import { LOGIN_REDIRECT, LOGIN_REDIRECTS_MAX } from './auth-provider.ts'

const ExportedColumn = Type.Object({ name: Type.String({ minLength: 1, maxLength: 128 }), type: Type.String() })

/** What says of an export of any release whether it can be read. */
export const ExportFormat = Type.Object({
  mainstay: Type.Literal('service'),
  format: Type.Integer(),
  release: Type.String(),
})

/** The first line of an export. Keys and other secrets are not in it. */
export const ExportHeader = Type.Object({
  mainstay: Type.Literal('service'),
  format: Type.Integer(),
  release: Type.String(),
  service: Type.String(),
  exportedAt: Type.String(),
  settings: Type.Object({
    isSchemaDynamic: Type.Boolean(),
    /** Older releases did not know some: what the service is set to stays. */
    isKeyRequired: Type.Optional(Type.Boolean()),
    crossDomainWhitelist: Type.Optional(Type.Array(Type.String({ pattern: ORIGIN_HOST }), { maxItems: ORIGINS_MAX })),
    isHttpsRequired: Type.Optional(Type.Boolean()),
    bodyKb: Type.Optional(Type.Integer({ minimum: 1, maximum: BODY_KB_MAX })),
    loginRedirects: Type.Optional(
      Type.Array(Type.String({ pattern: LOGIN_REDIRECT }), { maxItems: LOGIN_REDIRECTS_MAX }),
    ),
    isHttpsRedirected: Type.Optional(Type.Boolean()),
    hstsSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: HSTS_SECONDS_MAX })),
    lossMsMax: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }),
  }),
  tables: Type.Array(
    Type.Object({
      name: Type.String(),
      permissions: PermissionsView,
      columns: Type.Array(ExportedColumn),
      /** Left out where ids are texts, as in every older release. */
      idType: Type.Optional(Type.Literal('integer')),
      lastId: Type.Optional(Type.String({ pattern: '^[0-9]{1,16}$' })),
    }),
  ),
  /** Older releases had none. */
  apis: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String(),
        permissions: ApiPermissionsView,
        // By an older release there are none, and it takes what the permissions say.
        routes: Type.Optional(ApiRoutesView),
      }),
    ),
  ),
  jobs: Type.Optional(Type.Array(Type.Omit(CreateJob, ['isEnabled']))),
  scripts: Type.Array(Type.Object({ name: Type.String(), text: Type.String() })),
})
export type ExportHeader = Static<typeof ExportHeader>
