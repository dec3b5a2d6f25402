// PostgreSQL of which one process dies: it ends, and is ours to start; one that starts over within itself may hang.
import assert from 'node:assert/strict'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { prepareBinaries } from '../../src/databases/binaries.ts'
import { Cluster } from '../../src/databases/cluster.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { removeTree } from '../../src/kit/files.ts'

test('a PostgreSQL of which one process was killed ends, and has all that was committed when it is started again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-crash-'))
  await chmod(folder, 0o755)
  const binaries = await prepareBinaries(join(folder, 'bin'))
  const options = { name: 'crashed', folder: join(folder, 'pg'), socketFolder: join(folder, 's') }
  const cluster = new Cluster({ ...options, binaries, superuserPassword: 'a password of tests' })
  try {
    await cluster.initialize()
    await cluster.start()
    await cluster.withClient(async (client) => {
      await client.query('create table kept as select 1 as number')
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      process.kill(rows[0]?.pid ?? 0, 'SIGKILL')
      await assert.rejects(client.query('select 1'))
    })
    await waitFor('its end', async () => !cluster.isRunning || undefined, { withinMs: 20_000, everyMs: 50 })
    await cluster.start()
    const kept = await cluster.withClient(async (client) => await client.query('select number from kept'))
    assert.deepEqual(kept.rows, [{ number: 1 }])
  } finally {
    await cluster.kill()
    await removeTree(folder)
  }
})
