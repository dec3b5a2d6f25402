// Scheduled jobs in running runtimes over a real PostgreSQL: what is due runs once, and how it went can be read.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import type { JobDefinition, JobRun } from '../../src/contract/scheduled-job.ts'
import { waitFor } from '../../src/kit/clock.ts'
import type { Schedule } from '../../src/kit/interval.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, TestRuntime } from '../support/runtime-process.ts'
import { APP, check, errorBody, MASTER, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

const ON_DEMAND: Schedule = { kind: 'none' }
const SCRIPTS: Record<string, string> = {
  'scheduler/plain':
    "function plain() { console.log('hello %d', 1); tables.getTable('TodoItem').insert({ text: 'plain' }); }",
  'scheduler/callbacks': `function callbacks() {
    setTimeout(function () {
      tables.getTable('TodoItem').insert({ text: 'callbacks' }, { success: function (item) { console.warn('made ' + item.text); } });
    }, 20);
  }`,
  'scheduler/promises': `async function promises() {
    const [row] = await mssql.query("select count(*) as n from todoitem");
    console.log('rows', row.n >= 0, typeof require('../shared/helper').help, require('../shared/words.json').hello);
  }`,
  'scheduler/throwing': "function throwing() { console.log('before'); throw new Error('on purpose'); }",
  'scheduler/rejecting': "async function rejecting() { await null; throw new Error('late'); }",
  'scheduler/uncared': "function uncared() { tables.getTable('TodoItem').lookup('missing'); }",
  'scheduler/nameless': 'function other() {}',
  'scheduler/ending': 'function ending() { process.exit(1); }',
  'scheduler/patient': 'function patient() { setTimeout(function () {}, 1000); }',
  'scheduler/slow': 'function slow() { setTimeout(function () {}, 3000); }',
  'scheduler/zero': "function zero() { console.log('a\\0b'); }",
  'scheduler/chatty': "function chatty() { for (var i = 0; i < 50; i++) console.log(new Array(2001).join('x')); }",
  'scheduler/ticking': "function ticking() { tables.getTable('Tick').insert({ text: 'tick' }); }",
  'shared/helper': 'exports.help = function () {};',
  'shared/words.json': '{"hello":"ciao"}',
  'Tick.read': '',
}

function job(name: string, changes: Partial<JobDefinition> = {}): JobDefinition {
  const usual = { schedule: ON_DEMAND, isEnabled: false, overlap: 'skip', missed: 'once' } as const
  return { name, ...usual, countsFrom: new Date(0).toISOString(), ...changes }
}

describe('scheduled jobs', () => {
  let postgres: TestCluster
  let service: RuntimeService
  const runtimes: TestRuntime[] = []

  before(async () => {
    postgres = await startTestCluster()
    // Two processes, as a reserved service with two units has.
    for (const name of ['one', 'two']) runtimes.push(await TestRuntime.start(postgres.folder, name))
    const names = Object.keys(SCRIPTS).filter((name) => name.startsWith('scheduler/'))
    const jobs = [...names.map((name) => job(name.slice('scheduler/'.length))), job('scriptless')]
    service = await addScripted(postgres, 'todo', SCRIPTS, { jobs })
    for (const runtime of runtimes) runtime.setLeases()
    await assign({})
  })
  after(async () => {
    for (const runtime of runtimes) await runtime.stop()
    await postgres?.stop()
  })

  const assign = async (changes: Partial<RuntimeService>) => {
    for (const runtime of runtimes) await runtime.assign([{ ...service, ...changes }])
  }
  const change = async (name: string, changes: Partial<JobDefinition>, epoch = service.epoch) => {
    const jobs = (service.jobs ?? []).map((one) => (one.name === name ? { ...one, ...changes } : one))
    await assign({ jobs, epoch })
  }
  const ask = async (path: string, headers: Record<string, string>, method = 'GET'): Promise<TestAnswer> => {
    const [runtime] = runtimes
    assert.ok(runtime)
    return await runtime.call({ method, path, headers: routed(service, headers) })
  }
  const runs = async (name: string, top = 10): Promise<JobRun[]> => {
    const answer = await ask(`/.mainstay/jobs?job=${name}&top=${top}`, MASTER)
    assert.equal(answer.status, 200, answer.body)
    return (JSON.parse(answer.body) as { runs: JobRun[] }).runs
  }
  const ended = async (name: string): Promise<JobRun> =>
    await waitFor(
      `${name} to end`,
      async () => {
        const [newest] = await runs(name)
        return newest && newest.state !== 'running' ? newest : undefined
      },
      { withinMs: 15_000 },
    )
  const run = async (name: string): Promise<JobRun> => {
    check({ status: 200, equals: '' }, await ask(`/jobs/${name}`, MASTER, 'POST'))
    return await ended(name)
  }
  const sql = async (text: string) => await postgres.sql(text)

  const OUTCOMES: [string, JobRun['state'], RegExp][] = [
    ['plain', 'succeeded', /^hello 1$/],
    ['callbacks', 'succeeded', /^made callbacks$/],
    ['promises', 'succeeded', /^rows true function ciao$/],
    ['throwing', 'failed', /^before\nError: on purpose\n.*<\/scheduler\/throwing\.js>/],
    ['rejecting', 'failed', /^Error: late/],
    ['uncared', 'failed', /An item with id 'missing' does not exist/],
    ['zero', 'succeeded', /^a\ufffdb$/],
    ['nameless', 'failed', /The script defines no function 'nameless'/],
    ['ending', 'failed', /^$/],
  ]
  for (const [name, state, output] of OUTCOMES) {
    test(`a job is run when it is asked for: ${name} has ${state}`, async () => {
      const found = await run(name)
      assert.equal(found.state, state, JSON.stringify(found))
      assert.match(found.output, output)
      assert.equal(found.dueAt, null)
      assert.ok(found.finishedAt !== null && found.finishedAt >= found.startedAt)
    })
  }

  test('what it says is kept up to a bound', async () => {
    const { output } = await run('chatty')
    assert.ok(output.length < 33_000)
    assert.match(output, /\[output cut\]$/)
  })

  test('only the master key runs one, only POST, only what is there and has a script', async () => {
    check({ status: 404 }, await ask('/jobs/nothing', MASTER, 'POST'))
    check({ status: 401 }, await ask('/jobs/plain', APP, 'POST'))
    check({ status: 405, answerHeaders: { allow: 'POST' } }, await ask('/jobs/plain', MASTER))
    check({ status: 409 }, await ask('/jobs/scriptless', MASTER, 'POST'))
    check({ status: 401 }, await ask('/.mainstay/jobs', APP))
  })

  test('a second run of one that goes on is refused, unless both may', async () => {
    check({ status: 200 }, await ask('/jobs/slow', MASTER, 'POST'))
    const expected = errorBody(409, "Another run of the job 'slow' is going on.")
    check({ status: 409, equals: expected }, await ask('/jobs/SLOW', MASTER, 'POST'))
    const both = await Promise.all([0, 1, 2, 3].map(async () => (await ask('/jobs/patient', MASTER, 'POST')).status))
    assert.deepEqual(both.sort(), [200, 409, 409, 409], 'several at once')
    await change('slow', { overlap: 'allow' })
    check({ status: 200 }, await ask('/jobs/slow', MASTER, 'POST'))
    assert.equal((await runs('slow')).filter(({ state }) => state === 'running').length, 2)
    await assign({})
  })

  test('what is due runs once, whoever of two processes is first', async () => {
    const startAt = new Date(Date.now() - 500).toISOString()
    const schedule: Schedule = { kind: 'interval', period: 1, unit: 'second', startAt }
    await change('ticking', { schedule, isEnabled: true, countsFrom: new Date().toISOString() })
    const isEnough = async () => ((await runs('ticking', 50)).length >= 4 ? true : undefined)
    await waitFor('four runs', isEnough, { withinMs: 20_000 })
    await assign({})
    await waitFor(
      'the last to end',
      async () => ((await runs('ticking', 50)).every(({ state }) => state !== 'running') ? true : undefined),
      { withinMs: 10_000 },
    )
    const all = await runs('ticking', 50)
    const due = all.map(({ dueAt }) => dueAt)
    assert.equal(new Set(due).size, due.length)
    assert.ok(due.every((at) => at !== null && (Date.parse(at) - Date.parse(startAt)) % 1_000 === 0))
    const done = all.filter(({ state }) => state === 'succeeded')
    const [row] = await sql('select count(*)::int as n from todo."Tick"')
    assert.equal(row?.n, done.length)
    for (const one of all.filter(({ state }) => state !== 'succeeded')) assert.equal(one.state, 'skipped')
  })

  test('what was missed runs once, late; or is skipped, where that is said', async () => {
    const startAt = new Date(Date.now() - 3 * 3_600_000 - 300_000).toISOString()
    const countsFrom = new Date(Date.now() - 2.5 * 3_600_000).toISOString()
    const hourly = { schedule: { kind: 'interval', period: 1, unit: 'hour', startAt } as Schedule, countsFrom }
    const before = (await runs('plain', 100)).length
    await change('plain', { ...hourly, isEnabled: true })
    await waitFor('the late run', async () => ((await runs('plain', 100)).length > before ? true : undefined), {
      withinMs: 10_000,
    })
    const late = await ended('plain')
    assert.equal(late.state, 'succeeded')
    assert.equal(late.dueAt, new Date(Date.parse(startAt) + 3 * 3_600_000).toISOString())
    assert.match(late.note ?? '', /^3\d\d s late: nobody was there to run it at its time$/)
    assert.equal((await runs('plain', 100)).length, before + 1)
    await change('callbacks', { ...hourly, isEnabled: true, missed: 'skip' })
    const isNoted = async () => ((await runs('callbacks'))[0]?.state === 'skipped' ? true : undefined)
    await waitFor('it to be noted', isNoted, { withinMs: 10_000 })
    await assign({})
  })

  test('under a new epoch, what was due before is flagged: it may have run in the home before', async () => {
    const startAt = new Date(Date.now() - 300_000).toISOString()
    const schedule: Schedule = { kind: 'interval', period: 1, unit: 'day', startAt }
    await change('promises', { schedule, isEnabled: true, countsFrom: startAt.replace(/^20/, '19') })
    const first = await waitFor('the run', async () => (await runs('promises')).find(({ dueAt }) => dueAt !== null), {
      withinMs: 10_000,
    })
    assert.doesNotMatch(first.note ?? '', /may have run there/)
    await assign({ jobs: [] })
    await sql(`delete from todo.".jobs" where job = 'promises'`)
    await sql(`update todo.".jobs" set epoch = ${service.epoch - 1}`)
    // As if the home before had died with this one under way.
    await sql(`update todo.".jobs" set state = 'running', seen_at = now() where job = 'plain' and due_at is not null`)
    service = { ...service, epoch: service.epoch + 1 }
    await change('promises', { schedule, isEnabled: true, countsFrom: startAt.replace(/^20/, '19') })
    const again = await waitFor('it again', async () => (await runs('promises')).find(({ dueAt }) => dueAt !== null), {
      withinMs: 10_000,
    })
    assert.match(again.note ?? '', /it was due before this home took over, and may have run there/)
    const states = async () => (await runs('plain', 100)).map(({ state }) => state)
    await waitFor(
      'what the home before ran to be flagged',
      async () => ((await states()).includes('lost') ? true : undefined),
      {
        withinMs: 10_000,
      },
    )
    assert.equal((await run('plain')).state, 'succeeded')
    await assign({})
  })

  test('a run whose process was killed is flagged as lost, and not run again', async () => {
    const [, second] = runtimes
    assert.ok(second)
    await waitFor(
      'slow ones to end',
      async () => ((await runs('slow')).every(({ state }) => state !== 'running') ? true : undefined),
      {
        withinMs: 15_000,
      },
    )
    const before = (await runs('slow')).length
    const answer = await second.call({ method: 'POST', path: '/jobs/slow', headers: routed(service, MASTER) })
    assert.equal(answer.status, 200, answer.body)
    await second.kill()
    runtimes.pop()
    // As if the time had passed after which it counts as silent.
    await sql(`update todo.".jobs" set seen_at = seen_at - interval '1 hour' where state = 'running'`)
    await change('ticking', { schedule: { kind: 'cron', line: '0 0 1 1 *' }, isEnabled: true })
    const lost = await waitFor(
      'it to be flagged',
      async () => (await runs('slow')).find(({ state }) => state === 'lost'),
      {
        withinMs: 15_000,
      },
    )
    assert.match(lost.note ?? '', /its process ended: it may have done all, part or none/)
    assert.equal((await runs('slow')).length, before + 1)
  })
})
