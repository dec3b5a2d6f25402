// A machine that is too busy to start a sandbox in time is not one that cannot run scripts.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { findProcesses, isAlive, signalProcess, treeOf } from '../../src/kit/processes.ts'
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
  const found = sandboxes.level()
  const first = await waitFor('the first start', () => findProcesses(folder)[0], { withinMs: 10_000, everyMs: 1 })
  const deadline = performance.now() + 30_000
  while (isAlive(first) && performance.now() < deadline) {
    for (const pid of treeOf(first)) signalProcess(pid, 'SIGSTOP')
    await pause(1)
  }
  assert.deepEqual(await found, { level: 'full', problem: null, isLate: false })
  const [place, other] = await Promise.all([sandboxes.place(SERVICE), sandboxes.place({ ...SERVICE, name: 'other' })])
  assert.deepEqual([place.kind, other.kind], ['sandbox', 'sandbox'])
})
