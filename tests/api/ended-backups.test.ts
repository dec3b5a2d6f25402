// What a deleted server, or the dropped data of a service, left in the vault: it stays for a month, and then it goes.
import assert from 'node:assert/strict'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { pino } from 'pino'
import { manifestKey, nameWal, partKey } from '../../src/backups/object-names.ts'
import { removeEnded } from '../../src/backups/remove-ended.ts'
import { openServerVault, type ServerVault } from '../../src/backups/server-vault.ts'
import type { HostFacts } from '../../src/contract/facts.ts'
import { type ControlStore, openControlStore } from '../../src/control/database.ts'
import { removeEndedBackups } from '../../src/control/ended-backups.ts'
import { messageOf } from '../../src/kit/fault.ts'
import { removeTree } from '../../src/kit/files.ts'
import { folderVault } from '../../src/kit/vault.ts'
import { type ControlClusters, startControlClusters } from '../support/control-clusters.ts'

const NAME = 'orders'
const ENDED = new Date('2026-10-01T12:00:00Z')
const later = (days: number) => new Date(ENDED.getTime() + days * 86_400_000)

let folder: string
let vault: ServerVault

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mainstay-ended-'))
})
after(async () => await removeTree(folder))

beforeEach(async () => {
  await removeTree(join(folder, 'servers'))
  vault = openServerVault(folderVault(folder), { server: NAME, key: Buffer.alloc(32) })
  const [backup, system] = ['20261001T090000Z-0000', '1']
  const wal = nameWal(NAME, { timeline: 1, start: 0n, end: 16_777_216n, to: ENDED })
  for (const key of [manifestKey(NAME, backup), partKey(NAME, backup, 1)]) {
    await vault.put({ kind: 'part', key, system }, Buffer.from('x'))
  }
  await vault.put({ kind: 'wal', key: wal.key, system }, Buffer.from('x'))
  await writeFile(join(folder, 'servers', NAME, 'notes.txt'), 'somebody else put this here')
})

const keys = async () => (await vault.list()).map(({ key }) => key)

describe('what a vault holds of a server that ended', () => {
  test('is removed, but for what is not ours; a second time nothing is left to do', async () => {
    assert.equal(await removeEnded(vault, { now: later(31) }), 3)
    assert.deepEqual(await keys(), [`servers/${NAME}/notes.txt`])
    assert.equal(await removeEnded(vault, { now: later(31) }), 0)
  })

  test('stays while somebody has written there of late: it may be the vault of another', async () => {
    await assert.rejects(removeEnded(vault, { now: later(6) }), { code: 'vault.in_use' })
    assert.equal((await keys()).length, 4)
  })
})

describe('control', () => {
  let clusters: ControlClusters
  let store: ControlStore
  let now: Date
  const refusals: string[] = []
  const host = { machine: 'west-us-1', region: 'West US', vault: '/srv/backups' } as HostFacts
  const backups = {
    field: {
      isReachable: () => true,
      order: async (_machine: string, { path }: { path: string }) => {
        assert.equal(path, `/vault/${NAME}/remove`)
        return await removeEnded(vault, { now }).then(
          (removed) => ({ state: 'done', result: { removed } }),
          ({ code, message }) => ({ state: 'failed', code, message }),
        )
      },
    },
    hosts: () => [host],
    backupKey: async () => '',
  }
  const removeAt = async (at: Date) => {
    now = at
    const onError = (error: unknown) => void refusals.push(messageOf(error))
    return await removeEndedBackups({ db: store.db, backups, onError }, at)
  }

  before(async () => {
    clusters = await startControlClusters({ hasStandby: false })
    store = await openControlStore({ home: '/nonexistent', url: clusters.url(), log: pino({ level: 'silent' }) })
    const { db } = store
    await db
      .insertInto('regions')
      .values({ slug: 'west-us', name: 'West US', reserved_units: 1, shared_slots: 1 })
      .execute()
    const server = { home_region: 'west-us', is_default: false, superuser_password: '', replication_password: '' }
    const rows = [
      { ...server, name: NAME, epoch: '1', ended_at: ENDED },
      { ...server, name: 'living', epoch: '2' },
    ]
    await db.insertInto('servers').values(rows).execute()
  })
  after(async () => {
    await store?.close()
    await clusters?.stop()
  })

  test('has nothing removed for a month', async () => {
    assert.deepEqual(await removeAt(later(29.9)), [])
    assert.equal((await keys()).length, 4)
  })

  test('asks again while a host refuses', async () => {
    const piece = nameWal(NAME, { timeline: 1, start: 16_777_216n, end: 33_554_432n, to: later(30) })
    await vault.put({ kind: 'wal', key: piece.key, system: '2' }, Buffer.from('x'))
    for (const tries of [1, 2]) {
      assert.deepEqual(await removeAt(later(31)), [])
      assert.equal(refusals.length, tries)
    }
    assert.match(refusals[0] ?? '', /is of the last days: it is not removed/)
    assert.equal((await keys()).length, 5)
  })

  test('has them removed after that, once, writes down that it did, and touches no other server', async () => {
    assert.deepEqual(await removeAt(later(31)), [NAME])
    assert.deepEqual(await keys(), [`servers/${NAME}/notes.txt`])
    assert.deepEqual(await removeAt(later(90)), [])
    const written = await store.db.selectFrom('audit').select(['principal', 'action', 'subject', 'before']).execute()
    const row = { principal: 'schedule', action: 'remove backups', subject: NAME, before: { objects: 3 } }
    assert.deepEqual(written, [row])
  })
})
