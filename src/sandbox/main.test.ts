// The process of a sandbox by itself, spoken to as a runtime does.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { waitFor } from '../kit/clock.ts'
import { FrameReader, frameOf } from './frames.ts'
import type { FromSandbox, ToSandbox } from './messages.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const BYTES_MAX = 1_048_576
const SOON = { withinMs: 30_000 }
const limits = { rowsMax: 10, timersMax: 10, logCharactersMax: 1_000, messageBytesMax: BYTES_MAX, jobIdleMs: 10 }

function insertOf(call: number, hash: string, text: string | null): ToSandbox {
  return {
    ...{ kind: 'call', call, what: 'table', script: { source: '/table/T.insert.js', hash, text }, modules: null },
    ...{ user: { level: 'anonymous', id: null }, table: 'T', operation: 'insert', item: {}, id: null, query: null },
    ...{ version: null, parameters: {}, systemProperties: [], includesDeleted: false, isUndelete: false },
  }
}

test('a call that is over before its turn leaves its text to those that come after it', async (t) => {
  const child = spawn(process.execPath, [MAIN], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  const channel = child.stdio[3] as Duplex
  const said: FromSandbox[] = []
  const reader = new FrameReader(BYTES_MAX)
  channel.on('data', (chunk: Buffer) => said.push(...(reader.take(chunk) as FromSandbox[])))
  const say = (...messages: ToSandbox[]) => {
    channel.write(Buffer.concat(messages.flatMap((message) => frameOf(message, BYTES_MAX) ?? [])))
  }
  await waitFor('the sandbox', () => said.some(({ kind }) => kind === 'ready') || undefined, SOON)
  const text = 'function insert(item, user, request) { request.respond(200) }'
  say({ kind: 'hello', environment: {}, config: {}, limits, modules: null })
  // In one piece: the second waits for the first.
  say(insertOf(1, 'first', 'function insert() {}'), insertOf(2, 'second', text), { kind: 'over', call: 2 })
  say(insertOf(3, 'second', null))
  const answered = () => said.find((one) => one.kind === 'answer' && one.call === 3)
  const answer = await waitFor('an answer', answered, SOON)
  assert.deepEqual(answer, {
    kind: 'answer',
    call: 3,
    answer: { kind: 'respond', status: 200, body: null, version: null },
  })
})
