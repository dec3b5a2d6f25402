import assert from 'node:assert/strict'
import { test } from 'node:test'
import { controlWarnings, viewArchive } from './control-view.ts'
import type { ControlProcess } from './election.ts'

const NOW = Date.UTC(2026, 10, 24, 12)
const ago = (ms: number) => new Date(NOW - ms)
const well: ControlProcess = {
  id: 'a',
  name: 'control-1',
  domain: 'dc-1',
  version: '1',
  is_key_exported: true,
  vaults: 1,
  archived_at: ago(4_000),
  archive_problem: null,
  started_at: ago(60_000),
  seen_at: ago(200),
  since: ago(60_000),
  silentMs: 200,
}
const warn = (...controls: Partial<ControlProcess>[]) =>
  controlWarnings(
    controls.map((control) => ({ ...well, ...control })),
    NOW,
  ).join('\n')

test('says nothing while all is well', () => assert.equal(warn({}), ''))

test('reminds of a key that was never exported, unless any of the processes has an exported one', () => {
  assert.match(warn({ is_key_exported: false }), /mainstay control key export/)
  assert.equal(warn({ is_key_exported: false }, {}), '')
})

test('tells that nothing is archived, that a vault takes nothing, and that the newest archive is old', () => {
  assert.match(warn({ vaults: 0, archived_at: null }), /archived nowhere/)
  assert.equal(warn({ vaults: 0, archived_at: null, started_at: ago(1_000) }), '', 'it has just started')
  assert.match(warn({ archive_problem: '/mnt/vault: EROFS' }), /control-1 cannot archive .* EROFS/)
  assert.match(warn({ archived_at: ago(20 * 60_000) }), /20 minutes old/)
})

test('names a process that is silent; the newest archive of any counts', () => {
  assert.match(warn({}, { name: 'control-2', silentMs: 9_000 }), /control-2 in dc-1 has not been heard for 9 s/)
  const archive = viewArchive([well, { ...well, archived_at: ago(1_000) }])
  assert.deepEqual(archive, { newestAt: ago(1_000).toISOString(), vaults: 2 })
  assert.equal(viewArchive([{ ...well, vaults: 0 }]), null)
})
