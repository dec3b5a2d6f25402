// The transcript of `mobile recover`, line by line, against a control that only pretends.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Asked, FakeControl, Replies } from '../support/cli-control.ts'
import { startFakeControl } from '../support/cli-control.ts'
import { type Ran, runCli } from '../support/cli-run.ts'
import { PLAN, recoveryAt } from '../support/cli-views.ts'

const RECOVER = ['mobile', 'recover', 'PrimaryService', 'SecondaryService']
const PATH = '/services/PrimaryService/recover'
const PROMPT =
  "Warning: this action will use the capacity from the mobile service 'SecondaryService' and delete it. " +
  "Do you want to recover the mobile service 'PrimaryService'? (y/n): "
const PLAN_LINES = [
  'data:    From                    West US',
  'data:    To                      East US',
  'data:    Database                sql-west-us is promoted in East US',
  'data:    Also moves the data of  1 service: Other',
  'data:    Predicted time          1.6 s',
  'data:    Predicted loss          at most 120 ms of writes',
  'data:    Capacity                the shared slot of SecondaryService is used',
]

test('recover prints the lines of the original in order, ours as data lines between them', async (context) => {
  const { ran } = await recover(context, { args: RECOVER, input: 'y\n' })
  const lines = ran.stdout.trimEnd().split('\n')
  assert.deepEqual(lines.slice(0, 12), [
    'info:    Executing command mobile recover',
    ...PLAN_LINES,
    PROMPT,
    'info:    Performing recovery',
    'info:    Cleaning up',
    'info:    Recovery complete',
  ])
  const report = lines.slice(12, -1)
  assert.ok(report.every((line) => line.startsWith('data:    ')))
  assert.match(report.join('\n'), /Measured loss +nothing was lost\n/)
  assert.match(report.at(-1) ?? '', /^data: {4}Not protected now\. Reserve another: mainstay mobile create X/)
  assert.equal(lines.at(-1), 'info:    mobile recover command OK')
  assert.deepEqual([ran.code, ran.stderr], [0, ''])
})

test('recover asks for the names that are missing and takes them from a pipe', async (context) => {
  const { ran, changes } = await recover(context, {
    args: ['mobile', 'recover'],
    input: 'PrimaryService\nSecondaryService\ny\n',
  })
  const [, first, second] = ran.stdout.split('\n')
  assert.equal(first, 'Name of the unhealthy mobile service to recover: ')
  assert.equal(second, 'Name of the healthy mobile service to use for capacity: ')
  assert.deepEqual([ran.code, changes.length], [0, 1])
})

test('recover answered with no changes nothing and is OK', async (context) => {
  const { ran, changes } = await recover(context, { args: RECOVER, input: 'n\n' })
  assert.deepEqual(ran.stdout.trimEnd().split('\n'), [
    'info:    Executing command mobile recover',
    ...PLAN_LINES,
    PROMPT,
    'info:    Recovery terminated with no changes made',
    'info:    mobile recover command OK',
  ])
  assert.deepEqual([ran.code, changes.length], [0, 0])
})

test('recover --quiet asks nothing and sends one change with an idempotency key', async (context) => {
  const { ran, changes } = await recover(context, { args: [...RECOVER, '-q', '--force'] })
  assert.equal(ran.code, 0)
  assert.ok(!ran.stdout.includes('Warning:'))
  assert.deepEqual(
    changes.map((one) => one.body),
    [{ secondary: 'SecondaryService', isForced: true, expectedAction: 'promote' }],
  )
  assert.match(changes[0]?.key ?? '', /^[0-9a-f]{32}$/)
})

test('recover --json leaves exactly the operation on stdout and all talk on stderr', async (context) => {
  const { ran } = await recover(context, { args: [...RECOVER, '-q', '--json'] })
  assert.deepEqual(JSON.parse(ran.stdout), recoveryAt(7))
  assert.match(ran.stderr, /^info: {4}Executing command mobile recover\n/)
  assert.match(ran.stderr, /info: {4}Recovery complete\n/)
  assert.ok(!ran.stderr.includes('command OK'))
})

