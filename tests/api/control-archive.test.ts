// Archives of the control database: written on change, read back whole, restored into an empty database only.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { pino } from 'pino'
import { Accounts } from '../../src/accounts/accounts.ts'
import { type KeyedSeal, openSeal } from '../../src/accounts/seal.ts'
import { ensureOperator } from '../../src/accounts/tokens.ts'
import { listArchives } from '../../src/control/archive-file.ts'
import { PieceKeeper } from '../../src/control/archived-pieces.ts'
import { Archivist } from '../../src/control/archivist.ts'
import { type ControlStore, openControlStore } from '../../src/control/database.ts'
import { listControls, notePresence } from '../../src/control/election.ts'
import { EPOCHS_SKIPPED, GENERATION } from '../../src/control/lineage.ts'
import { insertServer } from '../../src/databases/servers.ts'
import { LAUNCHER } from '../../src/kit/launcher.ts'
import { ARCHIVED_PIECE_MARGIN_MS, NPM_MODULES_PART_BYTES } from '../../src/kit/limits.ts'
import { packModules } from '../../src/kit/module-files.ts'
import { folderVault } from '../../src/kit/vault.ts'
import { insertOperation } from '../../src/operations/operations.ts'
import { bumpDesired, ensureRegion, lastEpoch } from '../../src/regions/regions.ts'
import { installModules } from '../../src/services/npm-modules.ts'
import { insertRepository, listPacks, readPack, storePack } from '../../src/source/repository-rows.ts'
import { type ControlClusters, startControlClusters } from '../support/control-clusters.ts'

const log = pino({ level: 'silent' })

const PACKAGE = '{ "dependencies": { "left": "1" } }'
// Bytes of every kind, in more than one part.
async function* files() {
  yield { path: 'left/index.js', content: randomBytes(NPM_MODULES_PART_BYTES + 1_000) }
}
const modules = await packModules(files())
const installed = async () => ({
  ...{ ...modules, lockText: '{}' },
  packages: [{ name: 'left', version: '1.0.0' }],
})

const LIVES = { certificateMs: 86_400_000, joinTokenMs: 3_600_000 }

