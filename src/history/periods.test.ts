// Periods, and what is shown from them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SPAN_SECONDS, SPANS } from '../contract/span.ts'
import { PERIODS, pointsOf, thinningsAt } from './periods.ts'

const NOW_MS = Date.parse('2026-03-14T15:09:26.535Z')

test('every span is shown from periods that are still there and no coarser than its points', () => {
  for (const span of SPANS) {
    const { length, point } = SPAN_SECONDS[span]
    const reaching = PERIODS.find(({ keptMs }) => keptMs >= length * 1_000)
    assert.ok(reaching && point % reaching.seconds === 0, `${span}: ${reaching?.seconds} s for ${point} s`)
    assert.equal(length % point, 0)
  }
})

test('what is thinned fills whole periods of what it becomes, and none of them is left in two parts', () => {
  for (const { seconds, beforeMs, into } of thinningsAt(NOW_MS)) {
    assert.equal(beforeMs % ((into ?? seconds) * 1_000), 0)
    assert.equal((into ?? seconds) % seconds, 0)
    const { keptMs = 0 } = PERIODS.find((period) => period.seconds === seconds) ?? {}
    assert.ok(NOW_MS - beforeMs >= keptMs && NOW_MS - beforeMs < keptMs + (into ?? seconds) * 1_000)
  }
})

test('the points of a span follow each other, and now lies in the last', () => {
  for (const span of SPANS) {
    const { length, point } = SPAN_SECONDS[span]
    const points = pointsOf(span, NOW_MS)
    assert.equal(points.length, length / point)
    for (const [index, at] of points.entries()) assert.equal(at - (points[0] ?? 0), index * point * 1_000)
    const last = points.at(-1) ?? 0
    assert.ok(last <= NOW_MS && NOW_MS < last + point * 1_000)
  }
})
