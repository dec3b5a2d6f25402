// From what was measured to the columns of a chart.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAmount } from '../../contract/amounts.ts'
import { measureColumns, saidOf, usageColumns } from './columns.ts'

const FROM = '2026-03-14T15:00:00.000Z'
const counts = { requests: 3, errors: 1, bytesOut: 900, medianMs: 4, p99Ms: 90, devices: 2 }

test('a line for each of what is asked for, over all moments', () => {
  const points = [
    { at: FROM, ...counts },
    { at: '2026-03-14T15:01:00.000Z', ...counts, requests: 0, medianMs: null },
  ]
  const found = usageColumns({ points }, [
    { label: 'requests', of: ({ requests }) => requests },
    { label: 'median', of: ({ medianMs }) => medianMs },
  ])
  assert.deepEqual(found, {
    at: [1_773_500_400, 1_773_500_460],
    lines: [
      { label: 'requests', values: [3, 0] },
      { label: 'median', values: [4, null] },
    ],
  })
})

test('where nothing was measured there is a gap', () => {
  const points = [{ at: '2026-03-14T15:02:00.000Z', mean: 5, low: 1, high: 9 }]
  const { at, lines } = measureColumns({ from: FROM, to: '2026-03-14T15:03:10.000Z', pointSeconds: 60 }, { points })
  assert.deepEqual(
    [at.length, lines.map(({ values }) => values)],
    [
      4,
      [
        [null, null, 5, null],
        [null, null, 9, null],
      ],
    ],
  )
})

test('is said in words, and in its unit', () => {
  const columns = {
    at: [1, 2],
    lines: [
      { label: 'mean', values: [2_000, 500] },
      { label: 'highest', values: [null] },
    ],
  }
  assert.equal(saidOf(columns, 'ms'), 'mean: 500 ms last, 2.0 s at most; highest: nothing is known')
  assert.deepEqual(
    [formatAmount('ratio', 0.424), formatAmount('bytes', 1_536.4), formatAmount('count', 1_204)],
    ['42 %', '1.5 KiB', '1,204'],
  )
})