test('recover --dry-run shows plan and steps and changes nothing', async (context) => {
  const { ran, changes } = await recover(context, { args: [...RECOVER, '--dry-run'] })
  const lines = ran.stdout.trimEnd().split('\n')
  assert.deepEqual(lines.slice(1, 8), PLAN_LINES)
  assert.equal(lines[8], 'data:    Step 1  Fencing the lost home')
  assert.deepEqual(lines.slice(-2), ['info:    Nothing was changed', 'info:    mobile recover command OK'])
  assert.deepEqual([ran.code, changes.length], [0, 0])
})

test('recover --dry-run --json prints the plan', async (context) => {
  const { ran } = await recover(context, { args: [...RECOVER, '--dry-run', '--json'] })
  assert.deepEqual(JSON.parse(ran.stdout), PLAN)
})

test('recover without an answer exits 2 and names the flag to add', async (context) => {
  const { ran, changes } = await recover(context, { args: RECOVER })
  assert.deepEqual([ran.code, changes.length], [2, 0])
  assert.match(
    ran.stderr,
    /^error: {3}nobody answered: .*\nTry: {5}Add --quiet .*\nerror: {3}mobile recover command failed\n$/,
  )
})

test('recover that is refused says so in one line with a hint and exits 3', async (context) => {
  const refusal = { code: 'recovery.primary_healthy', message: 'PrimaryService is Ready', hint: 'Add --force.' }
  const replies: Replies = { [`POST ${PATH}`]: { status: 409, body: refusal } }
  const { ran } = await recover(context, { args: [...RECOVER, '-q'], replies })
  assert.equal(ran.code, 3)
  assert.equal(
    ran.stderr,
    'error:   PrimaryService is Ready\nTry:     Add --force.\nerror:   mobile recover command failed\n',
  )
  const json = await recover(context, { args: [...RECOVER, '-q', '--json'], replies })
  assert.deepEqual(JSON.parse(json.ran.stdout), { error: refusal })
})

test('recover of an unknown name exits 2', async (context) => {
  const body = { code: 'service.unknown', message: "there is no mobile service 'PrimaryService'" }
  const { ran } = await recover(context, { args: RECOVER, replies: { [`POST ${PATH}`]: { status: 404, body } } })
  assert.equal(ran.code, 2)
  assert.match(ran.stderr, /^error: {3}there is no mobile service 'PrimaryService'\n/)
})

test('recover that fails half way shows the step, the next command and exit code 1', async (context) => {
  const stuck = { ...recoveryAt(3), state: 'needs_you' as const, next: 'mainstay mobile recover PrimaryService Other' }
  const error = { code: 'recovery.verify_failed', message: 'table TodoItem is missing' }
  const { ran } = await recover(context, {
    args: [...RECOVER, '-q'],
    replies: { 'GET /operations/op1': { status: 200, body: { ...stuck, error } } },
  })
  assert.equal(ran.code, 1)
  assert.match(
    ran.stderr,
    /^error: {3}Verifying tables, keys and data: table TodoItem is missing\nTry: {5}mainstay mobile recover/,
  )
  assert.ok(!ran.stdout.includes('Recovery complete'))
})

test('recover goes on watching when control hangs up and comes back', async (context) => {
  let calls = 0
  const flaky = () => {
    calls += 1
    return calls < 3 ? ('hang up' as const) : { status: 200, body: recoveryAt(7) }
  }
  const { ran } = await recover(context, { args: [...RECOVER, '-q'], replies: { 'GET /operations/op1': flaky } })
  assert.deepEqual([ran.code, calls], [0, 3])
})

async function recover(
  context: TestContext,
  options: { args: string[]; input?: string; replies?: Replies },
): Promise<{ ran: Ran; control: FakeControl; changes: Asked[] }> {
  let step = 0
  const control = await startFakeControl(context, {
    [`POST ${PATH}`]: ({ body }) =>
      isDryRun(body) ? { status: 200, body: PLAN } : { status: 202, body: recoveryAt(0) },
    'GET /operations/op1': () => {
      step += 1
      return { status: 200, body: recoveryAt(step) }
    },
    ...options.replies,
  })
  const input = options.input === undefined ? {} : { input: options.input }
  const ran = await runCli(context, options.args, { env: control.env, ...input })
  const changes = control.asked.filter((one) => one.verb === 'POST' && !isDryRun(one.body))
  return { ran, control, changes }
}

function isDryRun(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'isDryRun' in body && body.isDryRun === true
}
