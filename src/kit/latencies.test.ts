// Latencies as counts between bounds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addLatencies, LATENCY_BOUNDS_MS, latencyAt, noLatencies, noteLatency } from './latencies.ts'

const of = (...all: number[]) => {
  const latencies = noLatencies()
  for (const ms of all) noteLatency(latencies, ms)
  return latencies
}

test('each is counted once, at its bound, beyond all of them, and at nothing', () => {
  const latencies = of(0, 0.4, 1, 1.01, 30_000, 30_001, 1e9)
  assert.deepEqual([latencies[0], latencies[1], latencies.at(-2), latencies.at(-1)], [3, 1, 1, 2])
})

test('a share lies between the bounds of what it falls into', () => {
  const cases: [number[], number, number | null][] = [
    [[], 0.5, null],
    [[10, 10, 10, 10], 0.5, 10],
    [[10, 10, 10, 10], 1, 12],
    [[1, 1, 1, 400], 0.5, 2 / 3],
    [[1, 1, 1, 400], 0.99, 300 + 200 * 0.96],
    [[99_000], 0.5, 30_000],
  ]
  for (const [all, share, wanted] of cases) {
    const found = latencyAt(of(...all), share)
    assert.equal(found?.toFixed(6), wanted?.toFixed(6), `${all} at ${share}`)
  }
})

test('two are added; one of another length loses nothing of the first', () => {
  const sum = of(1, 50)
  addLatencies(sum, of(50, 90_000))
  assert.equal(
    sum.reduce((all, count) => all + count, 0),
    4,
  )
  addLatencies(sum, [1])
  assert.deepEqual([sum[0], sum.length], [2, LATENCY_BOUNDS_MS.length + 1])
})
