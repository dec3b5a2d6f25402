// Scripts of services as rows: every version kept, texts by their content. The newest version of a name is in force.
import { createHash } from 'node:crypto'
import { Script } from 'node:vm'
import { type Kysely, sql } from 'kysely'
import type { ScriptVersionView, ScriptView } from '../contract/api.ts'
import { JSON_MODULE, MODULE_NAME } from '../contract/assignment.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { LOCK_FILE, PACKAGE_FILE } from '../contract/npm-modules.ts'
import { TABLE_OPERATIONS } from '../contract/permissions.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { SCRIPT_BYTES_MAX, SCRIPT_VERSIONS_SHOWN } from '../kit/limits.ts'
import { isModuleText, moduleText } from '../kit/module-text.ts'
import { isApiName, isJobName } from './names.ts'

type Db = Kysely<ControlDatabase>

/** A script that is in force. */
export type CurrentScript = { service_id: string; name: string; version: number; hash: string; bytes: number }

/** What a script is for: `name` is the whole of its own, `table/TodoItem.insert`, `api/orders`, `shared/mail`. */
export type ScriptName =
  | { kind: 'table'; name: string; table: string; operation: string }
  | { kind: 'api'; name: string; api: string }
  | { kind: 'scheduler'; name: string; job: string }
  | { kind: 'extensions'; name: string }
  | { kind: 'shared'; name: string }
  | { kind: 'package'; name: typeof PACKAGE_FILE | typeof LOCK_FILE }

/** A script's name, taken apart; `del` means `delete`, and `.js` may follow, but after `.json`. Faults with `script.bad_name`. */
export function parseScriptName(text: string): ScriptName {
  const file = PACKAGE_FILES.find((name) => name === text.toLowerCase())
  if (file) return { kind: 'package', name: file }
  const [, folder = '', rest = ''] = /^(table|api|scheduler|shared|extensions)\/(.+?)(?:\.js)?$/i.exec(text) ?? []
  const [, table, word = ''] = /^([A-Za-z][A-Za-z0-9_]{0,62})\.(insert|read|update|delete|del)$/i.exec(rest) ?? []
  const kind = folder.toLowerCase()
  if (kind === 'table' && table) {
    const operation = word.toLowerCase() === 'del' ? 'delete' : word.toLowerCase()
    return { kind, name: `table/${table}.${operation}`, table, operation }
  }
  if (kind === 'api' && isApiName(rest)) return { kind, name: `api/${rest}`, api: rest }
  if (kind === 'scheduler' && isJobName(rest)) return { kind, name: `scheduler/${rest}`, job: rest }
  const extension = EXTENSIONS.find((one) => one === rest.toLowerCase())
  if (kind === 'extensions' && extension) return { kind, name: `extensions/${extension}` }
  if (kind === 'shared' && rest.length <= 100 && SHARED_NAME.test(rest) && !/\.json\.js$/i.test(text)) {
    return { kind, name: `shared/${rest.replace(/\.json$/i, '.json')}` }
  }
  throw new Fault('script.bad_name', 400, `'${text}' cannot be the name of a script`, {
    hint: `Name it table/TABLE.OPERATION (${TABLE_OPERATIONS.join(', ')}), api/API, scheduler/JOB, extensions/push, extensions/startup, shared/MODULE, shared/DATA.json, or ${PACKAGE_FILE}.`,
  })
}

const NOTHING_CHANGED = 'Nothing was changed; what ran before runs on.'

/** What is called on occasions, and by no app. */
const EXTENSIONS = ['push', 'startup'] as const
/** They say which npm modules there are. */
const PACKAGE_FILES = [PACKAGE_FILE, LOCK_FILE] as const

/** Folders may be in it; no part begins with a dot. */
const SHARED_NAME = /^(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*\/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*$/

/** Refuses a text that is too large or that JavaScript cannot read, or JSON. It is only compiled here, never run. */
export function checkScriptText(name: string, text: string): void {
  const bytes = Buffer.byteLength(text)
  if (bytes > SCRIPT_BYTES_MAX) {
    throw new Fault('script.too_large', 413, `'${name}' has ${bytes} bytes; ${SCRIPT_BYTES_MAX} are the most`)
  }
  if (JSON_MODULE.test(name)) {
    checkJson(name, text)
    return
  }
  try {
    // As it will be: by itself and strict, or as a module of Node.
    const isModule = MODULE_NAME.test(parseScriptName(name).name)
    const code = isModuleText(text) ? moduleText(text) : text
    new Script(isModule ? `(function () {${code}\n})` : `"use strict";${code}`, { filename: name })
  } catch (error) {
    const line = lineOf(error)
    const where = line === undefined ? '' : ` in line ${line}`
    throw new Fault('script.syntax', 400, `'${name}' is no JavaScript${where}: ${messageOf(error)}`, {
      hint: NOTHING_CHANGED,
    })
  }
}

function checkJson(name: string, text: string): void {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new Fault('script.syntax', 400, `'${name}' is no JSON: ${messageOf(error)}`, { hint: NOTHING_CHANGED })
  }
}

// Where V8, or the reader of modules, came to a stop.
function lineOf(error: unknown): string | number | undefined {
  if (!(error instanceof Error)) return undefined
  const { loc } = error as Error & { loc?: { line: number } }
  return loc?.line ?? /:(\d+)\n/.exec(error.stack ?? '')?.[1]
}

