// The edge of a role's process: a fault becomes a message and exit code 1, never a stack.
import { Fault } from './fault.ts'

/** Runs a role's start; what it throws is printed for a person, and the process ends. */
export async function runMain(role: string, start: () => Promise<void>): Promise<void> {
  try {
    await start()
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
