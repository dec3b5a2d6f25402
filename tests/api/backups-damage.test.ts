// Single faults in a vault, made by a seeded hand: each is found and named, and a restore goes around it or says so.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { BaseManifest } from '../../src/backups/base-manifest.ts'
import { readCatalogue } from '../../src/backups/read-catalogue.ts'
import { removeExpired } from '../../src/backups/remove-expired.ts'
import { restoreServer } from '../../src/backups/restore.ts'
import { planRestore } from '../../src/backups/restore-plan.ts'
import { openServerVault, type ServerVault } from '../../src/backups/server-vault.ts'
import { takeBackup } from '../../src/backups/take-backup.ts'
import { verifyByRestore } from '../../src/backups/trial-restore.ts'
import { verifyBackups } from '../../src/backups/verify.ts'
import { parseLsn } from '../../src/databases/replication.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { removeTree } from '../../src/kit/files.ts'
import { randomFrom } from '../simulation/random.ts'
import { BackupBench, KEY, SERVER } from '../support/backup-cluster.ts'

const SEED = Number(process.env.BACKUP_FAULTS_SEED ?? 20261125)

let bench: BackupBench
let first: BaseManifest
let second: BaseManifest
let wal: string[]

// Two backups and WAL in several objects after each; the server stands still from then on.
before(async () => {
  bench = await BackupBench.open()
  const { receiver, stop } = bench.receive(bench.vault())
  await waitFor('WAL to come', () => receiver.facts.state === 'streaming' || undefined, { withinMs: 20_000 })
  first = await takeBackup(bench.vault(), bench.upstream(), { epoch: 1 })
  await bench.note('note 1')
  await bench.settle(receiver)
  await bench.note('note 2')
  await bench.settle(receiver)
  second = await takeBackup(bench.vault(), bench.upstream(), { epoch: 1 })
  await bench.note('note 3')
  await bench.settle(receiver)
  await bench.note('note 4')
  await bench.settle(receiver)
  await stop()
  wal = (await bench.vault().list()).flatMap((object) => (object.kind === 'wal' ? [object.key] : []))
})
after(async () => await bench?.close())

type Expected = {
  /** Verify names these. */
  named: string[]
  /** The notes that the newest restore still has; null where nothing can be restored. */
  notes: string[] | null
  /** What the restore says of it. */
  said?: RegExp
  /** What is known by listing alone needs no restore to show: this is what one would use. */
  plan?: { backup: BaseManifest; lostWal: number }
}

type Damage = { name: string; make: (random: () => number, folder: string, vault: ServerVault) => Promise<Expected> }

const ALL = ['note 1', 'note 2', 'note 3', 'note 4']
const fileOf = (folder: string, key: string) => join(folder, key)
const partOf = ({ parts }: BaseManifest, random: () => number) =>
  pick(
    parts.map(({ key }) => key),
    random,
  )
const manifestOf = ({ id }: BaseManifest) => `servers/${SERVER}/base/${id}/manifest`
// WAL that only restores beyond the second backup need.
const walAfter = (position: number) => wal.at(position) ?? ''

