// The edge of a role's process: a fault becomes a message and exit code 1, never a stack.
import { Fault } from './fault.ts'

/**
 * Runs a role's start; what it throws is printed for a person, and the process ends. `--help` prints `usage`, one line for
 * each option, and does nothing else.
 */
export async function runMain(
  role: string,
  options: { args: string[]; usage: string[] },
  start: (args: string[]) => Promise<void>,
): Promise<void> {
  if (options.args.includes('--help') || options.args.includes('-h')) {
    process.stdout.write(`Usage: mainstay ${role} [options]\n\n${options.usage.map((line) => `  ${line}\n`).join('')}`)
    return
  }
  try {
    await start(options.args)
  } catch (error) {
    if (error instanceof Fault) {
      process.stderr.write(`error:   ${error.message}\n${error.hint ? `Try:     ${error.hint}\n` : ''}`)
      process.exit(error.status === 400 ? 2 : 1)
    }
    if (isMisuse(error)) {
      process.stderr.write(`error:   ${role}: ${error.message}\nTry:     mainstay ${role} --help\n`)
      process.exit(2)
    }
    process.stderr.write(`error:   ${role} could not start: ${error instanceof Error ? error.stack : error}\n`)
    process.exit(1)
  }
}

// What parseArgs says of an option that it does not know, or that lacks its value.
function isMisuse(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}
