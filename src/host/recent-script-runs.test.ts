import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCRIPT_RUNS_WINDOW_MS } from '../kit/limits.ts'
import { RecentScriptRuns } from './recent-script-runs.ts'

test('runs are summed over a minute, by service, with the newest problem', () => {
  const recent = new RecentScriptRuns()
  const told = (service: string, runs: number, failed: number, problem: string | null) => ({
    ...{ service, runs, failed, problem },
  })
  recent.add([told('a', 3, 1, 'old'), told('b', 2, 0, null)], 0)
  recent.add([told('a', 5, 5, 'new')], 10_000)
  recent.add([told('a', 1, 0, null)], 20_000)
  assert.deepEqual(recent.list(20_000), [told('a', 9, 6, 'new'), told('b', 2, 0, null)])
  assert.deepEqual(recent.list(SCRIPT_RUNS_WINDOW_MS), [told('a', 6, 5, 'new')])
  assert.deepEqual(recent.list(SCRIPT_RUNS_WINDOW_MS + 20_000), [])
})