const DAMAGES: Damage[] = [
  {
    name: 'a flipped byte in a part of the newest backup',
    async make(random, folder) {
      const key = partOf(second, random)
      await flip(fileOf(folder, key), random)
      return { named: [key], notes: ALL, said: /is damaged/ }
    },
  },
  {
    name: 'a part of the newest backup cut short',
    async make(random, folder) {
      const key = partOf(second, random)
      await cut(fileOf(folder, key), random)
      return { named: [key], notes: ALL, said: /is damaged/ }
    },
  },
  {
    name: 'a part of the newest backup deleted',
    async make(random, folder) {
      const key = partOf(second, random)
      await rm(fileOf(folder, key))
      return { named: [key], notes: ALL, said: /is passed over: .* is not in/, plan: { backup: first, lostWal: 0 } }
    },
  },
  {
    name: 'the manifest of the newest backup flipped',
    async make(random, folder) {
      await flip(fileOf(folder, manifestOf(second)), random)
      return {
        named: [manifestOf(second)],
        notes: ALL,
        said: /manifest is damaged/,
        plan: { backup: first, lostWal: 0 },
      }
    },
  },
  {
    name: 'the manifest of the newest backup deleted',
    async make(_, folder) {
      await rm(fileOf(folder, manifestOf(second)))
      return { named: [manifestOf(second)], notes: ALL, plan: { backup: first, lostWal: 0 } }
    },
  },
  {
    name: 'two parts swapped',
    async make(_, folder) {
      const [one, other] = [first.parts[0]?.key ?? '', second.parts[0]?.key ?? '']
      await swap(fileOf(folder, one), fileOf(folder, other))
      // The backups are lost, both of them: what is left is only told.
      return { named: [one, other], notes: null }
    },
  },
  {
    name: 'the older backup in the place of the newest part',
    async make(_random, _folder, vault) {
      const [old, key] = [first.parts[0]?.key ?? '', second.parts[0]?.key ?? '']
      const { content } = await vault.get(old)
      // Sealed with the right key, under the right name: only the manifest knows better.
      await vault.put({ kind: 'part', key, system: second.system }, content)
      return { named: [key], notes: ALL, said: /not the one that its manifest names/ }
    },
  },
  {
    name: 'a flipped byte in WAL after the newest backup',
    async make(random, folder) {
      await flip(fileOf(folder, walAfter(-1)), random)
      return { named: [walAfter(-1)], notes: ['note 1', 'note 2', 'note 3'], said: /is damaged/ }
    },
  },
  {
    name: 'WAL after the newest backup deleted, with more behind it',
    async make(_, folder) {
      await rm(fileOf(folder, walAfter(-2)))
      const gap = walAfter(-2).slice(0, walAfter(-2).lastIndexOf('/') + 18)
      return { named: [gap], notes: ['note 1', 'note 2'], said: /is missing/ }
    },
  },
  {
    name: 'the WAL that makes the newest backup whole deleted',
    async make(_, folder, vault) {
      const [from, to] = [parseLsn(second.startLsn), parseLsn(second.endLsn)]
      const pieces = (await vault.list()).flatMap((object) => (object.kind === 'wal' ? [object.piece] : []))
      const needed = pieces.filter(({ start, end }) => start < to && end > from)
      for (const { key } of needed) await rm(fileOf(folder, key))
      const key = needed[0]?.key ?? ''
      const gap = key.slice(0, key.lastIndexOf('/') + 18)
      return {
        named: [gap],
        notes: ['note 1', 'note 2'],
        said: /is passed over: the WAL that makes it whole is not in/,
      }
    },
  },
  {
    name: 'the last WAL deleted',
    async make(_, folder) {
      await rm(fileOf(folder, walAfter(-1)))
      const gap = walAfter(-1).slice(0, walAfter(-1).lastIndexOf('/') + 18)
      return { named: [gap], notes: ['note 1', 'note 2', 'note 3'], plan: { backup: second, lostWal: 1 } }
    },
  },
  {
    name: 'two pieces of WAL swapped',
    async make(_, folder) {
      await swap(fileOf(folder, walAfter(-1)), fileOf(folder, walAfter(-2)))
      return { named: [walAfter(-1), walAfter(-2)], notes: ['note 1', 'note 2'], said: /under another name/ }
    },
  },
  {
    name: 'WAL of another cluster in the place of ours',
    async make(_random, _folder, vault) {
      const { header, content } = await vault.get(walAfter(-1))
      const { kind, key, wal: facts } = header
      await vault.put({ kind, key, system: '1', ...(facts ? { wal: facts } : {}) }, content)
      return { named: [key], notes: ['note 1', 'note 2', 'note 3'], said: /of another cluster/ }
    },
  },
]

test(`nothing is wrong with what nobody touched, by restore neither`, async () => {
  const { problems, objects, bytes } = await verifyBackups(bench.vault())
  assert.deepEqual(problems, [])
  assert.equal(objects, (await bench.vault().list()).length)
  assert.ok(bytes > first.plainBytes + second.plainBytes)
  const cluster = bench.makeCluster()
  const trial = await verifyByRestore(bench.vault(), { cluster })
  assert.deepEqual(trial.problems, [])
  assert.equal(trial.rows['postgres.public.notes'], 4)
  assert.ok(trial.indexes > 100 && !cluster.hasData && !cluster.isRunning)
  // Each cluster runs as a user of its own when we are root, so what is left in the machine's memory tells whose it was.
  const memory = cluster.runAs && existsSync('/dev/shm') ? await readdir('/dev/shm') : []
  const owners = await Promise.all(
    memory.map(async (name) => (await stat(join('/dev/shm', name)).catch(() => null))?.uid),
  )
  assert.ok(!owners.includes(cluster.runAs?.uid), 'shared memory was left behind')
})

