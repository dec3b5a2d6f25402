// A command line that cannot be understood: which word, and what may have been meant.
import type { CommanderError } from 'commander'
import { EXIT_DONE, EXIT_MISUSED } from './exit-code.ts'
import { type Streams, Talk } from './talk.ts'

/** What people of other tools type, and there is none of here: why, and what they may have meant. */
const INSTEAD = new Map([
  [
    'account create',
    {
      message: "there is no 'account create': a cloud has one subscription, which is there; people are invited to it",
      hint: 'mainstay account invite NAME --role operator',
    },
  ],
])

/** Says what was wrong and returns the exit code. Help and version that were asked for are no misuse. */
export function explainMisuse(error: CommanderError, options: { args: string[]; streams: Streams }): number {
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return EXIT_DONE
  // `mainstay` and `mainstay mobile` alone: help was shown instead of work.
  if (error.code === 'commander.help')
    return options.args.length === 0 || options.args[0] === 'help' ? EXIT_DONE : EXIT_MISUSED
  const isJson = options.args.includes('--json')
  const talk = new Talk(options.streams, { isJson })
  const { message, hint } = misuseText(error.message, options.args)
  talk.error(message)
  talk.tryThis(hint)
  if (isJson) talk.json({ error: { code: 'usage.misused', message, hint } })
  return EXIT_MISUSED
}

/** Our sentence for what commander says, with a command to try. */
export function misuseText(text: string, args: string[]): { message: string; hint: string } {
  const [first = '', ...rest] = text.replace(/^error: /, '').split('\n')
  const words = args.slice(0, firstOption(args))
  const unknown = first.match(/^unknown command '(.*)'$/)?.[1]
  const meant = rest.join(' ').match(/\(Did you mean (?:one of )?([^,?]+).*\?\)/)?.[1]
  if (unknown !== undefined) {
    const before = words.slice(0, Math.max(0, words.indexOf(unknown)))
    const typed = [...before, unknown].join(' ')
    const command = ['mainstay', ...before, meant ?? '--help'].join(' ')
    return INSTEAD.get(typed) ?? { message: `'${typed}' is not a mainstay command`, hint: command }
  }
  if (meant !== undefined) return { message: first, hint: `${meant} instead` }
  return { message: first, hint: ['mainstay', ...words.slice(0, 2), '--help'].join(' ') }
}

function firstOption(args: string[]): number {
  const index = args.findIndex((word) => word.startsWith('-'))
  return index < 0 ? args.length : index
}