/** The scripts in force of some services. */
export async function listCurrentScripts(db: Db, serviceIds: string[]): Promise<CurrentScript[]> {
  if (serviceIds.length === 0) return []
  const newest = db
    .selectFrom('script_versions')
    .select(['service_id', 'name', 'version', 'hash'])
    .distinctOn(['service_id', 'name'])
    .where('service_id', 'in', serviceIds)
    .orderBy('service_id')
    .orderBy('name')
    .orderBy('version', 'desc')
    .as('newest')
  return await db
    .selectFrom(newest)
    .innerJoin('script_texts', 'script_texts.hash', 'newest.hash')
    .select(['service_id', 'name', 'version', 'script_texts.hash', 'bytes'])
    .orderBy('name')
    .execute()
}

/** The scripts in force of a service, as people see them. */
export async function viewScripts(db: Db, serviceId: string): Promise<ScriptView[]> {
  const current = await listCurrentScripts(db, [serviceId])
  const rows = await db
    .selectFrom('script_versions')
    .select(['name', 'version', 'principal', 'created_at'])
    .where('service_id', '=', serviceId)
    .execute()
  return current.map(({ name, version, hash, bytes }) => {
    const row = rows.find((one) => one.name === name && one.version === version)
    const { principal = '', created_at: at = new Date(0) } = row ?? {}
    return { name, version, hash, bytes, principal, createdAt: at.toISOString() }
  })
}

/** The newest versions of a script, deletions included, newest first. */
export async function listVersions(db: Db, serviceId: string, name: string): Promise<ScriptVersionView[]> {
  const rows = await db
    .selectFrom('script_versions')
    .leftJoin('script_texts', 'script_texts.hash', 'script_versions.hash')
    .select(['version', 'script_versions.hash', 'bytes', 'principal', 'script_versions.created_at'])
    .where('service_id', '=', serviceId)
    .where(sql`lower(name)`, '=', name.toLowerCase())
    .orderBy('version', 'desc')
    .limit(SCRIPT_VERSIONS_SHOWN)
    .execute()
  return rows.map(({ version, hash, bytes, principal, created_at: at }) => {
    return { version, hash, bytes, principal, createdAt: at.toISOString() }
  })
}

/** A script's text in force, or as of a version. Faults with `script.unknown`. */
export async function readScript(
  db: Db,
  service: { id: string; name: string },
  name: string,
  version?: number,
): Promise<{ name: string; version: number; hash: string; text: string }> {
  const all = db
    .selectFrom('script_versions')
    .leftJoin('script_texts', 'script_texts.hash', 'script_versions.hash')
    .select(['name', 'version', 'script_versions.hash', 'text'])
    .where('service_id', '=', service.id)
    .where(sql`lower(name)`, '=', name.toLowerCase())
    .orderBy('version', 'desc')
  const found = await (version === undefined ? all : all.where('version', '=', version)).executeTakeFirst()
  if (found && found.hash !== null && found.text !== null) {
    return { name: found.name, version: found.version, hash: found.hash, text: found.text }
  }
  const which = version === undefined ? '' : ` of version ${version}`
  throw new Fault('script.unknown', 404, `'${service.name}' has no script '${name}'${which}`, {
    hint: `See which there are: mainstay mobile script list ${service.name}`,
  })
}

/** Writes the next version of a script; a text of null deletes it. The same text again is no new version: null. */
export async function writeScript(
  trx: Db,
  wanted: { serviceId: string; name: string; text: string | null; principal: string },
): Promise<{ version: number; before: string | null; after: string | null } | null> {
  const { serviceId, name, text, principal } = wanted
  const last = await trx
    .selectFrom('script_versions')
    .select(['version', 'hash'])
    .where('service_id', '=', serviceId)
    .where('name', '=', name)
    .orderBy('version', 'desc')
    .executeTakeFirst()
  const hash = text === null ? null : hashOf(text)
  if ((last?.hash ?? null) === hash) return null
  if (text !== null && hash !== null) {
    await trx
      .insertInto('script_texts')
      .values({ hash, text, bytes: Buffer.byteLength(text) })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
  const version = (last?.version ?? 0) + 1
  await trx.insertInto('script_versions').values({ service_id: serviceId, name, version, hash, principal }).execute()
  return { version, before: last?.hash ?? null, after: hash }
}

/** Takes all scripts of a table out of force: a later table of that name is another one. */
export async function endScriptsOf(trx: Db, serviceId: string, table: string, principal: string): Promise<void> {
  for (const { name } of await listCurrentScripts(trx, [serviceId])) {
    const parsed = parseScriptName(name)
    if (parsed.kind === 'table' && parsed.table === table) await endScript(trx, serviceId, name, principal)
  }
}

/** Takes a script out of force, if it is. */
export async function endScript(trx: Db, serviceId: string, name: string, principal: string): Promise<void> {
  await writeScript(trx, { serviceId, name, text: null, principal })
}

/** A text by its hash, for the hosts that run it. Faults with `script.unknown`. */
export async function getText(db: Db, hash: string): Promise<string> {
  const found = await db.selectFrom('script_texts').select('text').where('hash', '=', hash).executeTakeFirst()
  if (found) return found.text
  throw new Fault('script.unknown', 404, `there is no script text ${hash}`)
}

function hashOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
