// What a service runs, between its rows and the files of its repository: read as files, and changed to what files say.
import type { Kysely } from 'kysely'
import type { Seal } from '../accounts/seal.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { LOCK_FILE, PACKAGE_FILE } from '../contract/npm-modules.ts'
import { parseApiRoutes } from '../services/api-routes.ts'
import { insertApi, listApis, removeApi, setApiPermissions } from '../services/apis.ts'
import { changeJob, insertJob, listJobs, removeJob, type ServiceJob } from '../services/jobs.ts'
import { setModules } from '../services/npm-modules.ts'
import { pushSettingsOf, writePushSettings } from '../services/push-settings.ts'
import { getText, listCurrentScripts, writeScript } from '../services/scripts.ts'
import { insertTable, listTables, type Service, setPermissions } from '../services/services.ts'
import {
  DEFAULT_JOB,
  type JobSettings,
  renderApiFile,
  renderJobFile,
  renderPushFile,
  renderTableFile,
} from './permission-file.ts'
import { fileOf, jsonFileOf, type Known, PUSH_FILE, type Wanted } from './service-files.ts'

type Db = Kysely<ControlDatabase>

/** Files by path: the text, or the hash of the script that it is. */
export type StateFiles = Map<string, { text: string } | { script: string }>
/** What is to be written; null removes a file. */
export type FileChange = { path: string; text: string | null }

/** The names of what a service has. */
export async function readKnown(db: Db, serviceId: string): Promise<Known> {
  const names = (rows: { name: string }[]) => rows.map(({ name }) => name)
  return {
    tables: names(await listTables(db, [serviceId])),
    apis: names(await listApis(db, [serviceId])),
    jobs: names(await listJobs(db, [serviceId])),
  }
}

/** What package.json came to; `hash` null: it asks for no packages, or is not there. */
export type Modules = { hash: string | null; packageText: string | null; lockText: string | null }

/** All that a service runs, as files. */
export async function readStateFiles(db: Db, serviceId: string, { open }: Pick<Seal, 'open'>): Promise<StateFiles> {
  const files: StateFiles = new Map()
  for (const { name, permissions } of await listTables(db, [serviceId])) {
    files.set(jsonFileOf('table', name), { text: renderTableFile(permissions) })
  }
  for (const api of await listApis(db, [serviceId]))
    files.set(jsonFileOf('api', api.name), { text: renderApiFile(api) })
  for (const job of await listJobs(db, [serviceId])) {
    files.set(jsonFileOf('scheduler', job.name), { text: renderJobFile(settingsOf(job)) })
  }
  const permission = await readPushPermission(db, serviceId, open)
  if (permission !== undefined) files.set(PUSH_FILE, { text: renderPushFile(permission) })
  for (const { name, hash } of await listCurrentScripts(db, [serviceId])) files.set(fileOf(name), { script: hash })
  return files
}

// Undefined where nobody has said it.
async function readPushPermission(db: Db, serviceId: string, open: Seal['open']) {
  const row = await db.selectFrom('services').select('push_settings').where('id', '=', serviceId).executeTakeFirst()
  return row && pushSettingsOf(row, open).permission
}

/** What was changed from `before` to `after`, with the texts. */
export async function changesBetween(db: Db, before: StateFiles, after: StateFiles): Promise<FileChange[]> {
  const keyOf = (file: { text: string } | { script: string } | undefined) => JSON.stringify(file)
  const changes: FileChange[] = []
  for (const [path, file] of after) {
    if (keyOf(before.get(path)) === keyOf(file)) continue
    changes.push({ path, text: 'text' in file ? file.text : await getText(db, file.script) })
  }
  for (const path of before.keys()) if (!after.has(path)) changes.push({ path, text: null })
  return changes
}

/**
 * Makes a service run what a commit says, in the caller's transaction. Says what was changed, a line for each. Tables are
 * made, never dropped: their rows are nobody's to lose by a push.
 */
export async function applyWanted(
  trx: Db,
  service: Service,
  { wanted, modules }: { wanted: Wanted; modules: Modules },
  { principal, seal }: { principal: string; seal: Seal },
): Promise<string[]> {
  return [
    ...(await applyTables(trx, service, wanted)),
    ...(await applyApis(trx, service, wanted)),
    ...(await applyJobs(trx, service, wanted)),
    ...(await applyPush(trx, service, wanted, seal)),
    ...(await applyScripts(trx, service, wanted, principal)),
    ...(await applyModules(trx, service, modules, principal)),
  ]
}

