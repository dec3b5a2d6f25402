import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareScripts, isCopyOfData } from './mobile-verify.ts'

const view = (running: [string, string | null][], inForce: [string, string][]) => ({
  machine: 'west-us-1',
  running: running.map(([name, hash]) => ({ name, hash })),
  inForce: inForce.map(([name, hash]) => ({ name, hash })),
})
const verdicts = (...args: Parameters<typeof compareScripts>) =>
  compareScripts(...args).map(({ name, verdict }) => `${name}: ${verdict}`)

test('what runs, what is in force and what lies in the folder are the same, whatever the case of names', () => {
  const seen = view([['table/TodoItem.insert', 'a']], [['table/TodoItem.insert', 'a']])
  assert.deepEqual(verdicts(seen, new Map([['table/todoitem.insert', 'a']])), ['table/TodoItem.insert: same'])
  assert.deepEqual(verdicts(seen, null), ['table/TodoItem.insert: same'])
})

test('each way in which they differ is named', () => {
  const seen = view(
    [
      ['table/a.read', 'old'],
      ['table/b.read', null],
      ['table/c.read', 'same'],
      ['table/d.read', 'same'],
    ],
    [
      ['table/a.read', 'new'],
      ['table/b.read', 'x'],
      ['table/c.read', 'same'],
      ['table/d.read', 'same'],
      ['table/f.read', 'x'],
    ],
  )
  const folder = new Map([
    ['table/c.read', 'other'],
    ['table/e.read', 'x'],
  ])
  assert.deepEqual(verdicts(seen, folder), [
    'table/a.read: another text runs than the one in force',
    'table/b.read: its text is missing or damaged where it should run',
    'table/c.read: another text than in the folder',
    'table/d.read: runs, and is not in the folder',
    'table/e.read: is in the folder, and does not run',
    'table/f.read: is in force, and does not run',
  ])
})

test('rows are compared with the standby, the backups and one of them; scripts with any other folder', () => {
  const copies = ['standby', 'Backup', '20261125T140320Z-3f', '2026-11-25T14:03:20.123Z', '2026-11-25 14:03+01:00']
  assert.deepEqual(copies.filter(isCopyOfData), copies)
  assert.deepEqual(['scripts', './standby', '2026-11-25', 'backup-of-scripts', '20261125'].filter(isCopyOfData), [])
})
