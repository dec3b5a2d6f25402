// The management API described as OpenAPI 3.1, from the very schemas that its routes check.
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { API } from '../contract/api-routes.ts'
import { readRelease } from '../kit/release.ts'
import { API_SUMMARIES } from './api-summaries.ts'

const BASE = '/api/v1/'
const NAMES = new Map(Object.entries(API).map(([name, path]) => [path, name as keyof typeof API]))
/** Answered without a token. */
const PUBLIC = new Set<string>([API.live, API.signIn, API.invitation, API.oidcBegin, API.oidcDone])

/** Describes every route that is added afterwards. Read it with `describeApi`. */
export async function watchRoutes(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Mainstay management API',
        version: readRelease(),
        description:
          'Refusals are `{code, message, hint?}`. Long work answers 202 with an operation. `isDryRun` says what would be done. ' +
          'Requests that begin something take an `idempotency-key`.',
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'mainstay token create NAME --role ROLE' },
        },
      },
      security: [{ token: [] }],
    },
    hideUntagged: true,
    transform: ({ schema, url, route }) => {
      const name = NAMES.get(url as (typeof API)[keyof typeof API])
      const [method = 'GET'] = [route.method].flat()
      // The page of the portal and what belongs to it is no API.
      if (name === undefined || !url.startsWith(BASE)) return { schema: { ...schema, hide: true }, url }
      const summary = API_SUMMARIES[name]?.[method as 'GET'] ?? ''
      const tag = url.slice(BASE.length).split('/')[0] ?? ''
      const role = route.config?.role
      const about = role === undefined ? {} : { description: `Takes the role ${role}.` }
      const open = PUBLIC.has(url) ? { security: [] } : {}
      return { schema: { ...schema, ...about, ...open, summary, tags: [tag], operationId: `${method}-${name}` }, url }
    },
  })
}

/** The description as JSON text; made once, when it is first asked for. */
export function describeApi(app: FastifyInstance): () => string {
  let text: string | null = null
  return () => {
    text ??= JSON.stringify(app.swagger())
    return text
  }
}
