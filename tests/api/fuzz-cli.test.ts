// Whatever is typed: one of four exit codes, an `error:` line with each but the first, never a stack, nothing made.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { type Command, CommanderError } from 'commander'
import fc from 'fast-check'
import type { Shell } from '../../src/cli/command.ts'
import { EXIT_DONE, EXIT_FAILED, EXIT_MISUSED, EXIT_REFUSED } from '../../src/cli/exit-code.ts'
import { buildProgram } from '../../src/cli/main.ts'
import { explainMisuse } from '../../src/cli/misuse.ts'
import { COMMANDS } from '../../src/cli/talk.ts'
import { type Ran, runCli } from '../support/cli-run.ts'
import { LoneControl } from '../support/lone-control.ts'
import { argument, seedOf } from '../support/nasty.ts'

const seed = seedOf(process.env)
const RUNS = 600
const RUN_MS_MAX = 15_000
const LAUNCHED = 5
const COMMAND_MS_MAX = 10_000
// They start or stop whole clouds, or change this user's own files; misuse of them is tried below.
const NOT_HERE = /^(up|demo|doctor|reset|login|logout|dev .*|control restore|control key export)$/
const CODES = [EXIT_DONE, EXIT_FAILED, EXIT_MISUSED, EXIT_REFUSED]
// They say with `-v` where something failed, on purpose; or name the control that all of this goes to.
const NOT_GIVEN = ['--verbose', '--control', '--home', '--output', '--out', '--json']

type Leaf = { words: string[]; options: { flag: string; takesValue: boolean }[]; argumentsMax: number }

// Commander writes help to the process's own output; the launcher's tests see to that.
const word = argument.filter((one) => one !== '--help')
const leaves = leavesOf(buildProgram(shellOf(null)), [])

const typed: fc.Arbitrary<string[]> = fc.constantFrom(...leaves).chain(({ words, options, argumentsMax }) =>
  fc
    .record({
      names: fc.array(word, { maxLength: argumentsMax + 1 }),
      flags: fc.array(
        fc.tuple(fc.constantFrom(...options), word).map(([option, value]) => {
          return option.takesValue ? [option.flag, value] : [option.flag]
        }),
        { maxLength: 3 },
      ),
      strange: fc.option(word, { freq: 12 }),
      isJson: fc.boolean(),
    })
    .map(({ names, flags, strange, isJson }) => [
      ...words,
      ...(strange === null ? [] : [`--${strange}`]),
      ...names,
      ...flags.flat(),
      ...(isJson ? ['--json'] : []),
    ]),
)

test('each command of the program is known where it is written out to be typed', () => {
  const names = buildProgram(shellOf(null)).commands.map((command) => command.name())
  assert.deepEqual(
    names.filter((name) => name !== 'help' && !COMMANDS.includes(name)),
    [],
  )
})

describe('the CLI, whatever is typed', () => {
  let control: LoneControl

  const env = () => ({
    MAINSTAY_CONTROL_URL: control.url,
    MAINSTAY_TOKEN: control.token,
    HOME: control.folder,
    XDG_CONFIG_HOME: control.folder,
  })
  const made = async () => {
    const [row] = await control.sql(`
      select (select count(*) from services) as services, (select count(*) from operations) as operations,
        (select count(*) from service_tables) as tables, (select count(*) from machines) as machines,
        (select string_agg(name || ' ' || region || ' ' || state, ',' order by name) from services) as states`)
    return row
  }

  before(async () => {
    control = await LoneControl.start()
    await control.seed()
    // What a command writes beside itself, it writes here.
    await mkdir(join(control.folder, 'work'))
    process.chdir(join(control.folder, 'work'))
  })
  after(async () => {
    process.chdir('/')
    await control?.dispose()
  })

  test('ends with what is true, in our own lines', async () => {
    const earlier = await made()
    const property = fc.asyncProperty(typed, async (args) => requireGood(args, await run(args, env())))
    await fc.assert(property, { seed, numRuns: RUNS, interruptAfterTimeLimit: RUN_MS_MAX })
    assert.deepEqual(await made(), earlier)
    assert.doesNotMatch(control.log, /a request failed/)
  })

  test('does so through the launcher, and with a control that is none', async (context) => {
    for (const args of fc.sample(typed, { seed, numRuns: LAUNCHED })) {
      requireGood(args, await runCli(context, args, { env: env(), cwd: join(control.folder, 'work') }))
    }
    const silent = { ...env(), MAINSTAY_CONTROL_URL: 'http://127.0.0.1:1' }
    for (const args of fc.sample(typed, { seed: seed + 1, numRuns: 40 })) requireGood(args, await run(args, silent))
  })

  test('takes no name for a way through the API', async () => {
    for (const args of [
      ['mobile', 'show', '..'],
      ['mobile', 'table', 'show', 'PrimaryService', '.'],
      ['mobile', 'table', 'delete', '-q', '..', 'TodoItem'],
      ['machine', 'revoke', '-q', '..'],
    ]) {
      const ran = await run(args, env())
      assert.equal(ran.code, EXIT_MISUSED, args.join(' '))
      assert.match(ran.stderr, /^error: {3}'\.\.?' is not a name/)
    }
  })

  test('refuses to start a cloud that makes no sense', async (context) => {
    const nowhere = ['--home', join(control.folder, 'none')]
    for (const args of [
      ['up', '--port', 'x', ...nowhere],
      ['up', '--port', '70000', ...nowhere],
      ['up', '--regions', ',', ...nowhere],
      ['up', '--regions', 'West US,west-us', ...nowhere],
      ['up', '--regions', '☃', ...nowhere],
      ['up', 'extra', ...nowhere],
    ]) {
      const ran = await runCli(context, args, { env: env() })
      requireGood(args, ran)
      assert.equal(ran.code, EXIT_MISUSED, args.join(' '))
    }
  })

  test('refuses what makes no sense to the commands of this machine', async () => {
    const file = join(control.folder, 'work', 'a-file')
    await writeFile(file, 'text')
    const nowhere = ['--home', join(control.folder, 'none')]
    for (const args of [
      ['doctor', '--port', 'x', ...nowhere],
      ['reset', '-q', ...nowhere],
      ['reset', '-q', '--home', file],
      ['dev', 'outage', 'start', '../..', ...nowhere],
      ['dev', 'outage', 'start', 'West US', '--only', 'nothing', ...nowhere],
      ['dev', 'traffic', 'PrimaryService', '--rate', '1e9', ...nowhere],
      ['dev', 'traffic', 'PrimaryService', '--for', '-1', ...nowhere],
      ['login', 'nonsense'],
      ['login', 'http://127.0.0.1:1', '--token-file', file],
      ['login', 'http://127.0.0.1:1', '--token-file', control.folder],
      ['login', 'http://10.0.0.1:1'],
      ['control', 'restore', '--from', file],
      ['control', 'restore', '--from', '\ud7ff'],
      ['control', 'restore'],
      ['control', 'key', 'export', '-q', '-o', control.folder],
      ['mobile', 'verify', 'PrimaryService', '--against', file],
      ['mobile', 'verify', 'PrimaryService', '--against', '/proc/self/nothing'],
      ['mobile', 'script', 'upload', 'PrimaryService', 'table/TodoItem.insert', '-f', control.folder],
      ['status', '--control', 'http://['],
    ]) {
      const ran = await run(args, env())
      requireGood(args, ran)
      assert.notEqual(ran.code, EXIT_DONE, args.join(' '))
    }
  })
})

