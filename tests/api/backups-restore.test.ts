// Backup and WAL of a real PostgreSQL in a vault, and restores from it: to the end, to a moment, and what is refused.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BaseManifest } from '../../src/backups/base-manifest.ts'
import { readCatalogue } from '../../src/backups/read-catalogue.ts'
import { type RestoreOptions, type RestoreProgress, restoreServer } from '../../src/backups/restore.ts'
import type { RestoreTarget } from '../../src/backups/restore-plan.ts'
import { s3Vault } from '../../src/backups/s3-vault.ts'
import { openServerVault } from '../../src/backups/server-vault.ts'
import { takeBackup } from '../../src/backups/take-backup.ts'
import { verifyBackups } from '../../src/backups/verify.ts'
import { findMismatch, readArchive, readWalRange } from '../../src/databases/backup-archive.ts'
import { streamBaseBackup } from '../../src/databases/base-backup-stream.ts'
import type { Cluster } from '../../src/databases/cluster.ts'
import { parseLsn } from '../../src/databases/replication.ts'
import { replicationClient } from '../../src/databases/replication-client.ts'
import { walFileName } from '../../src/databases/timeline.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { BackupBench, KEY, type RunningReceiver, SERVER } from '../support/backup-cluster.ts'
import { startS3Server } from '../support/s3-server.ts'

let bench: BackupBench
let running: RunningReceiver
let manifest: BaseManifest
let firstMark: Date

before(async () => {
  bench = await BackupBench.open()
  await bench.sql(`insert into notes (text) select 'filler ' || i || repeat('x', 100) from generate_series(1, 50000) i`)
  running = bench.receive(bench.vault())
  // Written to while it is backed up, so that the WAL has to make it whole.
  const writing = new AbortController()
  const writer = (async () => {
    while (!writing.signal.aborted) {
      await bench.sql(`insert into notes (text) select 'during ' || i from generate_series(1, 100) i`)
      await pause(1)
    }
  })()
  try {
    manifest = await takeBackup(bench.vault(), bench.upstream(), { epoch: 7 })
  } finally {
    writing.abort()
    await writer
  }
  firstMark = await bench.note('mark one')
  await bench.note('mark two')
  await bench.settle(running.receiver)
})
after(async () => await bench?.close())

async function restored<T>(
  target: RestoreTarget,
  look: (cluster: Cluster) => Promise<T>,
  more: Partial<RestoreOptions> = {},
) {
  const cluster = more.cluster ?? bench.makeCluster()
  const report = await restoreServer(bench.vault(), { target, cluster, ...more })
  assert.ok(cluster.hasData && !cluster.isRunning)
  await cluster.start()
  try {
    return { report, found: await look(cluster) }
  } finally {
    await cluster.stop('fast')
  }
}

test('the manifest says what was backed up, and the catalogue what can be restored', async () => {
  assert.equal(manifest.epoch, 7)
  assert.match(manifest.postgresVersion, /^18/)
  assert.ok(manifest.plainBytes > 20_000_000 && manifest.storedBytes < manifest.plainBytes / 2)
  const catalogue = await readCatalogue(bench.vault())
  assert.deepEqual(
    catalogue.backups.map((backup) => [backup.manifest.id, backup.problem]),
    [[manifest.id, null]],
  )
  assert.deepEqual([catalogue.gaps, catalogue.problems], [[], []])
  const reach = catalogue.backups[0]?.reaches[0]
  assert.ok(reach && reach.to > firstMark && reach.from < firstMark)
})

// None of these writes to the source; much of a restore is waiting.
describe('restores', { concurrency: 3 }, () => {
  test('the newest restore has everything, on a timeline of its own, and takes writes', async () => {
    const { report, found } = await restored({ kind: 'latest' }, async (cluster) => {
      const sum = await bench.sumOf(cluster)
      await bench.note('after the restore', cluster)
      return sum
    })
    assert.equal(found, await bench.sumOf())
    assert.deepEqual([report.timeline, report.tries, report.plan.notes], [2, 1, []])
  })

  test('a moment between two commits gives exactly the first', async () => {
    const { found } = await restored(
      { kind: 'time', at: firstMark },
      async (cluster) => await bench.texts('mark', cluster),
    )
    assert.deepEqual(found, ['mark one'])
  })

  test('a moment after the last commit gives all of them, though no commit ends the recovery', async () => {
    const [row] = await bench.sql<{ now: Date }>('select clock_timestamp() as now')
    const at = row?.now ?? new Date()
    await bench.settle(running.receiver)
    await bench.sql('checkpoint')
    await bench.settle(running.receiver)
    const { found } = await restored({ kind: 'time', at }, async (cluster) => await bench.sumOf(cluster))
    assert.equal(found, await bench.sumOf())
  })

  test('a backup by its id gives the moment at which it was whole', async () => {
    const { report, found } = await restored(
      { kind: 'backup', id: manifest.id },
      async (cluster) => await bench.texts('mark', cluster),
    )
    assert.deepEqual(found, [])
    const lastNeeded = parseLsn(manifest.endLsn)
    assert.ok(report.plan.wal.length > 0 && report.plan.wal.every(({ start }) => start < lastNeeded))
  })

  for (const step of ['fetching', 'recovering'] as const) {
    test(`a restore that was stopped while ${step} left nothing that counts, and begins anew in the same folder`, async () => {
      const cluster = bench.makeCluster()
      const stopping = new AbortController()
      const onProgress = (progress: RestoreProgress) => {
        if (progress.step === step && progress.doneBytes > 0) stopping.abort()
      }
      const target = { kind: 'latest' as const }
      const job = restoreServer(bench.vault(), { target, cluster, onProgress, signal: stopping.signal })
      await assert.rejects(job, { code: 'restore.stopped' })
      assert.ok(!cluster.hasData && !cluster.isRunning)
      const done: number[] = []
      const { found } = await restored(target, async () => await bench.sumOf(cluster), {
        cluster,
        onProgress: (progress) => done.push(progress.doneBytes / progress.totalBytes),
      })
      assert.equal(found, await bench.sumOf())
      assert.equal(done.at(-1), 1)
    })
  }
})

