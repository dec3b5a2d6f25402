// A machine that is too busy to start a sandbox in time is not one that cannot run scripts.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pause } from '../../src/kit/clock.ts'
import { findProcesses, signalProcess, treeOf } from '../../src/kit/processes.ts'
import { Sandboxes } from '../../src/sandbox/sandboxes.ts'

const SERVICE = { name: 'todo', id: 'todo', binding: '1', environment: {}, config: {}, modules: null }

test('a start that was late is tried again by whoever needs it next, and no weaker border is taken for it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-late-'))
  await chmod(folder, 0o755)
  const sandboxes = new Sandboxes({ folder: join(folder, 'jail'), isKeptWarm: false, log: () => {} })
  t.after(async () => {
    sandboxes.close()
    await rm(folder, { recursive: true, force: true })
  })
  // Stopped before it is ready, as one that does not get the processor.
  const deciding = new AbortController()
  const late = sandboxes.level({ triesMax: 1 }).finally(() => deciding.abort())
  while (!deciding.signal.aborted) {
    for (const pid of findProcesses(folder).flatMap(treeOf)) signalProcess(pid, 'SIGSTOP')
    await pause(1)
  }
  assert.deepEqual(await late, { level: 'off', problem: 'it took too long' })
  const [place, other] = await Promise.all([sandboxes.place(SERVICE), sandboxes.place({ ...SERVICE, name: 'other' })])
  assert.deepEqual([place.kind, other.kind], ['sandbox', 'sandbox'])
  assert.equal((await sandboxes.level()).level, 'full')
})
