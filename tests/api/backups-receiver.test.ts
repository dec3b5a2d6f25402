// WAL of a real PostgreSQL on its way to a vault: what happens when the vault, the receiver or the primary is away.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { historyKey } from '../../src/backups/object-names.ts'
import { readCatalogue } from '../../src/backups/read-catalogue.ts'
import { restoreServer } from '../../src/backups/restore.ts'
import { planRestore } from '../../src/backups/restore-plan.ts'
import { takeBackup } from '../../src/backups/take-backup.ts'
import { verifyBackups } from '../../src/backups/verify.ts'
import { VAULT_SLOT, type WalReceiver } from '../../src/backups/wal-receiver.ts'
import type { Cluster } from '../../src/databases/cluster.ts'
import { promote } from '../../src/databases/replication.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { BackupBench, type RunningReceiver, SERVER } from '../support/backup-cluster.ts'

const WITHIN = { withinMs: 20_000, everyMs: 20 }

let bench: BackupBench
let running: RunningReceiver
let standby: Cluster

before(async () => {
  bench = await BackupBench.open()
  standby = await bench.makeStandby()
  running = bench.receive(bench.vault())
  await waitFor('WAL to come', () => running.receiver.facts.state === 'streaming' || undefined, WITHIN)
  await takeBackup(bench.vault(), bench.upstream(), { epoch: 1 })
})
after(async () => await bench?.close())

async function requireWhole(receiver: WalReceiver): Promise<void> {
  const { gaps, problems, backups } = await readCatalogue(bench.vault())
  assert.deepEqual([gaps, problems, receiver.facts.gap], [[], [], null])
  const last = backups[0]?.reaches.at(-1)
  const { storedAt } = receiver.facts
  assert.ok(last?.chain && storedAt && last.to >= storedAt, 'the chain ends where the receiver is')
}

test('a commit is in the vault after five seconds without any more writing, and the slot lets go of no more', async () => {
  await bench.note('soon there')
  const from = performance.now()
  await bench.waitStored(running.receiver)
  assert.ok(performance.now() - from < 8_000)
  await waitFor(
    'the slot to move',
    async () => {
      const [slot] = await bench.sql<{ lsn: string }>(
        `select restart_lsn::text as lsn from pg_replication_slots where slot_name = '${VAULT_SLOT}'`,
      )
      return slot?.lsn === running.receiver.facts.storedLsn || undefined
    },
    WITHIN,
  )
})

test('pieces of a segment are replaced by one object when it is full', async () => {
  await bench.settle(running.receiver)
  const isOne = async () => {
    const pieces = (await bench.vault().list()).flatMap((object) => (object.kind === 'wal' ? [object.piece] : []))
    return pieces.every(({ start, end }) => end - start === 16_777_216n) || undefined
  }
  await waitFor('whole segments only', isOne, WITHIN)
})

test('while nothing is written the newest moment goes on, and is never one that the vault does not know of', async () => {
  const { receiver } = running
  for (let moves = 0; moves < 2; moves += 1) {
    const before = receiver.facts.storedAt ?? new Date(0)
    const moved = () => ((receiver.facts.storedAt ?? before) > before ? receiver.facts.storedAt : null) ?? undefined
    const at = await waitFor('the moment to go on', moved, WITHIN)
    planRestore(await readCatalogue(bench.vault()), { kind: 'time', at })
  }
})

test('while the vault is away the primary goes on and holds its WAL; afterwards nothing is missing', async () => {
  const folder = join(bench.folder, 'vault')
  await rename(folder, `${folder}.away`)
  // Nobody can write below a file, root neither.
  await writeFile(folder, '')
  await bench.note('vault away')
  await bench.sql('select pg_switch_wal()')
  await bench.note('vault still away')
  const isSaid = () => running.receiver.facts.problem !== null || undefined
  await waitFor('the problem to be told', isSaid, WITHIN)
  await waitFor('how far it is behind', () => (running.receiver.facts.behindBytes ?? 0) > 100 || undefined, WITHIN)
  await rename(folder, `${folder}.file`)
  await rename(`${folder}.away`, folder)
  await bench.settle(running.receiver)
  await waitFor('the problem to be gone', () => running.receiver.facts.problem === null || undefined, WITHIN)
  await requireWhole(running.receiver)
})

test('a primary that stops does not wait for a vault that is away', async () => {
  const folder = join(bench.folder, 'vault')
  await rename(folder, `${folder}.away`)
  await writeFile(folder, '')
  await bench.note('not stored before the stop')
  const from = performance.now()
  await bench.source.stop('fast')
  assert.ok(performance.now() - from < 4_000, 'it stopped in time')
  await rename(folder, `${folder}.file`)
  await rename(`${folder}.away`, folder)
  await bench.source.start()
  await bench.settle(running.receiver)
  await requireWhole(running.receiver)
})

test('a primary that stops has all of its WAL in the vault', async () => {
  await bench.note('stored by the stop')
  const from = performance.now()
  await bench.source.stop('fast')
  const tookMs = performance.now() - from
  assert.ok(tookMs < 4_000, `it stopped in ${tookMs} ms`)
  const { storedLsn, serverLsn } = running.receiver.facts
  assert.equal(storedLsn, serverLsn)
  await bench.source.start()
  await bench.waitStored(running.receiver)
})

