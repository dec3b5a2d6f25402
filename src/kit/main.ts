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
    } else if (error instanceof TypeError) {
      // parseArgs and missing options: misuse, told in one line.
      process.stderr.write(`error:   ${role}: ${error.message}\n`)
      process.exit(2)
    } else {
      process.stderr.write(`error:   ${role} could not start: ${error instanceof Error ? error.stack : error}\n`)
    }
    process.exit(1)
  }
}
