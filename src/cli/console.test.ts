import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { formatBytes, formatCount, formatMs } from '../contract/amounts.ts'
import { Fault } from '../kit/fault.ts'
import { formatProgress } from './amounts.ts'
import { isYes } from './answers.ts'
import { pairLines, tableLines } from './columns.ts'
import { listOf, namedControlOf, portOf } from './config.ts'
import { findControl } from './control-address.ts'
import { fill } from './control-calls.ts'
import { acceptedLossOf, durationOf, durationText } from './duration.ts'
import { exitCodeOf } from './exit-code.ts'
import { misuseText } from './misuse.ts'
import { Talk } from './talk.ts'

test('exit codes tell misuse, refusal for safety and failure apart', () => {
  const codes: [string, number, number][] = [
    ['service.unknown', 404, 2],
    ['usage.bad_option', 400, 2],
    ['recovery.primary_healthy', 409, 3],
    ['capacity.none_left', 409, 3],
    ['reset.running', 409, 3],
    ['service.exists', 409, 1],
    ['recovery.verify_failed', 500, 1],
    ['control.silent', 503, 1],
    ['prompt.interrupted', 400, 130],
  ]
  for (const [code, status, exit] of codes) assert.equal(exitCodeOf(new Fault(code, status, '')), exit, code)
  assert.equal(exitCodeOf(new TypeError('a bug')), 1)
})

test('times, sizes and counts are short', () => {
  assert.deepEqual([0, 840, 6_140, 125_000, 7_260_000].map(formatMs), [
    '0 ms',
    '840 ms',
    '6.1 s',
    '2 min 5 s',
    '2 h 1 min',
  ])
  assert.deepEqual([0, 1, 1_536, 16_777_216].map(formatBytes), ['0 bytes', '1 byte', '1.5 KiB', '16.0 MiB'])
  assert.deepEqual([0, 999, 1_204, 1_000_000].map(formatCount), ['0', '999', '1,204', '1,000,000'])
})

test('how far a step is comes with rate and time left, as far as they are known', () => {
  const at = { doneBytes: 35_651_584, totalBytes: 104_857_600 }
  const known = { ...at, bytesPerSecond: 8_912_896, secondsLeft: 8 }
  assert.equal(formatProgress(known), '34 % of 100.0 MiB, 8.5 MiB/s, 8.0 s left')
  assert.equal(formatProgress({ ...at, bytesPerSecond: null, secondsLeft: null }), '34 % of 100.0 MiB')
})

test('durations are typed as they are shown', () => {
  for (const text of ['90s', '5m', '2h', '1d', '0s']) assert.equal(durationText(durationOf(text, '')), text)
  assert.deepEqual(['none', 'any', ' 2H '].map(acceptedLossOf), [0, null, 7_200_000])
  assert.throws(() => acceptedLossOf('5 minutes'), /takes a duration, none or any/)
})

test('only a clear yes is a yes', () => {
  assert.deepEqual(['y', 'YES ', 'ok', 'true', '', 'n', 'yep', 'maybe'].map(isYes), [
    true,
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ])
})

test('tables line up and have no blanks at the end', () => {
  assert.deepEqual(
    tableLines(
      ['Name', 'X'],
      [
        ['a', '1'],
        ['longer', ''],
      ],
    ),
    ['Name    X', '------  -', 'a       1', 'longer'],
  )
  assert.deepEqual(
    pairLines([
      ['a', '1'],
      ['long', null],
      ['bc', '2'],
    ]),
    ['a   1', 'bc  2'],
  )
})

test('names are encoded into routes', () => {
  assert.equal(
    fill('/services/:service/tables/:table', { service: 'a/b', table: 'ü?' }),
    '/services/a%2Fb/tables/%C3%BC%3F',
  )
})

test('a port comes from the flag, then the variable, then the default', () => {
  assert.deepEqual(
    [portOf('--port', '1', '2', 3), portOf('--port', undefined, '2', 3), portOf('--port', undefined, '', 3)],
    [1, 2, 3],
  )
  assert.throws(() => portOf('--port', '70000', undefined, 1), { code: 'usage.bad_option' })
  assert.deepEqual(listOf(' West US , East US,', undefined), ['West US', 'East US'])
})

test('a control elsewhere needs a URL and a token', async () => {
  assert.equal(namedControlOf({}, {}), null)
  assert.throws(() => namedControlOf({ control: 'nonsense' }, {}), { code: 'usage.bad_option' })
  await assert.rejects(findControl({ control: 'http://x' }, {}), { code: 'usage.token_missing' })
  const { url, token } = await findControl({ control: 'http://x:1/' }, { MAINSTAY_TOKEN: 't' })
  assert.deepEqual([url, token], ['http://x:1', 't'])
})

test('misuse names the word and a command to try', () => {
  const unknown = misuseText("error: unknown command 'lsit'\n(Did you mean list?)", ['mobile', 'lsit'])
  assert.deepEqual(unknown, { message: "'mobile lsit' is not a mainstay command", hint: 'mainstay mobile list' })
  assert.equal(misuseText("error: unknown command 'zzz'", ['zzz']).hint, 'mainstay --help')
  assert.equal(
    misuseText("error: missing required argument 'x'", ['sql', 'server', 'show']).hint,
    'mainstay sql server --help',
  )
})

test('a terminal gets a spinner that ends in +, a pipe gets a line', () => {
  const terminal = collect(true)
  terminal.talk.progress('Performing recovery')
  terminal.talk.info('done')
  assert.equal(terminal.text(), '- Performing recovery\r+ Performing recovery\ninfo:    done\n')
  const pipe = collect(false)
  pipe.talk.progress('Performing recovery')
  pipe.talk.tellProgress('34 %')
  assert.equal(pipe.text(), 'info:    Performing recovery\n')
  const moving = collect(true)
  moving.talk.progress('Restoring it')
  moving.talk.tellProgress('34 %')
  moving.talk.settle()
  assert.equal(moving.text(), '- Restoring it\r- Restoring it: 34 %\u001b[K\r+ Restoring it\u001b[K\n')
})

test('commands are shown as this person has to type them', () => {
  const { talk } = collect(false, 'npx mainstay')
  assert.equal(talk.asTyped('Start it: mainstay up'), 'Start it: npx mainstay up')
  assert.equal(talk.asTyped('See all: mainstay account cert list'), 'See all: npx mainstay account cert list')
  assert.equal(talk.asTyped('npx mainstay up, or what mainstay is'), 'npx mainstay up, or what mainstay is')
})

function collect(isTerminal: boolean, typedAs = 'mainstay'): { talk: Talk; text: () => string } {
  let said = ''
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      said += String(chunk)
      done()
    },
  })
  const sink = { stream, isTerminal }
  return { talk: new Talk({ out: sink, err: sink, typedAs }, { isJson: false }), text: () => said }
}