async function applyTables(trx: Db, service: Service, { tables }: Wanted): Promise<string[]> {
  const lines: string[] = []
  const there = new Map((await listTables(trx, [service.id])).map((table) => [table.name, table]))
  for (const [name, permissions] of tables) {
    const table = there.get(name)
    if (!table) {
      await insertTable(trx, service, { name, permissions })
      lines.push(`table ${name} is new`)
    } else if (renderTableFile(table.permissions) !== renderTableFile(permissions)) {
      await setPermissions(trx, table, permissions)
      lines.push(`permissions of table ${name}`)
    }
  }
  return lines
}

async function applyApis(trx: Db, service: Service, { apis }: Wanted): Promise<string[]> {
  const lines: string[] = []
  const there = new Map((await listApis(trx, [service.id])).map((api) => [api.name, api]))
  for (const [name, kept] of apis) {
    const api = there.get(name)
    if (!api) {
      // Without a file that says who may call it, it is closed: as in the original.
      await insertApi(trx, service, { name, ...(kept ?? parseApiRoutes({})) })
      lines.push(`custom API ${name} is new`)
    } else if (kept !== null && renderApiFile(api) !== renderApiFile(kept)) {
      await setApiPermissions(trx, api, kept)
      lines.push(`permissions of custom API ${name}`)
    }
  }
  for (const api of there.values()) {
    if (apis.has(api.name)) continue
    await removeApi(trx, api)
    lines.push(`custom API ${api.name} is gone`)
  }
  return lines
}

async function applyJobs(trx: Db, service: Service, { jobs }: Wanted): Promise<string[]> {
  const lines: string[] = []
  const there = new Map((await listJobs(trx, [service.id])).map((job) => [job.name, job]))
  for (const [name, settings] of jobs) {
    const job = there.get(name)
    if (!job) {
      await insertJob(trx, service, { name, ...(settings ?? DEFAULT_JOB) })
      lines.push(`job ${name} is new`)
      continue
    }
    if (settings === null || renderJobFile(settingsOf(job)) === renderJobFile(settings)) continue
    const { schedule, ...others } = settings
    // What is the same is not changed: a schedule counts from when it was set.
    const isSame =
      renderJobFile({ ...DEFAULT_JOB, schedule }) === renderJobFile({ ...DEFAULT_JOB, schedule: job.schedule })
    await changeJob(trx, job, isSame ? others : { ...others, schedule })
    lines.push(`settings of job ${name}`)
  }
  for (const job of there.values()) {
    if (jobs.has(job.name)) continue
    await removeJob(trx, job)
    lines.push(`job ${job.name} is gone`)
  }
  return lines
}

async function applyPush(trx: Db, service: Service, { push }: Wanted, seal: Seal): Promise<string[]> {
  const settings = pushSettingsOf(service, (sealed) => seal.open(sealed))
  if (push === null || (settings.permission ?? 'application') === push) return []
  await writePushSettings(trx, service, seal.seal(JSON.stringify({ ...settings, permission: push })))
  return ['who may register devices for push']
}

async function applyScripts(trx: Db, service: Service, { scripts }: Wanted, principal: string): Promise<string[]> {
  const lines: string[] = []
  const own = { serviceId: service.id, principal }
  for (const [name, text] of scripts) {
    if (isPackageFile(name)) continue
    if (await writeScript(trx, { ...own, name, text })) lines.push(fileOf(name))
  }
  for (const { name } of await listCurrentScripts(trx, [service.id])) {
    if (scripts.has(name) || isPackageFile(name)) continue
    await writeScript(trx, { ...own, name, text: null })
    lines.push(`${fileOf(name)} is gone`)
  }
  return lines
}

async function applyModules(trx: Db, service: Service, modules: Modules, principal: string): Promise<string[]> {
  const done = await setModules(trx, { serviceId: service.id, ...modules, principal })
  return done === null ? [] : [fileOf(PACKAGE_FILE)]
}

// They are written with what was installed of them.
function isPackageFile(name: string): boolean {
  return name === PACKAGE_FILE || name === LOCK_FILE
}

function settingsOf({ schedule, is_enabled: isEnabled, overlap, missed }: ServiceJob): JobSettings {
  return { schedule, isEnabled, overlap, missed }
}