test('moments that the vault does not have are refused, with those that it has', async () => {
  const cluster = bench.makeCluster()
  const at = (ms: number) => ({ kind: 'time' as const, at: new Date(Date.parse(manifest.endedAt) + ms) })
  const hint = new RegExp(manifest.endedAt)
  await assert.rejects(restoreServer(bench.vault(), { target: at(-1), cluster }), { code: 'restore.too_early', hint })
  await assert.rejects(restoreServer(bench.vault(), { target: at(3_600_000), cluster }), {
    code: 'restore.too_late',
    hint,
  })
  const target = { kind: 'backup' as const, id: '20200101T000000Z-0000' }
  await assert.rejects(restoreServer(bench.vault(), { target, cluster }), { code: 'restore.no_backup' })
  const empty = bench.vault('empty')
  await assert.rejects(restoreServer(empty, { target: { kind: 'latest' }, cluster }), { code: 'restore.no_backup' })
})

test('another key opens nothing', async () => {
  const vault = bench.vault('vault', Buffer.alloc(32, 1))
  const job = restoreServer(vault, { target: { kind: 'latest' }, cluster: bench.makeCluster() })
  await assert.rejects(job, { code: 'vault.wrong_key' })
  await assert.rejects(takeBackup(vault, bench.upstream(), { epoch: 7 }), { code: 'vault.wrong_key' })
})

test('a moment whose WAL came much later is found in what is fetched only then', async () => {
  await running.stop()
  await bench.note('late one')
  for (const _ of [1, 2, 3, 4]) await bench.sql('select pg_logical_emit_message(false, $$t$$, $$m$$), pg_switch_wal()')
  const at = await bench.note('late two')
  await bench.note('late three')
  running = bench.receive(bench.vault())
  await bench.settle(running.receiver)
  const { report, found } = await restored({ kind: 'time', at }, async (cluster) => await bench.texts('late', cluster))
  assert.deepEqual(found, ['late one', 'late two'])
  assert.ok(report.plan.reserve.length > 0)
})

test('a backup that was stopped leaves no backup', async () => {
  const stopping = new AbortController()
  const onProgress = (bytes: number) => {
    if (bytes > 1_000_000) stopping.abort()
  }
  const job = takeBackup(bench.vault(), bench.upstream(), { epoch: 7, onProgress, signal: stopping.signal })
  await assert.rejects(job, { code: 'backup.stopped' })
  assert.equal((await readCatalogue(bench.vault())).backups.length, 1)
})

test('so does one that is stopped just before the primary begins to send', async () => {
  const stopping = new AbortController()
  const onStart = () => process.nextTick(() => stopping.abort())
  const job = takeBackup(bench.vault(), bench.upstream(), { epoch: 7, onStart, signal: stopping.signal })
  await assert.rejects(job, { code: 'backup.stopped' })
  assert.equal((await readCatalogue(bench.vault())).backups.length, 1)
})

test('a server restored in place goes on in the same vault, on its new timeline', async () => {
  await running.stop()
  await bench.source.stop('fast')
  const cluster = bench.makeCluster()
  await restoreServer(bench.vault(), { target: { kind: 'time', at: firstMark }, cluster })
  await cluster.start()
  const { receiver, stop } = bench.receive(bench.vault(), cluster)
  await bench.note('mark instead', cluster)
  await bench.settle(receiver, cluster)
  await stop()
  assert.equal(receiver.facts.gap, null)
  const newest = await restored({ kind: 'latest' }, async (found) => await bench.texts('mark', found))
  assert.deepEqual(newest.found, ['mark one', 'mark instead'])
  assert.deepEqual([newest.report.plan.timeline, newest.report.timeline], [2, 3])
  await bench.source.start()
})

