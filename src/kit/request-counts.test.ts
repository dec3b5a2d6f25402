import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ABORTED, RequestCounts } from './request-counts.ts'

const textsOf = (counts: RequestCounts) =>
  counts.list().map(({ service, status, count }) => `${service} ${status} ${count}`)

test('counts by service and class of status', () => {
  const counts = new RequestCounts(10)
  for (const status of [200, 201, 404, 503, ABORTED]) counts.note('todo', status)
  counts.note('shop', 304)
  assert.deepEqual(textsOf(counts), ['todo aborted 1', 'todo 2xx 2', 'todo 4xx 1', 'todo 5xx 1', 'shop 3xx 1'])
})

test('names beyond the limit are counted together, and none that has a place loses it', () => {
  const counts = new RequestCounts(2)
  for (const service of ['a', 'b', 'c', 'd', 'a', 'c']) counts.note(service, 200)
  assert.deepEqual(textsOf(counts), ['a 2xx 2', 'b 2xx 1', 'other 2xx 3'])
})

test('a name that is forgotten makes room for another; the rest stays', () => {
  const counts = new RequestCounts(1)
  for (const service of ['a', 'b']) counts.note(service, 200)
  counts.keep((service) => service === 'c')
  counts.note('c', 200)
  assert.deepEqual(textsOf(counts), ['other 2xx 1', 'c 2xx 1'])
})

test('what is taken is counted from zero again, and added elsewhere under that limit', () => {
  const [one, all] = [new RequestCounts(5), new RequestCounts(1)]
  one.note('a', 200)
  one.note('b', 500)
  all.add(one.take())
  one.note('a', 200)
  all.add(one.take())
  assert.deepEqual(textsOf(one), [])
  assert.deepEqual(textsOf(all), ['a 2xx 2', 'other 5xx 1'])
})
