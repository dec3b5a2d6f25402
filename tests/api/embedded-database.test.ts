// The control database of a home, a PostgreSQL of control's own: its death is mended without anybody's help.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { pino } from 'pino'
import { type ControlStore, openControlStore } from '../../src/control/database.ts'
import { findPostmaster } from '../../src/databases/cluster.ts'
import { waitFor } from '../../src/kit/clock.ts'
import type { Fault } from '../../src/kit/fault.ts'
import { removeTree } from '../../src/kit/files.ts'
import { postgresFolderOf } from '../../src/kit/home-folder.ts'
import { signalProcess } from '../../src/kit/processes.ts'

let home: string
let store: ControlStore

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'mainstay-embedded-'))
  await chmod(home, 0o755)
  store = await openControlStore({ home, url: null, log: pino({ level: 'silent' }) })
})
after(async () => {
  await store.close()
  await removeTree(await postgresFolderOf(home))
  await removeTree(home)
})

const postmaster = async () => findPostmaster(join(await postgresFolderOf(home), 'control', 'data'))

test('a control database that was killed is started again, with all that was committed', async () => {
  await sql`create table kept as select 1 as one`.execute(store.db)
  const pid = await postmaster()
  assert.ok(pid)
  signalProcess(pid, 'SIGKILL')
  // Sessions of the dead one may answer for a moment yet.
  await waitFor('another PostgreSQL', async () => ((await postmaster()) ?? pid) !== pid || undefined, {
    withinMs: 20_000,
  })
  const { rows } = await waitFor(
    'an answer of it',
    async () => (await sql`select one from kept`.execute(store.db).catch(() => null)) ?? undefined,
    { withinMs: 20_000 },
  )
  assert.deepEqual(rows, [{ one: 1 }])
})

test('while it cannot be started the refusal names its log, and once that is mended it comes back', async () => {
  const folder = join(await postgresFolderOf(home), 'control')
  const needed = join(folder, 'data', 'global', 'pg_control')
  await rename(needed, `${needed}.away`)
  const pid = await postmaster()
  assert.ok(pid)
  signalProcess(pid, 'SIGKILL')
  const refusal = await waitFor(
    'a refusal',
    async () =>
      await sql`select 1`.execute(store.db).then(
        () => undefined,
        (error: Fault) => (error.code === 'control.database_unreachable' ? error : undefined),
      ),
    { withinMs: 30_000 },
  )
  assert.match(refusal.hint ?? '', /starts it again by itself/)
  assert.ok(refusal.hint?.includes(join(folder, 'postgresql.log')), refusal.hint)
  await rename(`${needed}.away`, needed)
  await waitFor('an answer', async () => (await sql`select 1`.execute(store.db).catch(() => null)) ?? undefined, {
    withinMs: 30_000,
  })
})

test('once it was closed it stays down', async () => {
  await store.close()
  assert.equal(await postmaster(), null)
  store = await openControlStore({ home, url: null, log: pino({ level: 'silent' }) })
})
