// The texts of scripts on a host's disk: fetched once, checked, asked for again, and kept when control is gone.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { ServiceAssignment } from '../../src/contract/assignment.ts'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import { ScriptTexts } from '../../src/host/scripts.ts'
import { waitFor } from '../../src/kit/clock.ts'
import type { DoorCall } from '../../src/kit/door-http.ts'
import { Fault } from '../../src/kit/fault.ts'
import { removeTree } from '../../src/kit/files.ts'
import { SCRIPT_KEEP_MS, SCRIPT_WAIT_MS_MAX } from '../../src/kit/limits.ts'
import { openLog } from '../../src/kit/log.ts'

const A = 'function insert(item, user, request) { request.execute(); } // ä'
const B = 'function read(query, user, request) { request.execute(); }'

let home: string
let control: TestControl
let texts: ScriptTexts

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'mst-'))
  control = testControl()
  texts = new ScriptTexts({ home, control, log: openLog('test', 'silent') })
})

afterEach(async () => {
  texts.stop()
  await removeTree(home)
})

test('what is missing is fetched and written under its hash; what is there is not asked for again', async () => {
  control.texts.set(hashOf(A), A)
  control.texts.set(hashOf(B), B)
  await texts.ensure([serviceWith(A, B)])
  assert.deepEqual((await readdir(texts.folder)).sort(), [hashOf(A), hashOf(B)].sort())
  assert.equal(await readFile(join(texts.folder, hashOf(A)), 'utf8'), A)
  assert.deepEqual(control.asked.sort(), [`/machine/scripts/${hashOf(A)}`, `/machine/scripts/${hashOf(B)}`].sort())
  control.isGone = true
  await texts.ensure([serviceWith(A, B), serviceWith(A)])
  assert.equal(control.asked.length, 2)
  assert.deepEqual(texts.missing, [])
})

test('a text that cannot be had holds an assignment up for a moment only, and is fetched when control is back', async () => {
  control.isGone = true
  const startedAt = performance.now()
  await texts.ensure([serviceWith(A)])
  assert.ok(performance.now() - startedAt < SCRIPT_WAIT_MS_MAX + 2_000)
  assert.deepEqual(texts.missing, [hashOf(A)])
  control.texts.set(hashOf(A), A)
  control.isGone = false
  await waitFor('the text', () => (texts.missing.length === 0 ? true : undefined), { withinMs: 10_000 })
  assert.equal(await readFile(join(texts.folder, hashOf(A)), 'utf8'), A)
})

test('one that is missing does not keep the others from coming', async () => {
  control.texts.set(hashOf(B), B)
  await texts.ensure([serviceWith(A, B)])
  assert.deepEqual(texts.missing, [hashOf(A)])
  assert.deepEqual(await readdir(texts.folder), [hashOf(B)])
})

test('a text that is not what its hash says is not written, and one that was damaged on disk is fetched again', async () => {
  control.texts.set(hashOf(A), B)
  await texts.ensure([serviceWith(A)])
  assert.deepEqual(await readdir(texts.folder), [])
  control.texts.set(hashOf(A), A)
  await waitFor('the text', () => (texts.missing.length === 0 ? true : undefined), { withinMs: 10_000 })
  await writeFile(join(texts.folder, hashOf(A)), A.slice(1))
  await texts.ensure([serviceWith(A)])
  assert.equal(await readFile(join(texts.folder, hashOf(A)), 'utf8'), A)
})

test('what no assignment names goes, but not at once: a runtime may be about to read it', async () => {
  for (const text of [A, B]) control.texts.set(hashOf(text), text)
  await texts.ensure([serviceWith(A, B)])
  await texts.ensure([serviceWith(A)])
  assert.equal((await readdir(texts.folder)).length, 2)
  const longAgo = new Date(Date.now() - SCRIPT_KEEP_MS - 60_000)
  for (const text of [A, B]) await utimes(join(texts.folder, hashOf(text)), longAgo, longAgo)
  await texts.ensure([serviceWith(A)])
  assert.deepEqual(await readdir(texts.folder), [hashOf(A)])
})

type TestControl = {
  texts: Map<string, string>
  asked: string[]
  isGone: boolean
  call: (call: DoorCall) => Promise<unknown>
}

function testControl(): TestControl {
  const made: TestControl = {
    texts: new Map(),
    asked: [],
    isGone: false,
    call: async ({ path }) => {
      if (made.isGone) throw new Fault('door.unreachable', 503, 'control is gone')
      made.asked.push(path)
      const text = made.texts.get(path.split('/').at(-1) ?? '')
      if (text === undefined) throw new Fault('script.unknown', 404, 'there is no such script')
      return { text }
    },
  }
  return made
}

function serviceWith(...wanted: string[]): ServiceAssignment {
  return {
    id: 'id',
    name: 'todo',
    epoch: 1,
    applicationKey: 'a',
    masterKey: 'm',
    isSchemaDynamic: true,
    generation: 0,
    tables: [{ name: 'TodoItem', permissions: DEFAULT_PERMISSIONS }],
    scripts: wanted.map((text, index) => ({
      name: `table/TodoItem.${index === 0 ? 'insert' : 'read'}`,
      hash: hashOf(text),
      bytes: Buffer.byteLength(text),
    })),
    database: { server: 's', serverEpoch: 1, database: 'd', schema: 'todo', user: 'u', password: 'p', remote: null },
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