describe('the archives of a control database', () => {
  let clusters: ControlClusters
  let store: ControlStore
  let seal: KeyedSeal
  let folder = ''
  const at = (name: string) => join(folder, name)
  const archives = async () => await listArchives(folderVault(at('vault')))

  before(async () => {
    clusters = await startControlClusters({ hasStandby: false })
    folder = clusters.folder
    store = await openControlStore({ home: '/nonexistent', url: clusters.url(), log })
    seal = await openSeal(at('control.key'), { mayMake: true })
    await Accounts.open(store.db, seal, LIVES)
    await ensureOperator(store.db, at('operator.token'))
    await notePresence(store.db, { id: 'a', domain: 'a', version: '1', startedAt: new Date(), isKeyExported: false })
    await ensureRegion(store.db, `West "quoted" \\ US, 'it''s'\n`)
    await store.db.insertInto('machines').values({ name: 'm-1', role: 'host', domain: 'West US' }).execute()
    await installModules({ db: store.db, install: installed }, { packageText: PACKAGE, lockText: null })
    await store.db.transaction().execute(async (trx) => {
      const [region] = await trx.selectFrom('regions').select('slug').execute()
      await insertServer(trx, seal, {
        name: 'sql-1',
        region: region?.slug ?? '',
        machine: 'm-1',
        isDefault: true,
        protection: 'async',
      })
      await insertOperation(trx, {
        kind: 'create',
        caller: { subscriptionId: 'default', principal: 'p' },
        subject: { service: { id: 's', name: 'Süß "app"' } },
        input: { nested: ['ü', null, 1.5] },
        steps: [{ name: 'a', sentence: 'b' }],
        idempotencyKey: null,
      })
    })
    await clusters.sql(
      `insert into services (id, subscription_id, name, schema_name, region, machine, mode, units, epoch, server, state,
         application_key, master_key, login_password)
       select 's', 'default', 'App', 'app', slug, 'm-1', 'shared', 1, 1, 'sql-1', 'ready', 'k', 'k', 'k' from regions`,
    )
    await store.db.updateTable('services').set({ npm_modules: modules.hash }).execute()
    await insertRepository(store.db, 's', 'master')
    await writeFile(at('pack'), randomBytes(2 * 1_048_576 + 17))
    await storePack(store.db, { id: 's' }, at('pack'))
  })
  after(async () => {
    await store?.close()
    await clusters?.stop()
  })

  test('know npm modules by all texts that they came of, however those are written', async () => {
    let installs = 0
    const install = async () => {
      installs += 1
      return await installed()
    }
    const texts = [PACKAGE, `${PACKAGE}\n`].map((packageText) => ({ packageText, lockText: null }))
    for (const one of [...texts, ...texts]) await installModules({ db: store.db, install }, one)
    // The first was known before.
    assert.equal(installs, 1)
  })

  let archivist: Archivist

  test('are written when something changed, and not when nothing did', async () => {
    archivist = new Archivist({ store, id: 'a', folders: [at('vault')], seal, log, isHeld: () => false })
    await archivist.writeIfDue()
    await archivist.writeIfDue()
    const one = (await archives()).length
    await store.db.transaction().execute(bumpDesired)
    await archivist.writeIfDue()
    // PostgreSQL counts changes a little later than they happen, so one more is no mistake.
    const two = (await archives()).length
    assert.ok(one >= 1 && two > one && two <= 4, `${one} ${two}`)
    const [control] = await listControls(store.db)
    assert.deepEqual([control?.vaults, control?.archive_problem], [1, null])
    assert.ok(Date.now() - (control?.archived_at?.getTime() ?? 0) < 60_000)
  })

  test('hold no secret in the open, and can be read by their owner only', async () => {
    const [newest] = await archives()
    const bytes = await readFile(at(`vault/${newest?.key}`))
    assert.equal((await stat(at(`vault/${newest?.key}`))).mode & 0o077, 0)
    const text = gunzipSync(bytes.subarray(bytes.indexOf('\n') + 1)).toString()
    const token = (await readFile(at('operator.token'), 'utf8')).trim()
    const key = (await readFile(at('control.key'), 'utf8')).trim()
    for (const secret of [token, key, 'PRIVATE KEY']) assert.ok(!text.includes(secret))
  })

  test('that one vault does not take still go to the other, and status can tell', async () => {
    await writeFile(at('no-folder'), 'a file')
    const both = new Archivist({
      store,
      id: 'a',
      folders: [at('no-folder'), at('vault')],
      seal,
      log,
      isHeld: () => false,
    })
    const before = (await archives()).length
    await both.writeIfDue()
    assert.equal((await archives()).length, before + 1)
    const [control] = await listControls(store.db)
    assert.match(control?.archive_problem ?? '', /no-folder/)
  })

  const restore = async (args: string[], database = 'restored') => {
    const all = ['control', 'restore', '--json', '--from', at('vault'), '--key-file', at('control.key'), ...args]
    const env = { ...process.env, MAINSTAY_CONTROL_DB: clusters.url({ database }) }
    const child = spawn(process.execPath, [LAUNCHER, ...all], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    assert.ok(!`${stdout}${stderr}`.includes(clusters.primary.password))
    return { code, body: JSON.parse(stdout || 'null'), stderr }
  }

  test('a dry run tells what would be restored and changes nothing', async () => {
    await clusters.sql('create database restored owner keeper', 'postgres')
    const { code, body, stderr } = await restore(['--home', at('new'), '--dry-run'])
    assert.equal(code, 0, stderr)
    assert.deepEqual([body.servers, body.operations, body.isDryRun], [['sql-1'], ['create of Süß "app"'], true])
    assert.deepEqual(await clusters.sql(`select 1 from pg_tables where schemaname = 'public'`, 'restored'), [])
  })

  test('a wrong key, an unknown archive and a foreign database are refused', async () => {
    await writeFile(at('other.key'), `${'ab'.repeat(32)}\n`)
    const refused = async (args: string[], database?: string) => (await restore(args, database)).body.error.code
    assert.equal(await refused(['--home', at('new'), '--key-file', at('other.key')]), 'control.wrong_key')
    assert.equal(await refused(['--home', at('new'), '--at', 'none']), 'archive.none')
    assert.equal(await refused(['--home', at('new'), '--from', at('s')]), 'archive.none')
    assert.equal(await refused(['--home', at('new')], 'mainstay_control'), 'restore.not_empty')
    // The home where the key lies is a control's.
    assert.equal(await refused(['--home', folder]), 'restore.not_empty')
  })

  test('the newest is damaged: the one before is restored, and that is said', async () => {
    const [newest, next] = await archives()
    await truncate(at(`vault/${newest?.key}`), 700)
    // As a restore that was broken off leaves it.
    await clusters.sql(
      'create table mainstay_restoring (since timestamptz); create table desired (version bigint)',
      'restored',
    )
    await clusters.sql(
      'alter table mainstay_restoring owner to keeper; alter table desired owner to keeper',
      'restored',
    )
    await assert.rejects(openControlStore({ home: '/nonexistent', url: clusters.url({ database: 'restored' }), log }), {
      code: 'control.half_restored',
    })
    await chmod(folder, 0o755)
    const { code, body, stderr } = await restore(['--home', at('new')])
    assert.equal(code, 0, `${stderr} ${JSON.stringify(body)}`)
    assert.equal(body.archive, next?.id)
    assert.deepEqual(
      body.damaged.map(({ archive }: { archive: string }) => archive),
      [newest?.id],
    )
  })

  test('what was restored is what there was, above every version and epoch of before', async () => {
    const other = await openControlStore({ home: '/nonexistent', url: clusters.url({ database: 'restored' }), log })
    try {
      const tables = [
        'regions',
        'machines',
        'servers',
        'server_members',
        'operations',
        'secrets',
        'operator_tokens',
        'source_repositories',
        'source_packs',
        'npm_modules',
        'npm_sources',
        'npm_module_parts',
      ] as const
      for (const table of tables) {
        const read = async ({ db }: ControlStore) => await db.selectFrom(table).selectAll().execute()
        assert.deepEqual(await read(other), await read(store), table)
      }
      // What archives name and do not hold.
      const [pack] = await listPacks(other.db, 's')
      assert.ok(pack && (await buffer(readPack(other.db, pack))).equals(await readFile(at('pack'))))
      assert.equal((await folderVault(at('vault')).list('control-source/')).length, 3)
      assert.equal((await folderVault(at('vault')).list('control-modules/')).length, 2)
      for (const { key } of await archives()) assert.ok((await stat(at(`vault/${key}`))).size < 100_000)
      const { version } = await other.db.selectFrom('desired').select('version').executeTakeFirstOrThrow()
      assert.equal(Number(version), GENERATION)
      assert.equal(await lastEpoch(other.db), (await lastEpoch(store.db)) + EPOCHS_SKIPPED)
      const restored = await other.db.selectFrom('restores').selectAll().execute()
      assert.deepEqual(
        restored.map((row) => [row.settled_at, row.heard]),
        [[null, []]],
      )
      await Accounts.open(other.db, await openSeal(at('new/control.key'), { mayMake: false }), LIVES)
      // References are checked again.
      await assert.rejects(
        other.db
          .insertInto('join_tokens')
          .values({ id: 'x' } as never)
          .execute(),
      )
      const dangling = {
        server: 'nowhere',
        machine: 'm-1',
        role: 'primary' as const,
        standing: null,
        slot: null,
        fork_lsn: null,
      }
      await assert.rejects(other.db.insertInto('server_members').values(dangling).execute(), /foreign key/)
      await ensureRegion(other.db, 'Another')
    } finally {
      await other.close()
    }
  })

  test('a repository and npm modules of which a piece is missing are named and taken away; all else is restored', async () => {
    await clusters.sql('create database second owner keeper', 'postgres')
    const [piece = ''] = await folderVault(at('vault')).list('control-source/')
    await truncate(at(`vault/${piece}`), 100)
    const [, part = ''] = await folderVault(at('vault')).list('control-modules/')
    await truncate(at(`vault/${part}`), 100)
    const { code, body, stderr } = await restore(['--home', at('second')], 'second')
    assert.equal(code, 0, stderr)
    assert.deepEqual([body.services, body.lostRepositories, body.lostModules], [['App'], ['App'], ['App']])
    assert.deepEqual(await clusters.sql('select 1 from source_repositories', 'second'), [])
    assert.deepEqual(await clusters.sql('select npm_modules from services', 'second'), [{ npm_modules: null }])
    assert.deepEqual(await clusters.sql('select 1 from npm_sources', 'second'), [])
  })

  test('a piece leaves a vault after every archive that may name it, and not while a row does', async () => {
    const vault = folderVault(at('pieces'))
    const pieces = new PieceKeeper(vault)
    const [later, muchLater] = [1, 2].map((hours) => new Date(Date.now() + hours * ARCHIVED_PIECE_MARGIN_MS + 60_000))
    assert.ok(later && muchLater)
    await pieces.keep(store.db)
    await pieces.sweep(store.db, muchLater)
    const all = await vault.list('control-')
    assert.equal(all.length, 5)
    await clusters.sql('delete from npm_module_parts where part = 1')
    await pieces.keep(store.db)
    // Marked now: archives from before are still there.
    await pieces.sweep(store.db, new Date())
    await pieces.sweep(store.db, new Date())
    assert.equal((await vault.list('control-modules/')).length, 2)
    const content = modules.packed.subarray(NPM_MODULES_PART_BYTES)
    await store.db.insertInto('npm_module_parts').values({ hash: modules.hash, part: 1, content }).execute()
    await pieces.sweep(store.db, muchLater)
    assert.deepEqual(await vault.list('control-'), all)
    await clusters.sql('delete from npm_module_parts where part = 1')
    await pieces.sweep(store.db, later)
    await pieces.sweep(store.db, later)
    assert.deepEqual(
      await vault.list('control-'),
      all.filter((key) => !key.endsWith('.1')),
    )
    // Marked, named by an archive, and gone again: the mark of before does not count.
    await store.db.insertInto('npm_module_parts').values({ hash: modules.hash, part: 1, content }).execute()
    await pieces.keep(store.db)
    await clusters.sql('delete from npm_module_parts where part = 1')
    await pieces.sweep(store.db, muchLater)
    await store.db.insertInto('npm_module_parts').values({ hash: modules.hash, part: 1, content }).execute()
    await pieces.keep(store.db)
    await clusters.sql('delete from npm_module_parts where part = 1')
    await pieces.sweep(store.db, muchLater)
    assert.equal((await vault.list('control-modules/')).length, 2)
    await pieces.sweep(store.db, muchLater)
    assert.equal((await vault.list('control-modules/')).length, 1)
    // What was removed elsewhere, and is stored again, is put there again.
    await pieces.keep(store.db)
    await store.db.insertInto('npm_module_parts').values({ hash: modules.hash, part: 1, content }).execute()
    await pieces.keep(store.db)
    assert.deepEqual(await vault.list('control-'), all)
  })
})
