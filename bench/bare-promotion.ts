// The ceiling: PostgreSQL alone, primary killed and standby promoted at once, with nobody asked and nothing verified.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { takeBaseBackup } from '../src/databases/base-backup.ts'
import { prepareBinaries } from '../src/databases/binaries.ts'
import { Cluster } from '../src/databases/cluster.ts'
import { REPLICATOR } from '../src/databases/cluster-config.ts'
import { waitFor } from '../src/kit/clock.ts'

/** Milliseconds from the kill of a primary to the first write on its standby. */
export async function measureBarePromotion(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-bench-'))
  await chmod(folder, 0o755)
  const binaries = await prepareBinaries(folder)
  const cluster = (name: string) =>
    new Cluster({
      name,
      folder: join(folder, name),
      socketFolder: join(folder, `s-${name}`),
      binaries,
      superuserPassword: 'x',
    })
  const primary = cluster('one')
  const standby = cluster('two')
  try {
    await primary.initialize()
    await primary.start()
    await primary.withClient(async (client) => {
      await client.query(`create role ${REPLICATOR} login replication password 'x'`)
      await client.query(`select pg_create_physical_replication_slot('bench', true)`)
    })
    const upstream = { socketFolder: primary.socketFolder, password: 'x', slot: 'bench' }
    await standby.beginFolder()
    await takeBaseBackup(upstream, standby.dataFolder, () => {})
    await standby.finishFolder()
    await standby.start({ kind: 'standby', upstream })
    await primary.withClient(async (client) => {
      const isStreaming = async () => {
        const found = await client.query(`select 1 from pg_stat_replication where state = 'streaming'`)
        return found.rowCount ? true : undefined
      }
      await waitFor('streaming', isStreaming, { withinMs: 20_000 })
    })
    const startedAt = performance.now()
    await primary.kill()
    await standby.withClient(async (client) => {
      await client.query('select pg_promote(true, 30)')
      await client.query('create table first_write (id integer)')
    })
    return performance.now() - startedAt
  } finally {
    await primary.kill()
    await standby.kill()
    await rm(folder, { recursive: true, force: true })
  }
}
