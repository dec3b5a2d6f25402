// Makes a control database anew from an archive: checks it, refuses to write over anything, and leaves a mark until all
// is there, so that a restore that was broken off is begun anew and never taken for a whole one.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type pg from 'pg'
import { openAuthority } from '../accounts/accounts.ts'
import { type KeyedSeal, sealOf } from '../accounts/seal.ts'
import { CONTROL_KEY_FILE, decodeControlKey, EXPORTED_SUFFIX } from '../contract/control-key.ts'
import type { RestoreAnswer, RestoreReport } from '../contract/restore.ts'
import { environment } from '../kit/environment.ts'
import { Fault, faultBody, messageOf } from '../kit/fault.ts'
import { readTextIfAny, writeFileDurably } from '../kit/files.ts'
import { realFolder } from '../kit/home-folder.ts'
import { lockHome } from '../kit/home-lock.ts'
import { randomId } from '../kit/identifiers.ts'
import { openLog } from '../kit/log.ts'
import { folderVault, type Vault } from '../kit/vault.ts'
import { emptyDatabase, loadArchive } from './archive-data.ts'
import { type Archive, type ArchiveName, listArchives, unpackArchive } from './archive-file.ts'
import { type LostPieces, loadPieces } from './archived-pieces.ts'
import { type ControlStore, connectControlStore, listTables, MIGRATIONS, migrate, RESTORING_TABLE } from './database.ts'
import { EPOCHS_SKIPPED, GENERATION } from './lineage.ts'

