// npm modules of services: installed once, from what package.json says, kept under the hash of what came of it, and
// bound to services. Who installs binds nothing; who binds installs nothing.
import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { LOCK_FILE, type NpmModulesAnswer, type NpmPackage, PACKAGE_FILE } from '../contract/npm-modules.ts'
import { Fault } from '../kit/fault.ts'
import { NPM_MODULES_KEEP_MS, NPM_MODULES_PART_BYTES } from '../kit/limits.ts'
import { checkLockText, checkPackageText } from './package-text.ts'
import { writeScript } from './scripts.ts'

type Db = Kysely<ControlDatabase>

/** What says which modules there are: a package.json, and the lock file that came with it, if any. */
export type PackageTexts = { packageText: string; lockText: string | null }

/** What npm made of it. `packed`: a tar, compressed; `hash`: of the tar. */
export type Installed = {
  hash: string
  packed: Buffer
  unpackedBytes: number
  files: number
  packages: NpmPackage[]
  lockText: string
}
/** Installs in a sandbox. Faults with `npm.*`. */
export type InstallModules = (texts: PackageTexts) => Promise<Installed>

/** What is stored now. `hash` null: it asks for no packages. */
export type StoredModules = { hash: string | null; packages: NpmPackage[] }

/**
 * Installs what a package.json asks for, and stores it; no service is changed. The same texts once more are not
 * installed again while what came of them is still here. Faults with `npm.*`, which say what npm said.
 */
export async function installModules(
  { db, install }: { db: Db; install: InstallModules },
  texts: PackageTexts,
): Promise<StoredModules> {
  if (texts.lockText !== null) checkLockText(texts.lockText)
  if (checkPackageText(texts.packageText) === 0) return { hash: null, packages: [] }
  const source = sourceOf(texts)
  const known = await db
    .updateTable('npm_modules')
    .set({ used_at: new Date() })
    .where('hash', '=', (query) => query.selectFrom('npm_sources').select('hash').where('source', '=', source))
    .returning(['hash', 'packages'])
    .executeTakeFirst()
  if (known) return known
  const installed = await install(texts)
  await db.transaction().execute(async (trx) => await storeInstalled(trx, source, installed))
  return { hash: installed.hash, packages: installed.packages }
}

/**
 * Binds a service to installed modules, and writes the next versions of its package.json and lock file, in the caller's
 * transaction; texts of null end them. Gives the version of its package.json, or null when nothing was changed.
 */
export async function setModules(
  trx: Db,
  wanted: {
    serviceId: string
    hash: string | null
    packageText: string | null
    lockText: string | null
    principal: string
  },
): Promise<{ version: number | null; before: string | null; after: string | null } | null> {
  const { serviceId, hash, principal } = wanted
  const { npm_modules: before } = await trx
    .selectFrom('services')
    .select('npm_modules')
    .where('id', '=', serviceId)
    .executeTakeFirstOrThrow()
  await trx.updateTable('services').set({ npm_modules: hash }).where('id', '=', serviceId).execute()
  const text = await writeScript(trx, { serviceId, name: PACKAGE_FILE, text: wanted.packageText, principal })
  const lock = await writeScript(trx, { serviceId, name: LOCK_FILE, text: wanted.lockText, principal })
  if (text === null && lock === null && before === hash) return null
  return { version: text?.version ?? null, before, after: hash }
}

/** What is installed for a service. */
export async function listPackages(db: Db, hash: string | null): Promise<NpmPackage[]> {
  if (hash === null) return []
  const found = await db.selectFrom('npm_modules').select('packages').where('hash', '=', hash).executeTakeFirst()
  return found?.packages ?? []
}

/** How much there is of them, for the hosts that run them. Faults with `npm.unknown`. */
export async function describeModules(db: Db, hash: string): Promise<NpmModulesAnswer> {
  const found = await db.selectFrom('npm_modules').select('bytes').where('hash', '=', hash).executeTakeFirst()
  if (found) return { bytes: found.bytes, parts: Math.ceil(found.bytes / NPM_MODULES_PART_BYTES) }
  throw unknown(hash)
}

/** One part of them. Faults with `npm.unknown`. */
export async function readModulesPart(db: Db, hash: string, part: number): Promise<Buffer> {
  const found = await db
    .selectFrom('npm_module_parts')
    .select('content')
    .where('hash', '=', hash)
    .where('part', '=', part)
    .executeTakeFirst()
  if (found) return found.content
  throw unknown(hash)
}

function unknown(hash: string): Fault {
  return new Fault('npm.unknown', 404, `there are no npm modules ${hash}`)
}

async function storeInstalled(trx: Db, source: string, installed: Installed): Promise<void> {
  const { hash, packed, packages, lockText } = installed
  await trx
    .insertInto('npm_modules')
    .values({
      ...{ hash, bytes: packed.length, unpacked_bytes: installed.unpackedBytes, files: installed.files },
      ...{ packages: JSON.stringify(packages), lock_text: lockText },
    })
    // The same came of other texts before.
    .onConflict((conflict) => conflict.column('hash').doUpdateSet({ used_at: new Date() }))
    .execute()
  await trx
    .insertInto('npm_sources')
    .values({ source, hash })
    // Two who installed the same texts at once: whoever comes last knows the newer versions.
    .onConflict((conflict) => conflict.column('source').doUpdateSet({ hash }))
    .execute()
  for (let at = 0; at * NPM_MODULES_PART_BYTES < packed.length; at += 1) {
    const content = packed.subarray(at * NPM_MODULES_PART_BYTES, (at + 1) * NPM_MODULES_PART_BYTES)
    await trx
      .insertInto('npm_module_parts')
      .values({ hash, part: at, content })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
  await forgetUnused(trx)
}

// Those of ended services are kept with them: they may be restored.
async function forgetUnused(trx: Db): Promise<void> {
  await trx
    .deleteFrom('npm_modules')
    .where('used_at', '<', new Date(Date.now() - NPM_MODULES_KEEP_MS))
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('services').select('id').whereRef('services.npm_modules', '=', 'npm_modules.hash'))),
    )
    .execute()
}

function sourceOf({ packageText, lockText }: PackageTexts): string {
  return createHash('sha256')
    .update(JSON.stringify([packageText, lockText]))
    .digest('hex')
}
