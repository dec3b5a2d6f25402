// A call of a script: when it is over, and what becomes of what it begins after that.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallUnderWay } from './call-under-way.ts'
import type { AskOutcome, FromSandbox, TableAsk } from './messages.ts'

const LIMITS = { rowsMax: 10, timersMax: 10, logCharactersMax: 100, messageBytesMax: 1_000_000, jobIdleMs: 10 }
const ANSWER = { kind: 'default' as const, body: null }
const LOOKUP = { op: 'lookup' as const, table: 'T', id: 'a', systemProperties: [], includesDeleted: false }
const OVER = { kind: 'failed', status: 503, message: 'The request is over: its operations are no longer done.' }

/** A call, and what it said so far. */
function begun() {
  const said: FromSandbox[] = []
  const state = { isDone: false, asks: 0 }
  const call = new CallUnderWay(1, '/table/T.insert.js', {
    say: (message) => said.push(message),
    limits: LIMITS,
    nextAsk: () => ++state.asks,
    onDone: () => {
      state.isDone = true
    },
  })
  const asked = () => said.filter(({ kind }) => kind === 'ask').length
  return { call, said, state, asked }
}

/** What was to be done soon has been done. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Answers, and does that when its promises have had a few turns. */
function answerThen(call: CallUnderWay, work: () => void): void {
  const later = async () => {
    for (let turn = 0; turn < 10; turn += 1) await null
    work()
  }
  call.run(() => {
    call.answer(ANSWER)
    later().catch((error: unknown) => call.fail(error))
  })
}

test('a call is over once it was answered and nothing of it waits', async () => {
  const { call, state } = begun()
  call.run(() => {})
  await turns()
  assert.equal(state.isDone, false)
  call.run(() => call.answer(ANSWER))
  await turns()
  assert.equal(state.isDone, true)
})

test('what a promise asks for after the answer is done for the call', async () => {
  const { call, state, asked } = begun()
  const outcomes: AskOutcome[] = []
  answerThen(call, () => call.ask(LOOKUP, false, (outcome) => outcomes.push(outcome)))
  await turns()
  assert.deepEqual([asked(), state.isDone], [1, false])
  // And so is what comes of that.
  call.tell(1, { kind: 'done' })
  answerThen(call, () => call.ask(LOOKUP, false, (outcome) => outcomes.push(outcome)))
  await turns()
  assert.deepEqual([asked(), state.isDone], [2, false])
  call.tell(2, { kind: 'done' })
  await turns()
  assert.deepEqual([outcomes.length, state.isDone], [2, true])
})

test('a timer that a promise begins after the answer is of the call', async () => {
  const { call, state } = begun()
  let timer: unknown
  answerThen(call, () => {
    timer = call.timers.setInterval(() => {}, 1_000)
  })
  await turns()
  assert.deepEqual([call.timers.count, state.isDone], [1, false])
  call.timers.clear(timer)
  await turns()
  assert.equal(state.isDone, true)
})

test('a call that is over begins nothing: operations fail, timers do not run, and the log says so', async () => {
  const { call, state, asked, said } = begun()
  call.run(() => call.answer(ANSWER))
  await turns()
  assert.equal(state.isDone, true)
  const outcomes: AskOutcome[] = []
  call.ask(LOOKUP, false, (outcome) => outcomes.push(outcome))
  const isRun = await new Promise((resolve) => {
    for (const kind of ['setTimeout', 'setInterval', 'setImmediate'] as const) call.timers[kind](() => resolve(true))
    // Begun after them, and as long.
    setTimeout(() => setTimeout(() => resolve(false), 1), 1)
  })
  assert.deepEqual([isRun, call.timers.count, asked()], [false, 0, 0])
  assert.deepEqual(outcomes, [OVER])
  const lines = said.flatMap((message) => (message.kind === 'log' ? [message.message] : []))
  assert.deepEqual([...new Set(lines)], ['The request is over: its timers no longer begin.'])
})