test('the same through an object store', async () => {
  const store = await startS3Server()
  try {
    const vault = openServerVault(s3Vault(store.options), { server: SERVER, key: KEY })
    const { receiver, stop } = bench.receive(vault, bench.source, 'mainstay_vault_store')
    await waitFor('WAL to come', () => receiver.facts.state === 'streaming' || undefined, { withinMs: 20_000 })
    await takeBackup(vault, bench.upstream(), { epoch: 7 })
    await bench.note('mark in the store')
    await bench.settle(receiver)
    await stop()
    assert.deepEqual((await verifyBackups(vault)).problems, [])
    const cluster = bench.makeCluster()
    await restoreServer(vault, { target: { kind: 'latest' }, cluster })
    await cluster.start()
    assert.equal(await bench.sumOf(cluster), await bench.sumOf())
    await cluster.stop('fast')
  } finally {
    await store.stop()
  }
})

// While a copy is under way as much is written as two checkpoints forget.
const ALL_MEANWHILE = Array.from({ length: 8 }, (_, time) => `meanwhile ${time}`)

async function writeMeanwhile(): Promise<void> {
  for (const text of ALL_MEANWHILE) {
    await bench.note(text)
    await bench.sql('select pg_switch_wal()')
    await bench.sql('checkpoint')
  }
}

// Whoever streamed before would have WAL held back for it.
async function dropSlots(): Promise<void> {
  const drop = 'select pg_drop_replication_slot(slot_name) from pg_replication_slots'
  await waitFor('slots to go', async () => await bench.sql(drop).catch(() => undefined), { withinMs: 20_000 })
}

test('a backup that takes long is whole, however much is written and forgotten meanwhile', async () => {
  await running.stop()
  await dropSlots()
  const vault = bench.vault('slow')
  const { receiver, stop } = bench.receive(vault, bench.source, 'mainstay_vault_slow')
  await waitFor('WAL to come', () => receiver.facts.state === 'streaming' || undefined, { withinMs: 20_000 })
  let isFirst = true
  const busy: typeof vault = {
    ...vault,
    async put(facts, content) {
      if (isFirst && facts.kind === 'part') {
        isFirst = false
        await writeMeanwhile()
      }
      return await vault.put(facts, content)
    },
  }
  const { id, startLsn } = await takeBackup(busy, bench.upstream(), { epoch: 8 })
  await stop()
  // The primary itself has no more of what made it whole.
  const begin = walFileName(1, parseLsn(startLsn))
  assert.deepEqual(await bench.sql(`select name from pg_ls_waldir() where name = '${begin}'`), [])
  const cluster = bench.makeCluster()
  await restoreServer(vault, { target: { kind: 'backup', id }, cluster })
  await cluster.start()
  // As far as the primary was when it had sent all: what it sends may lie in sockets while the first part is stored.
  const found = await bench.texts('meanwhile', cluster)
  assert.deepEqual(found, ALL_MEANWHILE.slice(0, found.length))
  await cluster.stop('fast')
})

test('a copy whose WAL is lost to the vault is no backup, and its parts go', async () => {
  const vault = bench.vault('lost')
  let listings = 0
  const late: typeof vault = {
    ...vault,
    // The first listing is before the copy, the second after it: whoever brings the WAL comes only now.
    async list() {
      listings += 1
      if (listings === 2) {
        await writeMeanwhile()
        const { receiver, stop } = bench.receive(vault, bench.source, 'mainstay_vault_lost')
        await waitFor('WAL to come', () => receiver.facts.state === 'streaming' || undefined, { withinMs: 20_000 })
        await bench.settle(receiver)
        await stop()
      }
      return await vault.list()
    },
  }
  await assert.rejects(takeBackup(late, bench.upstream(), { epoch: 8 }), {
    code: 'backup.no_wal',
    message: /lacks the WAL of sql-test from/,
  })
  const kinds = new Set((await vault.list()).map(({ kind }) => kind))
  assert.ok(kinds.has('wal') && !kinds.has('part') && !kinds.has('manifest'))
})

test('a copy for a standby holds its WAL, and lets go of it', async () => {
  await dropSlots()
  const client = replicationClient(bench.upstream(), 'mainstay_copy')
  await client.connect()
  const archive = readArchive(null)
  let isFirst = true
  const write = (chunk: Buffer) => {
    if (!isFirst) return archive.write(chunk)
    isFirst = false
    return Promise.all([writeMeanwhile(), archive.write(chunk)]).then(() => {})
  }
  const streamed = streamBaseBackup(client, write, { hasWal: true, onProgress: () => {} })
  const [text] = await Promise.all([streamed.finally(() => archive.end()), archive.finished])
  assert.equal(findMismatch(text, archive.files), null)
  const { startLsn } = readWalRange(text)
  assert.ok([...archive.files.keys()].some((path) => path.includes(walFileName(1, parseLsn(startLsn)))))
  await client.end()
  const isFree = async () => (await bench.sql('select 1 from pg_replication_slots')).length === 0 || undefined
  await waitFor('nothing to hold WAL back any more', isFree, { withinMs: 20_000 })
})
