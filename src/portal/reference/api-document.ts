// The description of the management API (OpenAPI 3.1), read as far as the page about it shows it.

export type Schema = {
  type?: string
  const?: unknown
  description?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  additionalProperties?: boolean | Schema
  patternProperties?: Record<string, Schema>
}
type Content = { content?: Record<string, { schema?: Schema }> }
type Described = {
  summary?: string
  description?: string
  tags?: string[]
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[]
  requestBody?: Content
  responses?: Record<string, Content>
}
export type ApiDocument = { info: { version: string }; paths: Record<string, Record<string, Described>> }

export type Parameter = { name: string; place: string; isRequired: boolean; type: string }
export type Route = {
  method: string
  path: string
  summary: string
  about: string | null
  parameters: Parameter[]
  /** As indented text; null where there is none. */
  body: string | null
  answers: { status: string; body: string | null }[]
}
export type Group = { name: string; routes: Route[] }

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** All routes, those of a kind together. */
export function groupsOf({ paths }: ApiDocument): Group[] {
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({ tag: one.tags?.[0] ?? '', route: routeOf(path, method, one) })),
  )
  const names = [...new Set(routes.map(({ tag }) => tag))].sort()
  return names.map((name) => ({
    name,
    routes: routes
      .filter(({ tag }) => tag === name)
      .map(({ route }) => route)
      .sort(inOrder),
  }))
}

/** A schema as a few lines that a person can read: `{ name: string, mode?: "shared" | "reserved" }`. */
export function schemaText(schema: Schema, depth = 0): string {
  const { type, anyOf, items, properties } = schema
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (anyOf) return anyOf.map((one) => schemaText(one, depth)).join(' | ')
  if (type === 'array') return `[${items ? schemaText(items, depth) : ''}]`
  if (!properties) return type === 'object' ? '{ … }' : (type ?? 'anything')
  const margin = '  '.repeat(depth + 1)
  const lines = Object.entries(properties).map(([name, one]) => {
    const mark = schema.required?.includes(name) ? '' : '?'
    const about = one.description ? `   // ${one.description}` : ''
    return `${margin}${name}${mark}: ${schemaText(one, depth + 1)}${about}`
  })
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${'  '.repeat(depth)}}`
}

function routeOf(path: string, method: string, one: Described): Route {
  return {
    method: method.toUpperCase(),
    path,
    summary: one.summary ?? '',
    about: one.description ?? null,
    parameters: (one.parameters ?? []).map(({ name, in: place, required, schema }) => {
      return { name, place, isRequired: required === true, type: schema ? schemaText(schema) : 'text' }
    }),
    body: contentText(one.requestBody),
    answers: Object.entries(one.responses ?? {}).map(([status, content]) => ({ status, body: contentText(content) })),
  }
}

function contentText(found: Content | undefined): string | null {
  const [first] = Object.values(found?.content ?? {})
  return first?.schema ? schemaText(first.schema) : null
}

function inOrder(left: Route, right: Route): number {
  return left.path.localeCompare(right.path) || METHODS.indexOf(left.method) - METHODS.indexOf(right.method)
}
