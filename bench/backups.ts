// What backups cost and how fast they come back: against `cp -a` of the same folder, and inserts beside one against none.
// Usage: npm run bench:backups -- [megabytes] [rounds]
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { OperationView, ServiceView } from '../src/contract/api.ts'
import { pause, waitFor } from '../src/kit/clock.ts'
import { postgresFolderOf } from '../src/kit/home-folder.ts'
import { connectInside, TestCloud } from '../tests/support/cloud.ts'
import { printTable, type Summary, summarise } from './statistics.ts'

const SERVER = 'sql-west-us'
const MEGABYTES_DEFAULT = 1_024
const ROUNDS_DEFAULT = 3
const ROWS_AT_ONCE = 20_000
// A backup of half a gigabyte takes as long as so many inserts: all of it is seen, not only how it begins.
const INSERTS = 1_000
const INSERT_EVERY_MS = 20

const megabytes = Number(process.argv[2] ?? MEGABYTES_DEFAULT)
const rounds = Number(process.argv[3] ?? ROUNDS_DEFAULT)
const run = promisify(execFile)
const cloud = await TestCloud.prepare()
cloud.env = { MAINSTAY_VAULT: join(cloud.home, 'vault') }
try {
  await cloud.up()
  await cloud.ok(['mobile', 'create', 'Shop', '--location', 'West US'])
  await cloud.ok(['mobile', 'table', 'create', 'Shop', 'TodoItem'])
  // A standby would take its share of this one machine's disk and processors.
  await cloud.ok(['sql', 'server', 'protect', SERVER, '--protection', 'vault'])
  const service = await cloud.service('Shop')
  await fill(service)
  await measure(service)
} finally {
  await cloud.dispose()
}

async function measure(service: ServiceView): Promise<void> {
  const times: Record<string, number[]> = { backup: [], restore: [], 'cp -a': [] }
  const inserts: Record<string, number[]> = { without: [], beside: [] }
  let [bytes, stored] = [0, 0]
  for (let round = 0; round < rounds; round += 1) {
    inserts.without?.push(...(await insertFor(service, `w${round}`, async () => false)))
    let isOver = false
    const taking = takeBackup().finally(() => {
      isOver = true
    })
    inserts.beside?.push(...(await insertFor(service, `b${round}`, async () => isOver)))
    const taken = (await taking).steps[0]
    const [, plain, packed] = /: (\d+) bytes, (\d+) in the vault/.exec(taken?.detail ?? '') ?? []
    ;[bytes, stored] = [Number(plain), Number(packed)]
    times.backup?.push(taken?.ms ?? Number.NaN)
    await untilSaved()
    times['cp -a']?.push(await copyFolder())
    const restored = `restored-${round}`
    await cloud.ok(['sql', 'restore', SERVER, '--location', 'West US', '--name', restored])
    const [done] = await cloud.api<OperationView[]>(`/operations?server=${restored}&top=1`)
    times.restore?.push(done?.steps.find(({ name }) => name === 'restore')?.ms ?? Number.NaN)
    await cloud.ok(['sql', 'server', 'delete', restored, '--delete-data', '-q'])
  }
  const rows: Record<string, Summary> = {}
  for (const [what, found] of Object.entries(times)) rows[what] = summarise(found)
  for (const [what, found] of Object.entries(inserts)) rows[`insert, ${what} a backup`] = summarise(found)
  printTable(rows, 'ms')
  const inMicros = (ms: number) => ms * 1_000
  const rate = (ms: number[]) => (bytes / 1_048_576 / (summarise(ms).median / 1_000)).toFixed(0)
  console.log(`${(bytes / 1_048_576).toFixed(0)} MiB of data, ${(stored / 1_048_576).toFixed(0)} MiB in the vault`)
  console.log(`backup ${rate(times.backup ?? [])} MiB/s, restore ${rate(times.restore ?? [])} MiB/s`)
  const ratio = (left: number[], right: number[], of: 'median' | 'p99') =>
    (summarise(left.map(inMicros))[of] / summarise(right.map(inMicros))[of]).toFixed(2)
  console.log(`restore / cp -a ${ratio(times.restore ?? [], times['cp -a'] ?? [], 'median')}`)
  console.log(`p99 of an insert beside a backup / without ${ratio(inserts.beside ?? [], inserts.without ?? [], 'p99')}`)
}

// Rows of a kilobyte that no packing makes much smaller.
async function fill(service: ServiceView): Promise<void> {
  await cloud.insertRows(service, ['first'])
  const client = await connectInside(cloud, 'west-us', SERVER)
  for (let from = 0; from < megabytes * 1_000; from += ROWS_AT_ONCE) {
    await client.query(
      `insert into shop."TodoItem" (id, text)
         select 'fill-' || n, (select string_agg(md5(random()::text || n || part), '') from generate_series(1, 30) part)
           from generate_series($1::int, $2::int) n`,
      [from, from + ROWS_AT_ONCE - 1],
    )
  }
  await client.query('checkpoint')
  await client.end()
  await untilSaved()
}

// Without the command line, whose own start would be seen in the inserts.
async function takeBackup(): Promise<OperationView> {
  const { body } = await cloud.call('POST', `/servers/${SERVER}/backups`)
  const { id } = body as { id: string }
  const ended = async () => {
    const operation = await cloud.operation(id)
    return operation.state === 'running' ? undefined : operation
  }
  return await waitFor('the backup to end', ended, { withinMs: 600_000, everyMs: 500 })
}

async function untilSaved(): Promise<void> {
  const isSaved = async () => {
    const { backup } = await cloud.server(SERVER)
    return backup?.restorableTo && (backup.behindBytes ?? 1) < 100_000 && backup.takenBytes === null ? true : undefined
  }
  await waitFor('the vault to have it', isSaved, { withinMs: 600_000, everyMs: 200 })
}

async function insertFor(service: ServiceView, prefix: string, isOver: () => Promise<boolean>): Promise<number[]> {
  const times: number[] = []
  for (let number = 0; number < INSERTS && !(await isOver()); number += 1) {
    const startedAt = performance.now()
    await cloud.insertRows(service, [`${prefix}-${number}`])
    times.push(performance.now() - startedAt)
    await pause(Math.max(0, startedAt + INSERT_EVERY_MS - performance.now()))
  }
  return times
}

async function copyFolder(): Promise<number> {
  const folder = join(await postgresFolderOf(join(cloud.home, 'hosts', 'west-us')), SERVER, 'data')
  const copy = join(cloud.home, 'copy')
  const startedAt = performance.now()
  // What was written must be on disk, as after a restore. WAL that is recycled just then is missed: no matter.
  await run('sh', ['-c', `cp -a --reflink=never "${folder}" "${copy}"; sync -f "${copy}"`])
  const ms = performance.now() - startedAt
  await rm(copy, { recursive: true })
  return ms
}