test('a call that is over and asks again whenever it fails comes to an end', async () => {
  const { call } = begun()
  let tries = 0
  const again = () => {
    tries += 1
    call.ask(LOOKUP, false, again)
  }
  call.run(() => call.ask(LOOKUP, false, again))
  call.end()
  for (let turn = 0; turn < 300; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(tries, 101)
})

test('what a call still waits for when it is ended fails', async () => {
  const { call, state, asked } = begun()
  const outcomes: AskOutcome[] = []
  call.run(() => {
    call.ask(LOOKUP, false, (outcome) => {
      outcomes.push(outcome)
      call.ask(LOOKUP, false, (next) => outcomes.push(next))
    })
  })
  call.end()
  await turns()
  assert.deepEqual([outcomes, asked(), state.isDone], [[OVER, OVER], 1, false])
  assert.equal(call.tell(1, { kind: 'done' }), false)
})

// ---- the request's own operation

const INSERT = { op: 'insert' as const, table: 'T', item: {}, systemProperties: [] }
const LEFT = { body: '{}' }
const execution = (left: { body: string } | null, outcomes: AskOutcome[] = []) => ({
  isRead: false,
  what: () => INSERT,
  left: () => left,
  done: (outcome: AskOutcome) => {
    outcomes.push(outcome)
  },
})

test('an operation that nobody waits for is left to the runtime, and the call is over', async () => {
  const { call, said, state } = begun()
  const outcomes: AskOutcome[] = []
  call.run(() => call.execute(execution(LEFT, outcomes)))
  assert.deepEqual(said, [])
  await turns()
  assert.deepEqual(said, [{ kind: 'last', call: 1, what: INSERT, body: '{}' }])
  assert.deepEqual([state.isDone, outcomes], [true, []])
  // What comes back to it all the same is too late, as after any end.
  call.run(() => call.ask(LOOKUP, false, (outcome) => outcomes.push(outcome)))
  call.run(() => call.answer(ANSWER))
  await turns()
  assert.deepEqual([outcomes, said.length], [[OVER], 1])
})

for (const [is, begin] of [
  ['the script wants to see what comes of it', (call) => call.execute(execution(null))],
  [
    'a timer waits',
    (call) => {
      call.execute(execution(LEFT))
      call.timers.setTimeout(() => {}, 10_000)
    },
  ],
  [
    'what it was given may come back',
    (call) => {
      call.execute(execution(LEFT))
      call.isContextSpent = true
    },
  ],
] as [string, (call: CallUnderWay) => void][]) {
  test(`it is asked for when ${is}`, async () => {
    const { call, said, state } = begun()
    call.run(() => begin(call))
    await turns()
    assert.deepEqual(said, [{ kind: 'ask', call: 1, ask: 1, what: INSERT, isExecute: true }])
    assert.equal(state.isDone, false)
    call.end()
  })
}

test('it is asked for before what comes after it', async () => {
  const { call, said } = begun()
  call.run(() => {
    call.execute(execution(LEFT))
    call.ask(LOOKUP, false, () => {})
  })
  await turns()
  assert.deepEqual(
    said.map((one) => one.kind === 'ask' && one.what.op),
    ['insert', 'lookup'],
  )
  call.end()
})

test('a read waits for the end of the turn, when it shows whether its rows are wanted', async () => {
  const { call, said } = begun()
  let isWanted = false
  const what = (): TableAsk => (isWanted ? INSERT : { op: 'del', table: 'T', id: 'a', version: null })
  call.run(() => {
    call.execute({ ...execution(null), isRead: true, what })
    call.ask(LOOKUP, false, () => {})
    isWanted = true
  })
  await turns()
  assert.deepEqual(
    said.map((one) => one.kind === 'ask' && [one.isExecute, one.what.op]),
    [
      [false, 'lookup'],
      [true, 'insert'],
    ],
  )
  call.end()
})

test('what is asked for while the item is written down has it asked for first, and once', async () => {
  const { call, said } = begun()
  call.run(() => {
    const left = () => {
      call.ask(LOOKUP, false, () => {})
      return LEFT
    }
    call.execute({ ...execution(LEFT), left })
  })
  await turns()
  assert.deepEqual(
    said.map((one) => one.kind === 'ask' && [one.isExecute, one.what.op]),
    [
      [true, 'insert'],
      [false, 'lookup'],
    ],
  )
  call.end()
})

test('one that fails afterwards has asked for it, and fails', async () => {
  const { call, said } = begun()
  call.run(() => {
    call.execute(execution(LEFT))
    call.fail(new Error('later'))
  })
  await turns()
  assert.deepEqual(
    said.map(({ kind }) => kind),
    ['ask', 'answer'],
  )
  call.end()
})

test('one that is ended meanwhile asks for nothing, and hears so', async () => {
  const { call, said } = begun()
  const outcomes: AskOutcome[] = []
  call.run(() => call.execute(execution(LEFT, outcomes)))
  call.end()
  await turns()
  assert.deepEqual([said, outcomes], [[], [OVER]])
})