// Each has a vault and a cluster of its own; much of a restore is waiting.
describe('a single fault', { concurrency: 3 }, () => {
  for (const [index, { name, make }] of DAMAGES.entries()) {
    test(`${name} is found and named, and a restore goes around it (seed ${SEED})`, async () => {
      const folder = join(bench.folder, `vault-${index}`)
      await cp(join(bench.folder, 'vault'), folder, { recursive: true })
      const vault = bench.vault(`vault-${index}`)
      const { named, notes, said, plan: planned } = await make(randomFrom(SEED + index).next, folder, vault)
      const { problems } = await verifyBackups(vault)
      assert.deepEqual(problems.map(({ key }) => key).sort(), named.sort())
      for (const { key, message } of problems) assert.ok(message.startsWith(key))
      if (planned) {
        const plan = planRestore(await readCatalogue(vault), { kind: 'latest' })
        const from = wal.indexOf(plan.wal[0]?.key ?? '')
        assert.equal(plan.backup.id, planned.backup.id)
        assert.deepEqual(
          plan.wal.map(({ key }) => key),
          wal.slice(from, wal.length - planned.lostWal),
        )
        if (said) assert.match(plan.notes.join('\n'), said)
        return
      }
      const cluster = bench.makeCluster()
      const job = restoreServer(vault, { target: { kind: 'latest' }, cluster })
      if (notes === null) {
        await assert.rejects(job, { code: 'restore.no_backup', message: /under another name/ })
        return
      }
      const { plan } = await job
      await cluster.start()
      assert.deepEqual(await bench.texts('note', cluster), notes)
      if (said) assert.match(plan.notes.join('\n'), said)
      await cluster.stop('immediate')
      await removeTree(cluster.folder)
    })
  }
})

test('parts without a manifest are missing one, unless their backup is being taken', async () => {
  const folder = join(bench.folder, 'vault-under-way')
  await cp(join(bench.folder, 'vault'), folder, { recursive: true })
  await rm(fileOf(folder, manifestOf(second)))
  const vault = bench.vault('vault-under-way')
  const named = (await verifyBackups(vault)).problems.map(({ key }) => key)
  assert.deepEqual(named, [manifestOf(second)])
  assert.deepEqual((await verifyBackups(vault, { underWay: () => [second.id] })).problems, [])
})

test('what was sealed with another key is no damage: verify says so at once', async () => {
  const vault = openServerVault(bench.folderVault(), { server: SERVER, key: Buffer.alloc(32, 1) })
  await assert.rejects(verifyBackups(vault), { code: 'vault.wrong_key' })
  assert.equal(KEY.length, 32)
})

test('expired backups go with their WAL; what remains is whole and restores', async () => {
  const folder = join(bench.folder, 'vault-expired')
  await cp(join(bench.folder, 'vault'), folder, { recursive: true })
  const vault = bench.vault('vault-expired')
  const now = new Date(Date.parse(second.endedAt) + 86_400_000)
  const report = await removeExpired(vault, { days: 1, now })
  assert.deepEqual(report.backups, [first.id])
  assert.ok(report.walPieces > 0)
  assert.deepEqual((await verifyBackups(vault)).problems, [])
  assert.deepEqual(await removeExpired(vault, { days: 1, now }), { backups: [], walPieces: 0, abandonedParts: 0 })
  const catalogue = await readCatalogue(vault)
  assert.deepEqual(
    catalogue.backups.map(({ manifest }) => manifest.id),
    [second.id],
  )
  const cluster = bench.makeCluster()
  await restoreServer(vault, { target: { kind: 'latest' }, cluster })
  await cluster.start()
  assert.deepEqual(await bench.texts('note', cluster), ALL)
  await cluster.stop('immediate')
})

function pick<T>(from: T[], random: () => number): T {
  const chosen = from[Math.floor(random() * from.length)]
  if (chosen === undefined) throw new TypeError('nothing to pick from')
  return chosen
}

async function flip(path: string, random: () => number): Promise<void> {
  const bytes = await readFile(path)
  const at = Math.floor(random() * bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8))
  await writeFile(path, bytes)
}

async function cut(path: string, random: () => number): Promise<void> {
  const bytes = await readFile(path)
  await writeFile(path, bytes.subarray(0, Math.floor(random() * bytes.length)))
}

async function swap(one: string, other: string): Promise<void> {
  const [left, right] = [await readFile(one), await readFile(other)]
  await writeFile(one, right)
  await writeFile(other, left)
}