test('a receiver that is killed at any time and started again leaves no gap', async () => {
  await running.stop()
  for (const round of [1, 2, 3]) {
    const child = await bench.receiveApart()
    await once(child, 'message')
    await bench.sql(
      `insert into notes (text) select 'killed ${round} ' || i || repeat('y', 200) from generate_series(1, 10000) i`,
    )
    await bench.sql('select pg_switch_wal()')
    await bench.note(`round ${round}`)
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
  running = bench.receive(bench.vault())
  await bench.settle(running.receiver)
  await requireWhole(running.receiver)
})

test('over a promotion the chain goes on with the new timeline, and a restore has what was written on both', async () => {
  await bench.note('before the promotion')
  const [row] = await bench.sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  const isReplayed = async () => {
    const [found] = await bench.sql<{ done: boolean }>(
      `select pg_last_wal_replay_lsn() >= '${row?.lsn}'::pg_lsn as done`,
      standby,
    )
    return found?.done || undefined
  }
  await waitFor('the standby to have it', isReplayed, WITHIN)
  // What has come is stored at once: the fork will lie in the middle of a segment.
  await running.stop()
  await bench.source.kill()
  await standby.withClient(promote)
  running = bench.receive(bench.vault(), standby)
  await bench.note('after the promotion', standby)
  await bench.settle(running.receiver, standby)
  assert.equal(running.receiver.facts.timeline, 2)
  await requireWhole(running.receiver)
  const cluster = bench.makeCluster()
  const report = await restoreServer(bench.vault(), { target: { kind: 'latest' }, cluster })
  await cluster.start()
  assert.equal(await bench.sumOf(cluster), await bench.sumOf(standby))
  assert.deepEqual(await bench.texts('after', cluster), ['after the promotion'])
  assert.equal(report.timeline, 3)
  await cluster.stop('fast')
})

test('a history that was deleted is named, and put again by the next receiver', async () => {
  const key = historyKey(SERVER, 2)
  await bench.folderVault().remove(key)
  const { problems } = await verifyBackups(bench.vault())
  assert.deepEqual(
    problems.map((problem) => [problem.key, problem.code]),
    [[key, 'vault.missing']],
  )
  await running.stop()
  running = bench.receive(bench.vault(), standby)
  await waitFor('the history', async () => (await bench.folderVault().get(key)) ?? undefined, WITHIN)
  assert.deepEqual((await verifyBackups(bench.vault())).problems, [])
})

test('the old timeline is not gone: a backup of before is still restored to a moment on it', async () => {
  const { backups, beganAt } = await readCatalogue(bench.vault())
  const began = beganAt.get(2)
  assert.ok(began)
  assert.deepEqual(
    backups[0]?.reaches.map(({ timeline }) => timeline),
    [1, 2],
  )
  const at = new Date(began.getTime() - 1)
  const cluster = bench.makeCluster()
  const { plan } = await restoreServer(bench.vault(), { target: { kind: 'time', at }, cluster })
  assert.equal(plan.timeline, 1)
  await cluster.start()
  assert.deepEqual(await bench.texts('after', cluster), [])
  assert.deepEqual(await bench.texts('before', cluster), ['before the promotion'])
  await cluster.stop('fast')
})

test('WAL that the primary no longer has is a gap that is told, until the next backup', async () => {
  await running.stop()
  await standby.withClient(async (client) => {
    await client.query('select pg_drop_replication_slot($1)', [VAULT_SLOT])
    await client.query(`alter system set wal_keep_size = 0`)
    await client.query('select pg_reload_conf()')
    for (let round = 0; round < 3; round++) {
      await client.query(`insert into notes (text) values ('lost')`)
      await client.query('select pg_switch_wal()')
      await client.query('checkpoint')
    }
  })
  running = bench.receive(bench.vault(), standby)
  await waitFor('the gap to be told', () => running.receiver.facts.gap?.toLsn ?? undefined, WITHIN)
  await bench.note('after the gap', standby)
  await bench.settle(running.receiver, standby)
  const broken = await readCatalogue(bench.vault())
  assert.equal(broken.gaps.length, 1)
  assert.equal(broken.gaps[0]?.timeline, 2)
  await takeBackup(bench.vault(), bench.upstream(standby), { epoch: 2 })
  await bench.note('after the second backup', standby)
  await bench.settle(running.receiver, standby)
  const mended = await readCatalogue(bench.vault())
  const cluster = bench.makeCluster()
  const { plan } = await restoreServer(bench.vault(), { target: { kind: 'latest' }, cluster })
  assert.equal(plan.backup.id, mended.backups[0]?.manifest.id)
  await cluster.start()
  assert.equal(await bench.sumOf(cluster), await bench.sumOf(standby))
  await cluster.stop('fast')
})

test('another cluster under the same name is refused, and nothing of it is stored', async () => {
  const other = await BackupBench.open()
  try {
    const foreign = other.receive(bench.vault())
    await waitFor('the refusal', () => foreign.receiver.facts.problem ?? undefined, WITHIN)
    assert.match(foreign.receiver.facts.problem ?? '', /another sql-test/)
    await assert.rejects(takeBackup(bench.vault(), other.upstream(), { epoch: 1 }), { code: 'vault.other_system' })
    await foreign.stop()
    assert.equal(foreign.receiver.facts.pieces, 0)
  } finally {
    await other.close()
  }
})
