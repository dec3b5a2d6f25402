// What every command has in common: its flags, its first and last line, its errors and its exit code.
import { type Command, Option } from 'commander'
import { Fault, faultBody } from '../kit/fault.ts'
import { Answers, type Input } from './answers.ts'
import { Client } from './client.ts'
import type { CommonFlags, Environment } from './config.ts'
import { findControl } from './control-address.ts'
import { EXIT_DONE, exitCodeOf } from './exit-code.ts'
import { type Streams, Talk } from './talk.ts'

/** The world of a command: its streams and environment. `exitCode` is what the process will end with. */
export type Shell = { streams: Streams; input: Input; env: Environment; exitCode: number }

/** What a command has at hand while it works. */
export type Session = {
  talk: Talk
  answers: Answers
  env: Environment
  flags: CommonFlags
  /** Finds control at the first call. */
  client: () => Promise<Client>
}

/** `json` is all that `--json` prints; `lines` are what a person sees instead. */
export type Result = { json: unknown; lines?: string[]; exitCode?: number }

/** Adds a word that commands stand under. */
export function addGroup(parent: Command, name: string, about: string): Command {
  return parent.command(name).description(about)
}

/** Adds a command with the flags that every command has and an example in its help. */
export function addCommand(
  parent: Command,
  options: { usage: string; about: string; examples: string[]; hasQuestions?: boolean },
): Command {
  const command = parent
    .command(options.usage)
    .description(options.about)
    .option('--json', 'one JSON value on stdout, all talk on stderr')
    .option('-q, --quiet', 'ask no questions')
    .option('-s, --subscription <name>', 'the subscription to work in')
    .option(
      '--control <urls>',
      'a control elsewhere, several with commas (MAINSTAY_CONTROL_URL, token in MAINSTAY_TOKEN)',
    )
    .option('--home <folder>', 'folder of the local cloud (MAINSTAY_HOME, default ./.mainstay)')
    .addOption(new Option('-v, --verbose', 'say more when something fails'))
  const examples = options.examples.map((example) => `  $ ${example}`).join('\n')
  command.addHelpText('after', `\n${options.examples.length > 1 ? 'Examples' : 'Example'}:\n${examples}`)
  return command
}

/** Runs a command between its first and last line; whatever it throws becomes error lines and an exit code. */
export async function runCommand(
  shell: Shell,
  options: { name: string; flags: CommonFlags },
  work: (session: Session) => Promise<Result>,
): Promise<void> {
  const { name, flags } = options
  const talk = new Talk(shell.streams, { isJson: flags.json === true })
  const session: Session = {
    talk,
    answers: new Answers(shell.input, talk),
    env: shell.env,
    flags,
    client: async () => new Client(await findControl(flags, shell.env)),
  }
  talk.info(`Executing command ${name}`)
  try {
    checkSubscription(flags)
    const result = await work(session)
    talk.settle()
    shell.exitCode = result.exitCode ?? EXIT_DONE
    if (talk.isJson) talk.json(result.json)
    else talk.data(...(result.lines ?? []))
    if (shell.exitCode === EXIT_DONE && !talk.isJson) talk.info(`${name} command OK`)
    else if (shell.exitCode !== EXIT_DONE) talk.error(`${name} command failed`)
  } catch (error) {
    shell.exitCode = exitCodeOf(error)
    tellError(talk, { error, name, isVerbose: flags.verbose === true })
  }
}

/** A failure that has more to show with `--json` than its message. */
export class FailureWithView extends Fault {
  readonly view: Record<string, unknown>

  constructor(fault: Fault, view: Record<string, unknown>) {
    super(fault.code, fault.status, fault.message, fault.hint === undefined ? {} : { hint: fault.hint })
    this.view = view
  }
}

function tellError(talk: Talk, options: { error: unknown; name: string; isVerbose: boolean }): void {
  const { error, name } = options
  talk.settle()
  const fault = error instanceof Fault ? error : (fileFault(error) ?? bugFault(error))
  talk.error(fault.message)
  if (fault.hint !== undefined) talk.tryThis(fault.hint)
  if (options.isVerbose && error instanceof Error) talk.error(error.stack ?? '')
  if (options.isVerbose && fault.cause !== undefined) talk.error(String(fault.cause))
  talk.error(`${name} command failed`)
  const view = error instanceof FailureWithView ? error.view : {}
  if (talk.isJson) talk.json({ error: faultBody(fault), ...view })
}

// A file or folder that was named, or that the home should have, and that the system does not let us use.
function fileFault(error: unknown): Fault | null {
  if (!(error instanceof Error) || !('path' in error) || !('syscall' in error) || !('code' in error)) return null
  return new Fault('file.failed', 500, `cannot use ${error.path}: ${error.code}`, {
    hint: 'Check that the path is right, and that you may read and write there.',
    cause: error,
  })
}

// Not thrown on purpose: our mistake, so the stack is what helps.
function bugFault(error: unknown): Fault {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new Fault('cli.bug', 500, text, { hint: 'This is a mistake of Mainstay; please report the lines above.' })
}

function checkSubscription(flags: CommonFlags): void {
  if (flags.subscription === undefined || flags.subscription === 'default') return
  throw new Fault('subscription.unknown', 404, `there is no subscription '${flags.subscription}'`, {
    hint: 'This cloud has one subscription: default',
  })
}
