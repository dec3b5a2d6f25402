import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundLabel, Metrics } from './metrics.ts'
import { parseMetricsAddress } from './metrics-server.ts'

const of = (runtime: string, value: number) => ({ value, labels: { runtime } })

test('values of a label beyond the limit are added up under one, those of one name always', () => {
  const samples = [of('a', 1), of('b', 2), of('c', 4), of('a', 8), of('d', 16)]
  assert.deepEqual(boundLabel(samples, 'runtime', 2), [of('a', 9), of('b', 2), of('other', 20)])
  assert.deepEqual(boundLabel(samples, 'runtime', 0), [of('other', 31)])
})

test('other labels stay apart, within the limit and beyond it', () => {
  const samples = ['a', 'b', 'c'].flatMap((runtime) =>
    ['answering', 'blocked'].map((state) => ({ value: 1, labels: { runtime, state } })),
  )
  const bounded = boundLabel(samples, 'runtime', 1).map(({ value, labels }) => [value, labels?.runtime, labels?.state])
  assert.deepEqual(bounded, [
    [1, 'a', 'answering'],
    [1, 'a', 'blocked'],
    [2, 'other', 'answering'],
    [2, 'other', 'blocked'],
  ])
})

test('what is not known is left out, rather than told as nought or as it was', async () => {
  let age: number | null = 3
  let isFailing = false
  const metrics = new Metrics()
  const read = () => {
    if (isFailing) throw new Error('away')
    return { age }
  }
  metrics.add(read, [{ kind: 'gauge', name: 'mainstay_test_age', help: 'Age.', of: (facts) => facts.age }])
  const shown = async () => (await metrics.read()).split('\n').filter((line) => line.startsWith('mainstay_test'))
  assert.deepEqual(await shown(), ['mainstay_test_age 3'])
  age = null
  assert.deepEqual(await shown(), [])
  age = 4
  assert.deepEqual(await shown(), ['mainstay_test_age 4'])
  isFailing = true
  assert.deepEqual(await shown(), [])
})

const options = (text: string, isInsecure = false) => ({ 'metrics-address': text, 'insecure-metrics': isInsecure })

test('metrics are served on loopback, and elsewhere only where that was accepted', () => {
  assert.deepEqual(parseMetricsAddress(options('127.0.0.1:9464'), null), { address: '127.0.0.1', port: 9464 })
  assert.deepEqual(parseMetricsAddress(options('[::1]:0'), null), { address: '::1', port: 0 })
  assert.deepEqual(parseMetricsAddress(options('10.0.0.1:9464', true), null), { address: '10.0.0.1', port: 9464 })
  assert.throws(() => parseMetricsAddress(options('10.0.0.1:9464'), null), { code: 'options.insecure' })
  assert.throws(() => parseMetricsAddress(options('0.0.0.0:9464'), null), { code: 'options.insecure' })
})

test('an address without a port, or one that is none, is refused; without any there is no listener', () => {
  const code = (text: string) => {
    try {
      return parseMetricsAddress(options(text), null)
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : error
    }
  }
  for (const text of ['9464', 'localhost', '', ':9464', '::1']) assert.equal(code(text), 'options.bad_address', text)
  for (const text of ['localhost:x', 'localhost:99999', 'localhost:'])
    assert.equal(code(text), 'options.bad_port', text)
  assert.equal(parseMetricsAddress({ 'insecure-metrics': false }, null), null)
  const place = { address: 'localhost', port: 1 }
  assert.deepEqual(parseMetricsAddress({ 'insecure-metrics': false }, 'localhost:1'), place)
})
