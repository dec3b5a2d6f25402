// A service as one portable file: out of here, and into another cloud, or into this one under another name.
import { PassThrough, Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import type { Kysely } from 'kysely'
import { Check } from 'typebox/value'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { ImportView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { LOCK_FILE, PACKAGE_FILE } from '../contract/npm-modules.ts'
import { EXPORT_FORMAT, type ExportedTables, type ImportedRows, LINES_TYPE } from '../contract/service-export.ts'
import { ExportFormat, ExportHeader } from '../contract/service-export-schema.ts'
import type { IdType } from '../contract/table-format.ts'
import { checkEnd, endLines } from '../kit/ended-lines.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { EXPORT_LINE_BYTES_MAX } from '../kit/limits.ts'
import { linesOf } from '../kit/lines.ts'
import { readRelease } from '../kit/release.ts'
import { checkSchedule } from '../kit/schedule.ts'
import { bumpDesired } from '../regions/regions.ts'
import { apiDefinitionOf, insertApi, listApis } from '../services/apis.ts'
import { insertJob, listJobs } from '../services/jobs.ts'
import { requireApiName, requireJobName, requireTableName } from '../services/names.ts'
import { installModules, setModules } from '../services/npm-modules.ts'
import { checkScriptText, listCurrentScripts, readScript, writeScript } from '../services/scripts.ts'
import { getService, insertTable, listTables, lockServices, type Service } from '../services/services.ts'
import { columnsOf, settingsOf } from '../services/settings.ts'
import { readyToRecord, recorded } from '../source/commits.ts'
import type { ApiDeps } from './compose.ts'
import { requireUsable, untilFollowed } from './tables.ts'

/** The export of a service, as it is made. What breaks it ends the stream before its last line. */
export async function exportService(deps: ApiDeps, caller: Caller, name: string): Promise<Readable> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const machine = await requireUsable(deps, service)
  const header = await headerOf(deps, service)
  const rows = await deps.field.stream(machine, { method: 'GET', path: rowsPath(service) })
  await audit(deps.db, caller, { action: 'sql export', subject: service.name })
  const packed = createGzip()
  // Whoever reads it sees how it ended.
  pipeline(Readable.from(asBytes(endLines(withHeader(header, rows)))), packed).catch(() => {})
  return packed
}

async function headerOf({ db }: ApiDeps, service: Service): Promise<ExportHeader> {
  const scripts = await listCurrentScripts(db, [service.id])
  const tables = await listTables(db, [service.id])
  return {
    mainstay: 'service',
    // What an older release can read whole is written for it, too.
    format: tables.some((table) => table.id_type === 'integer') ? EXPORT_FORMAT : 1,
    release: readRelease(),
    service: service.name,
    exportedAt: new Date().toISOString(),
    settings: settingsOf(service),
    tables: tables.map(({ name, permissions, id_type: idType }) => ({
      ...{ name, permissions, columns: [] },
      ...(idType === 'integer' ? { idType } : {}),
    })),
    apis: (await listApis(db, [service.id])).map(apiDefinitionOf),
    jobs: (await listJobs(db, [service.id])).map(({ name, schedule, overlap, missed }) => {
      return { name, schedule, overlap, missed }
    }),
    scripts: await Promise.all(
      scripts.map(async (one) => ({ name: one.name, text: (await readScript(db, service, one.name)).text })),
    ),
  }
}

// What is defined and lies there: with the columns of the moment of the rows.
async function* withHeader(header: ExportHeader, rows: Readable): AsyncGenerator<string> {
  const lines = linesOf(rows, EXPORT_LINE_BYTES_MAX)
  const first = await lines.next()
  const there = JSON.parse(first.done ? '{"tables":[]}' : first.value) as ExportedTables
  const tables = header.tables.flatMap((table) => {
    const found = there.tables.find(({ name }) => name === table.name)
    if (!found) return []
    const { columns, lastId } = found
    return [{ ...table, columns, ...(lastId === undefined ? {} : { lastId }) }]
  })
  yield JSON.stringify({ ...header, tables })
  const prefixes = tables.map(({ name }) => `{"table":${JSON.stringify(name)},`)
  let isWhole = false
  for await (const line of lines) {
    if (line.startsWith('{"rows":')) isWhole = true
    // A table that is being given up lies there, and is nobody's any more.
    else if (prefixes.some((prefix) => line.startsWith(prefix))) yield line
  }
  if (!isWhole) throw new Fault('export.broken', 500, 'the rows ended before they were all there')
}

async function* asBytes(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`
}

/** The lines of a packed export. Faults with `lines.damaged`, or `import.damaged` when it is none. */
async function* unpack(packed: Readable): AsyncGenerator<string> {
  const plain = createGunzip()
  const unpacking = pipeline(packed, plain).catch((error) => plain.destroy(error))
  try {
    yield* checkEnd(linesOf(plain, EXPORT_LINE_BYTES_MAX))
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault(
      'import.damaged',
      400,
      `this is no export of a mobile service, or not all of it: ${messageOf(error)}`,
      {
        hint: HINT,
      },
    )
  } finally {
    plain.destroy()
    await unpacking
  }
}

const HINT = 'Name a file that was written by: mainstay sql export SERVICE -o FILE'

function parseHeader(line: string | undefined): ExportHeader {
  const header = parseJson(line ?? '')
  if (Check(ExportFormat, header) && header.format > EXPORT_FORMAT) {
    throw new Fault('import.newer', 409, `a newer Mainstay (${header.release}) wrote this export`, {
      hint: 'Import it with that release, or a later one.',
    })
  }
  if (!Check(ExportHeader, header)) {
    throw new Fault('import.damaged', 400, 'this is no export of a mobile service', { hint: HINT })
  }
  for (const { name } of header.tables) requireTableName(name)
  for (const { name } of header.apis ?? []) requireApiName(name)
  for (const { name, schedule } of header.jobs ?? []) {
    requireJobName(name)
    checkSchedule(schedule, Date.now())
  }
  for (const { name, text } of header.scripts) if (!isPackage(name)) checkScriptText(name, text)
  return header
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Puts an export into a service that has no tables of these names, or has them without rows. */
export async function importService(
  deps: ApiDeps,
  caller: Caller,
  name: string,
  packed: Readable,
): Promise<ImportView> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const machine = await requireUsable(deps, service)
  const lines = unpack(packed)
  const header = parseHeader((await lines.next()).value)
  const modules = await installFor(deps, header)
  const version = await define(deps, caller, service, header)
  await deps.field.push()
  await untilFollowed(deps, service, machine, version)
  const { rows } = await sendRows(deps, service, { machine, header, lines })
  // Last: no script of the export runs before its rows are there.
  await readyToRecord(deps.source, service)
  const last = await deps.db.transaction().execute(async (trx) => {
    const written = { serviceId: service.id, principal: caller.principal }
    await recorded(deps.source, trx, service, async () => {
      for (const one of header.scripts) if (!isPackage(one.name)) await writeScript(trx, { ...written, ...one })
      if (modules) await setModules(trx, { ...written, ...modules })
      await trx.updateTable('services').set(columnsOf(header.settings)).where('id', '=', service.id).execute()
      const after = { from: header.service, exportedAt: header.exportedAt, rows }
      await audit(trx, caller, { action: 'sql import', subject: service.name, after })
    })
    return await bumpDesired(trx)
  })
  await deps.field.push()
  await untilFollowed(deps, service, machine, last)
  const { service: from, exportedAt } = header
  return { service: service.name, from, exportedAt, rows, scripts: header.scripts.map((one) => one.name) }
}

// An export says what to install, and does not hold it. Before anything is changed: it may not be to be had.
async function installFor(deps: ApiDeps, { scripts }: ExportHeader) {
  const textOf = (file: string) => scripts.find(({ name }) => name === file)?.text ?? null
  const texts = { packageText: textOf(PACKAGE_FILE), lockText: textOf(LOCK_FILE) }
  const { packageText } = texts
  if (packageText === null) return null
  return { ...texts, hash: (await installModules(deps, { ...texts, packageText })).hash }
}

function isPackage(name: string): boolean {
  return name === PACKAGE_FILE || name === LOCK_FILE
}

async function define(deps: ApiDeps, caller: Caller, service: Service, header: ExportHeader): Promise<number> {
  await readyToRecord(deps.source, service)
  return await deps.db.transaction().execute(async (trx) => {
    await lockServices(trx, [service.id])
    await recorded(deps.source, trx, service, async () => await defineIn(trx, caller, service, header))
    return await bumpDesired(trx)
  })
}

async function defineIn(
  trx: Kysely<ControlDatabase>,
  caller: Caller,
  service: Service,
  { tables, apis = [], jobs = [] }: ExportHeader,
): Promise<void> {
  const known = new Map((await listTables(trx, [service.id])).map((table) => [table.name, table.id_type]))
  for (const { name, permissions, idType = 'string' } of tables) {
    const there = known.get(name)
    if (there !== undefined && there !== idType) throw otherIds(name, idType)
    if (there !== undefined) continue
    await insertTable(trx, service, { name, permissions, idType })
    const subject = `${service.name}/${name}`
    await audit(trx, caller, { action: 'mobile table create', subject, after: { permissions } })
  }
  const knownApis = (await listApis(trx, [service.id])).map(({ name }) => name.toLowerCase())
  for (const { name, permissions, routes = null } of apis) {
    if (knownApis.includes(name.toLowerCase())) continue
    await insertApi(trx, service, { name, permissions, routes })
    const subject = `${service.name}/${name}`
    await audit(trx, caller, { action: 'mobile api create', subject, after: { permissions } })
  }
  const knownJobs = (await listJobs(trx, [service.id])).map(({ name }) => name.toLowerCase())
  for (const { name, schedule, overlap = 'skip', missed = 'once' } of jobs) {
    if (knownJobs.includes(name.toLowerCase())) continue
    // Disabled: where it came from it may still run.
    await insertJob(trx, service, { name, schedule, overlap, missed, isEnabled: false })
    await audit(trx, caller, { action: 'mobile job create', subject: `${service.name}/${name}`, after: { schedule } })
  }
}

function otherIds(table: string, idType: IdType): Fault {
  const words = idType === 'integer' ? 'integers, and here they are texts' : 'texts, and here they are integers'
  return new Fault('import.other_ids', 409, `the ids of ${table} are ${words}`, {
    hint: 'Import into a new mobile service, or delete the table here first.',
  })
}

async function sendRows(
  { field }: ApiDeps,
  service: Service,
  { machine, header, lines }: { machine: string; header: ExportHeader; lines: AsyncIterable<string> },
): Promise<ImportedRows> {
  const tables = header.tables.map(({ permissions: _, ...table }) => table)
  const all = async function* () {
    yield JSON.stringify({ tables })
    yield* lines
  }
  const out = new PassThrough()
  let broken: unknown = null
  const sending = pipeline(Readable.from(asBytes(all())), out).catch((error) => {
    broken = error
  })
  try {
    const call = { method: 'POST' as const, path: rowsPath(service), body: out, type: LINES_TYPE }
    return (await json(await field.stream(machine, call))) as ImportedRows
  } catch (error) {
    // What is wrong with the file is the cause; that the host then heard no end is not.
    out.destroy()
    await sending
    throw broken instanceof Fault ? broken : error
  }
}

function rowsPath(service: Service): string {
  return `/servers/${encodeURIComponent(service.server)}/rows?schema=${encodeURIComponent(service.schema_name)}`
}
