// How long an insert takes whose commit waits for a standby that is some way off: PostgreSQL itself, through a socket
// that delays what passes in either direction.
import { mkdir } from 'node:fs/promises'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { PORT } from '../src/databases/cluster-config.ts'
import { isSynchronousWith, setSynchronousStandby } from '../src/databases/synchronous.ts'
import { waitFor } from '../src/kit/clock.ts'
import { BackupBench } from '../tests/support/backup-cluster.ts'
import { type Summary, summarise } from './statistics.ts'

const SLOT = 'standby'
const INSERTS = 500

/** Measures with the standby at each distance: milliseconds that a byte takes one way. */
export async function measureDistances(distancesMs: number[]): Promise<Record<string, Summary>> {
  const rows: Record<string, Summary> = {}
  for (const oneWayMs of distancesMs) {
    const bench = await BackupBench.open()
    const folder = join(bench.folder, 'far')
    const link = await delayedSocket(bench.source.socketFolder, folder, oneWayMs)
    try {
      await bench.makeStandby(folder)
      rows[`${oneWayMs} ms one way, asynchronous`] = summarise(await insertRows(bench))
      await bench.source.withClient(async (client) => {
        await waitFor('the standby to stream', async () => (await isStreaming(client)) || undefined, {
          withinMs: 20_000,
        })
        await setSynchronousStandby(client, SLOT)
        const isSync = async () => (await isSynchronousWith(client, SLOT)) || undefined
        await waitFor('commits to wait for it', isSync, { withinMs: 20_000 })
      })
      rows[`${oneWayMs} ms one way, synchronous`] = summarise(await insertRows(bench))
      await bench.source.withClient(async (client) => await setSynchronousStandby(client, null))
    } finally {
      await bench.close()
      link.close()
    }
  }
  return rows
}

type Client = Parameters<Parameters<BackupBench['source']['withClient']>[0]>[0]

async function isStreaming(client: Client): Promise<boolean> {
  const { rowCount } = await client.query(`select 1 from pg_stat_replication where state = 'streaming'`)
  return rowCount === 1
}

async function insertRows(bench: BackupBench): Promise<number[]> {
  return await bench.source.withClient(async (client) => {
    const times: number[] = []
    for (let number = 0; number < INSERTS; number += 1) {
      const startedAt = performance.now()
      await client.query('insert into notes (text) values ($1)', [`row ${number}`])
      times.push(performance.now() - startedAt)
    }
    // The first ones warm up the connection and its plans.
    return times.slice(INSERTS / 10)
  })
}

// A socket of PostgreSQL's name in a folder of its own, which leads to the one in `from`.
async function delayedSocket(from: string, folder: string, delayMs: number): Promise<Server> {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const name = `.s.PGSQL.${PORT}`
  const server = createServer((near) => {
    const far = createConnection(join(from, name))
    delay(near, far, delayMs)
    delay(far, near, delayMs)
  })
  await new Promise<void>((resolve) => server.listen({ path: join(folder, name), writableAll: true }, resolve))
  return server
}

// Timers of the same length fire in the order in which they were set.
function delay(from: Socket, to: Socket, delayMs: number): void {
  const later = (work: () => void) => (delayMs === 0 ? work() : setTimeout(work, delayMs))
  from.on('data', (chunk) => later(() => to.write(chunk)))
  from.on('close', () => later(() => to.destroy()))
  from.on('error', () => {})
}
