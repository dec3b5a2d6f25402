// The first owner's link: kept until it is used, made again where it was lost or is over, and one for all control processes.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ensureFirstOwner } from '../../src/accounts/first-owner.ts'
import { hashToken } from '../../src/accounts/seal.ts'
import { type ControlStore, openControlStore } from '../../src/control/database.ts'
import { openLog } from '../../src/kit/log.ts'
import { type ControlClusters, startControlClusters } from '../support/control-clusters.ts'

describe("the first owner's link", () => {
  let clusters: ControlClusters
  let store: ControlStore
  let file = ''

  before(async () => {
    clusters = await startControlClusters({ hasStandby: false })
    store = await openControlStore({ home: '/nonexistent', url: clusters.url(), log: openLog('test', 'silent') })
    file = join(clusters.folder, 'owner.invitation')
  })
  after(async () => {
    await store?.close()
    await clusters?.stop()
  })

  const ensure = async (at = file) => await ensureFirstOwner(store.db, at)
  const token = async () => (await readFile(file, 'utf8')).trim()
  const isGood = async () => {
    const rows = await store.db.selectFrom('invitations').select('token_hash').execute()
    assert.deepEqual(rows, [{ token_hash: hashToken(await token()) }])
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    return await token()
  }

  test('is made once, and stays the same over starts', async () => {
    await ensure()
    const first = await isGood()
    await ensure()
    assert.equal(await isGood(), first)
  })

  test('is made again by who died before it was written down, and when it is over', async () => {
    const first = await token()
    // As when control was killed between the file and the commit.
    await store.db.deleteFrom('invitations').execute()
    await ensure()
    const second = await isGood()
    assert.notEqual(second, first)
    await store.db
      .updateTable('invitations')
      .set({ expires_at: new Date(0) })
      .execute()
    await ensure()
    assert.notEqual(await isGood(), second)
    const accounts = await store.db.selectFrom('accounts').select('name').execute()
    assert.deepEqual(accounts, [{ name: 'owner' }])
  })

  test('is with the control process that was first, and is taken from nobody', async () => {
    const kept = await isGood()
    const other = join(clusters.folder, 'other.invitation')
    await ensure(other)
    assert.equal(existsSync(other), false)
    assert.equal(await isGood(), kept)
    await rm(file)
    await store.db.updateTable('accounts').set({ password_hash: '$argon2id$' }).execute()
    await ensure()
    assert.equal(existsSync(file), false)
  })
})