// As `main` does it, without ending the process.
async function run(args: string[], env: Record<string, string>): Promise<Ran> {
  const said = { stdout: '', stderr: '' }
  const shell = shellOf({ env, said })
  try {
    const isDone = buildProgram(shell).parseAsync(args, { from: 'user' })
    await withDeadline(isDone, `mainstay ${JSON.stringify(args)}`)
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    shell.exitCode = explainMisuse(error, { args, streams: shell.streams })
  }
  return { code: shell.exitCode, ...said }
}

async function withDeadline(work: Promise<unknown>, what: string): Promise<void> {
  const timer = new AbortController()
  const late = once(AbortSignal.any([AbortSignal.timeout(COMMAND_MS_MAX), timer.signal]), 'abort').then(() => {
    if (!timer.signal.aborted) throw new Error(`${what} does not end`)
  })
  await Promise.race([work, late]).finally(() => timer.abort())
}

function shellOf(to: { env: Record<string, string>; said: { stdout: string; stderr: string } } | null): Shell {
  const sink = (name: 'stdout' | 'stderr') => {
    const stream = new PassThrough()
    stream.on('data', (chunk) => {
      if (to) to.said[name] += String(chunk)
    })
    return { stream, isTerminal: false }
  }
  return {
    streams: { out: sink('stdout'), err: sink('stderr'), typedAs: 'mainstay' },
    input: { stream: Readable.from([]), isTerminal: false },
    env: to?.env ?? {},
    exitCode: EXIT_DONE,
  }
}

function leavesOf(command: Command, words: string[]): Leaf[] {
  if (command.commands.length > 0) return command.commands.flatMap((one) => leavesOf(one, [...words, one.name()]))
  if (NOT_HERE.test(words.join(' '))) return []
  const options = command.options
    .filter(({ long }) => long && !NOT_GIVEN.includes(long))
    .map((option) => ({ flag: option.long ?? '', takesValue: option.required }))
  return [{ words, options, argumentsMax: command.registeredArguments.length }]
}

function requireGood(args: string[], ran: Ran): void {
  const about = `mainstay ${args
    .map((word) => JSON.stringify(word))
    .join(' ')
    .slice(0, 500)}\n${JSON.stringify(ran)}`
  assert.ok(ran.code !== null && CODES.includes(ran.code), about)
  assert.doesNotMatch(
    ran.stdout + ran.stderr,
    /\n(error:)?\s+at |is a mistake of Mainstay|strange answer|internal/,
    about,
  )
  if (ran.code !== EXIT_DONE) assert.match(ran.stderr, /^error: {3}\S/m, about)
  // Help is text, whatever else was asked for.
  const isJson = args.slice(0, [...args, '--'].indexOf('--')).includes('--json')
  if (!isJson || /^Usage: /m.test(ran.stdout)) return
  assert.doesNotThrow(() => ran.stdout === '' || JSON.parse(ran.stdout), about)
}