const OPTIONS = {
  from: { type: 'string' },
  at: { type: 'string' },
  home: { type: 'string' },
  database: { type: 'string' },
  'key-file': { type: 'string' },
  'passphrase-file': { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
} as const

type Wanted = { home: string; url: string | null; key: Buffer; vault: Vault; at: string | null; isDryRun: boolean }
type Chosen = { name: ArchiveName; archive: Archive; damaged: RestoreReport['damaged'] }

/** Runs one restore for the CLI; says what came of it in one JSON line on standard output. */
export async function restoreMain(args: string[]): Promise<void> {
  let answer: RestoreAnswer
  try {
    answer = { report: await restore(await readOptions(args)) }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    answer = { fault: faultBody(error), status: error.status }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

async function readOptions(args: string[]): Promise<Wanted> {
  const { values } = parseArgs({ args, options: OPTIONS })
  const keyFile = values['key-file'] ?? ''
  const text = await readTextIfAny(keyFile)
  if (text === null) {
    throw new Fault('control.key_missing', 400, `there is no control key at ${keyFile}`, {
      hint: 'Name the file that mainstay control key export wrote.',
    })
  }
  const passphrase = (await readTextIfAny(values['passphrase-file'] ?? ''))?.trim() ?? null
  return {
    home: realFolder(values.home ?? ''),
    url: values.database ?? environment().controlDatabase,
    key: decodeControlKey(text, passphrase),
    vault: folderVault(values.from ?? ''),
    at: values.at ?? null,
    isDryRun: values['dry-run'],
  }
}

async function restore(wanted: Wanted): Promise<RestoreReport> {
  const seal = sealOf(wanted.key)
  const chosen = await chooseArchive(wanted)
  requireFits(chosen.archive, seal)
  if ((await readTextIfAny(join(wanted.home, CONTROL_KEY_FILE))) !== null) {
    throw new Fault('restore.not_empty', 409, `${wanted.home} is the home of a control already`, {
      hint: 'Choose a new folder with --home. Nothing is written over.',
    })
  }
  const report = reportOf(chosen, wanted)
  const log = openLog('control restore', environment().logLevel)
  if (wanted.isDryRun) {
    if (wanted.url !== null) await requireEmpty(await connectControlStore({ ...wanted, log }))
    return report
  }
  const unlock = await lockHome(wanted.home, 'control')
  const store = await connectControlStore({ home: wanted.home, url: wanted.url, log })
  try {
    const lost = await fill(store, chosen, wanted.vault)
    Object.assign(report, { lostRepositories: lost.repositories, lostModules: lost.modules })
  } finally {
    await store.close()
  }
  // Last: with its key the home is a control's.
  const keyFile = join(wanted.home, CONTROL_KEY_FILE)
  await writeFileDurably(keyFile + EXPORTED_SUFFIX, `${new Date().toISOString()} ${seal.fingerprint}\n`)
  await writeFileDurably(keyFile, `${wanted.key.toString('hex')}\n`)
  await unlock()
  return report
}

// The newest whole one; a damaged one is passed over and named.
async function chooseArchive({ vault, at }: Wanted): Promise<Chosen> {
  const all = await listArchives(vault)
  const names = at === null ? all : all.filter(({ id }) => id === at)
  const damaged: RestoreReport['damaged'] = []
  for (const name of names) {
    try {
      return { name, archive: await unpackArchive((await vault.get(name.key)) ?? new Uint8Array()), damaged }
    } catch (error) {
      damaged.push({ archive: name.id, problem: messageOf(error) })
    }
  }
  const found =
    damaged.length === 0 ? `no archive${at === null ? '' : ` ${at}`}` : `${damaged.length} archives, all damaged`
  throw new Fault('archive.none', 404, `there is ${found} of a control database in ${vault.name}`, {
    hint: all.length > 0 ? `The newest is ${all[0]?.id}.` : 'Name the folder that control had as --vault.',
  })
}

function requireFits(archive: Archive, seal: KeyedSeal): void {
  const unknown = archive.header.migrations.filter((name) => !(name in MIGRATIONS))
  if (unknown.length > 0) {
    throw new Fault('archive.newer_version', 409, `a newer Mainstay wrote this archive (${unknown.join(', ')})`, {
      hint: 'Restore it with that version.',
    })
  }
  if (archive.header.keyFingerprint !== seal.fingerprint) {
    const message = `this archive needs the control key ${archive.header.keyFingerprint}, not ${seal.fingerprint}`
    throw new Fault('control.wrong_key', 409, message, { hint: 'Use the key that was exported from this cloud.' })
  }
  const [, sealed] = valuesOf(archive, 'secrets', ['name', 'sealed']).find(([name]) => name === 'authority') ?? []
  if (sealed) openAuthority(seal, sealed)
}

async function fill(store: ControlStore, chosen: Chosen, vault: Vault): Promise<LostPieces> {
  const client = await store.pool.dedicated()
  try {
    await beginAnew(store, client)
    await migrate(store.db, chosen.archive.header.migrations.at(-1) ?? null)
    await client.query('begin')
    await loadArchive(client, chosen.archive)
    const lost = await loadPieces(client, vault, new Set(chosen.archive.tables.map(({ name }) => name)))
    await raiseFloors(client, chosen)
    await client.query(`drop table ${RESTORING_TABLE}`)
    await client.query('commit')
    return lost
  } finally {
    await client.end()
  }
}

// An external database, for a dry run; what a restore left half done counts as empty.
async function requireEmpty(store: ControlStore): Promise<void> {
  try {
    refuseForeign(await listTables(store.db))
  } finally {
    await store.close()
  }
}

function refuseForeign(tables: string[]): void {
  if (tables.length === 0 || tables.includes(RESTORING_TABLE)) return
  throw new Fault('restore.not_empty', 409, `the target database is not empty (${tables.length} tables)`, {
    hint: 'Name an empty one. Nothing is written over.',
  })
}

async function beginAnew(store: ControlStore, client: pg.Client): Promise<void> {
  refuseForeign(await listTables(store.db))
  await client.query(`create table if not exists ${RESTORING_TABLE} (since timestamptz default now())`)
  await emptyDatabase(client)
}

// Machines follow what has a higher version, and refuse what has a lower epoch than they know.
async function raiseFloors(client: pg.Client, { name, archive }: Chosen): Promise<void> {
  await client.query(`update desired set version = (version / ${GENERATION} + 1) * ${GENERATION}`)
  const { rows } = await client.query<{ epoch: string }>('select last_value::text as epoch from epochs')
  const epoch = Number(rows[0]?.epoch)
  await client.query(`select setval('epochs', $1)`, [epoch + EPOCHS_SKIPPED])
  await client.query('insert into restores (id, archive, taken_at, epoch) values ($1, $2, $3, $4)', [
    randomId(),
    name.id,
    archive.header.takenAt,
    epoch,
  ])
}

function reportOf({ name, archive, damaged }: Chosen, { vault, isDryRun }: Wanted): RestoreReport {
  const services = valuesOf(archive, 'services', ['name', 'ended_at']).filter(([, endedAt]) => endedAt === null)
  const operations = valuesOf(archive, 'operations', ['kind', 'service_name', 'state'])
  return {
    archive: name.id,
    takenAt: archive.header.takenAt,
    version: archive.header.version,
    vault: vault.name,
    damaged,
    rows: archive.tables.reduce((sum, table) => sum + table.rows.length, 0),
    services: services.map(([service]) => service ?? ''),
    servers: valuesOf(archive, 'servers', ['name']).map(([server]) => server ?? ''),
    operations: operations.flatMap(([kind, service, state]) => (state === 'running' ? [`${kind} of ${service}`] : [])),
    lostRepositories: [],
    lostModules: [],
    isDryRun,
  }
}

function valuesOf({ tables }: Archive, name: string, columns: string[]): (string | null)[][] {
  const table = tables.find((entry) => entry.name === name)
  if (!table) return []
  const at = columns.map((column) => table.columns.indexOf(column))
  return table.rows.map((row) => at.map((index) => row[index] ?? null))
}
