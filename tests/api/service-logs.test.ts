// The logs that a host keeps of its services: what is asked for, what is given up, what a broken end of a file costs.
import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { LogLine, LogQuery } from '../../src/contract/service-log.ts'
import { ServiceLogs } from '../../src/host/service-logs.ts'
import { SERVICE_LOG_FILE_BYTES_MAX, SERVICE_LOG_FILES_MAX, SERVICE_LOG_KEEP_MS } from '../../src/kit/limits.ts'
import { openLog } from '../../src/kit/log.ts'
import { GatheredLines } from '../../src/runtime/service-lines.ts'

const NOW = Date.parse('2026-11-30T05:00:00Z')

function line(message: string, about: Partial<LogLine> = {}): LogLine {
  return { at: NOW, type: 'information', source: '/api/a.js', message, requestId: null, ...about }
}

describe('the logs of services', () => {
  let home: string
  let logs: ServiceLogs

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'mainstay-logs-'))
    logs = new ServiceLogs({ home, log: openLog('test', 'silent') })
  })
  after(async () => await rm(home, { recursive: true, force: true }))

  const messages = async (query: Partial<LogQuery>, service = 'one') =>
    (await logs.read(service, { top: 10, ...query })).entries.map(({ message }) => message)

  test('give the newest first, by type, script, text and request', async () => {
    logs.take([
      {
        service: 'one',
        lines: [line('first'), line('Second', { type: 'error' }), line('third', { source: '/api/b.js' })],
      },
      { service: 'two', lines: [line('of another')] },
    ])
    logs.take([{ service: 'one', lines: [line('fourth', { requestId: 'r1', at: NOW - 60_000 })] }])
    assert.deepEqual(await messages({}), ['fourth', 'third', 'Second', 'first'])
    assert.deepEqual(await messages({ type: 'error' }), ['Second'])
    assert.deepEqual(await messages({ source: '/API/b.js' }), ['third'])
    assert.deepEqual(await messages({ search: 'SECOND' }), ['Second'])
    assert.deepEqual(await messages({ requestId: 'r1' }), ['fourth'])
    assert.deepEqual(await messages({}, 'two'), ['of another'])
    assert.deepEqual(await messages({}, 'unknown'), [])
  })

  test('go on where a page ended, and after a line', async () => {
    const first = await logs.read('one', { top: 3 })
    assert.ok(first.more)
    assert.deepEqual(await messages({ before: first.more }), ['first'])
    assert.equal((await logs.read('one', { top: 4 })).more, null)
    const second = first.entries.find(({ message }) => message === 'Second')
    assert.deepEqual(await messages({ after: second?.id ?? '' }), ['third', 'fourth'])
    assert.deepEqual(await messages({ after: second?.id ?? '', top: 1 }), ['third'])
  })

  test('are there after a restart, whose clock may be behind, and behind half a line', async () => {
    await appendFile(join(home, 'service-logs', 'one', 'lines.0.jsonl'), '{"id":"half a')
    const [before] = (await logs.read('one', { top: 1 })).entries
    logs = new ServiceLogs({ home, log: openLog('test', 'silent') })
    logs.take([{ service: 'one', lines: [line('fifth', { at: NOW - 3_600_000 })] }])
    const [last] = (await logs.read('one', { top: 1 })).entries
    assert.equal(last?.message, 'fifth')
    assert.ok((last?.id ?? '') > (before?.id ?? ''))
    assert.deepEqual(await messages({ after: before?.id ?? '' }), ['fifth'])
  })

  test('are of bounded size: the oldest lines go, the newest stay', async () => {
    const lines = Array.from({ length: 100 }, (_, index) => line(`${index} ${'x'.repeat(9_990)}`))
    const rounds = Math.ceil(((SERVICE_LOG_FILES_MAX + 2) * SERVICE_LOG_FILE_BYTES_MAX) / 1_000_000)
    for (let round = 0; round < rounds; round += 1) logs.take([{ service: 'large', lines }])
    const { entries } = await logs.read('large', { top: 1_000 })
    assert.equal(entries[0]?.message.slice(0, 3), '99 ')
    assert.ok(entries.length > 100, 'one answer has about a mebibyte')
    const folder = join(home, 'service-logs', 'large')
    const files = await readdir(folder)
    assert.equal(files.length, SERVICE_LOG_FILES_MAX)
    for (const file of files) assert.ok((await stat(join(folder, file))).size <= SERVICE_LOG_FILE_BYTES_MAX)
  })

  test('are given up when they are old', async () => {
    const old = new Date(Date.now() - SERVICE_LOG_KEEP_MS - 60_000)
    await utimes(join(home, 'service-logs', 'two', 'lines.0.jsonl'), old, old)
    await logs.sweep()
    assert.deepEqual(await messages({}, 'two'), [])
    assert.equal((await messages({})).length, 5)
  })

  test('take nothing for what is no service', async () => {
    logs.take([{ service: '../../x', lines: [line('out')] }])
    await assert.rejects(logs.read('../../x', { top: 1 }), { code: 'service.unknown' })
  })
})

test('a flood of lines is cut on its way to the host, and the log says so', () => {
  const gathered = new GatheredLines()
  for (let index = 0; index < 1_000; index += 1) gathered.add('one', line('x'.repeat(1_000)))
  gathered.add('two', line('calm'))
  const [one, two] = gathered.take()
  assert.ok(one && one.lines.length < 300)
  assert.match(one.lines.at(-1)?.message ?? '', /^7\d\d more lines were dropped/)
  assert.equal(two?.lines.length, 1)
  assert.deepEqual(gathered.take(), [])
})
