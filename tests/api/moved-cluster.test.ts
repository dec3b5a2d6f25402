// A PostgreSQL whose folder came from elsewhere: copied to another place, where it runs as another user when we are
// root; or written by another version.
import assert from 'node:assert/strict'
import { chmod, lchown, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { prepareBinaries } from '../../src/databases/binaries.ts'
import { Cluster } from '../../src/databases/cluster.ts'
import { removeTree } from '../../src/kit/files.ts'
import { copyHome } from '../support/prepared-clouds.ts'

test('a copied cluster starts with all it had, also when taking it over was cut short; one of another major does not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-moved-'))
  await chmod(folder, 0o755)
  const binaries = await prepareBinaries(join(folder, 'bin'))
  const at = (name: string) =>
    new Cluster({
      name: 'moved',
      folder: join(folder, name),
      socketFolder: join(folder, `s-${name}`),
      binaries,
      superuserPassword: 'a password of tests',
    })
  const [before, after] = [at('before'), at('after')]
  try {
    await before.initialize()
    await before.start()
    await before.withClient(async (client) => await client.query('create table kept as select 1 as one'))
    await before.stop('fast')
    await copyHome(before.folder, after.folder)
    // As far as an earlier start came before it was killed.
    if (after.runAs) await lchown(after.dataFolder, after.runAs.uid, after.runAs.gid)
    await after.start()
    const { rows } = await after.withClient(async (client) => await client.query('select one from kept'))
    assert.deepEqual(rows, [{ one: 1 }])
    await after.stop('fast')
    const versionFile = join(after.dataFolder, 'PG_VERSION')
    const version = await readFile(versionFile, 'utf8')
    await writeFile(versionFile, '17\n')
    await assert.rejects(after.start(), { code: 'postgres.other_major', message: /is of PostgreSQL 17, and this/ })
    await writeFile(versionFile, version)
    await after.start()
  } finally {
    await before.kill()
    await after.kill()
    await removeTree(folder)
  }
})
