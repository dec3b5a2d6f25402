// PostgreSQL that is slow to begin, as on a machine that has much to do, and one that cannot begin at all.
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { prepareBinaries } from '../../src/databases/binaries.ts'
import { Cluster } from '../../src/databases/cluster.ts'
import { removeTree } from '../../src/kit/files.ts'

test('a PostgreSQL that takes long to begin is waited for; one that ends is told at once, with its last words', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-start-'))
  await chmod(folder, 0o755)
  const binaries = await prepareBinaries(join(folder, 'bin'))
  const options = { name: 'slow', folder: join(folder, 'pg'), socketFolder: join(folder, 's') }
  const cluster = new Cluster({ ...options, binaries, superuserPassword: 'a password of tests' })
  const slowly = async (script: string) => {
    const slow = join(folder, 'slow')
    await removeTree(slow)
    await mkdir(join(slow, 'bin'), { recursive: true })
    for (const name of ['lib', 'share']) await symlink(join(binaries.folder, name), join(slow, name))
    await writeFile(join(slow, 'bin', 'postgres'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return new Cluster({
      ...options,
      binaries: { ...binaries, folder: slow },
      superuserPassword: 'a password of tests',
    })
  }
  try {
    await cluster.initialize()
    const late = await slowly(`sleep 1; exec ${join(binaries.folder, 'bin', 'postgres')} "$@"`)
    await late.start()
    await late.stop('fast')
    const broken = await slowly('sleep 1; echo "no room for me" >&2; exit 1')
    await assert.rejects(broken.start(), {
      code: 'postgres.start_failed',
      message: /did not start[\s\S]*no room for me/,
    })
  } finally {
    await cluster.kill()
    await removeTree(folder)
  }
})
