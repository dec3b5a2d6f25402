// `mobile log`: what the scripts of a mobile service said, and what is said of them.
import type { Command } from 'commander'
import type { LogEntryView, LogView } from '../contract/api.ts'
import { LOG_TYPES } from '../contract/service-log.ts'
import { pause } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { SERVICE_LOG_FOLLOW_EVERY_MS, SERVICE_LOG_TOP_MAX } from '../kit/limits.ts'
import { needService, wholeNumber } from './asking.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Flags = CommonFlags & {
  type?: string
  source?: string
  search?: string
  requestId?: string
  top: string
  continuationToken?: string
  query?: string
  follow?: boolean
}

const USAGE = 'mainstay mobile log SERVICE'
const TYPE_WIDTH = Math.max(...LOG_TYPES.map(({ length }) => length))
/** Options that the original's `--query` may name, too. */
const QUERY_NAMES = ['type', 'source', 'search', 'requestId', 'top', 'continuationToken'] as const

/** Adds the command. */
export function addMobileLog(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'log [service]',
    about: 'show what the scripts of a mobile service said, the newest first',
    examples: [
      'mainstay mobile log PrimaryService',
      'mainstay mobile log PrimaryService --type error --top 50',
      'mainstay mobile log PrimaryService --follow',
    ],
  })
    .option('-t, --type <type>', `only of this type: ${LOG_TYPES.join(', ')}`)
    .option('--source <script>', 'only of this script: /table/TodoItem.insert.js')
    .option('--search <text>', 'only what has this text in it, in any case')
    .option('--request-id <id>', 'only what was said for this request (x-request-id)')
    .option('-p, --top <number>', 'so many lines', '10')
    .option('-c, --continuationToken <token>', 'go on where an earlier answer ended')
    .option('-r, --query <query>', 'the same as a query: type=error&top=5')
    .option('-f, --follow', 'go on with lines as they come, the oldest first, until Ctrl-C')
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile log', flags }, async (session) => {
        const service = await needService(session, given, USAGE)
        const query = queryOf(flags)
        return flags.follow ? await follow(session, service, query) : await showOnce(session, service, query)
      })
    })
}

async function showOnce(session: Session, service: string, query: Record<string, string>): Promise<Result> {
  const page = await (await session.client()).scripts.readLog(service, query)
  if (page.results.length === 0) session.talk.info('There are no lines')
  const more = page.continuationToken
  const next =
    more === null ? [] : [`Older lines: ${session.talk.asTyped(`${USAGE} -c ${more}`.replace('SERVICE', service))}`]
  return { json: page, lines: [...page.results.flatMap(linesOfEntry), ...next] }
}

// Through a home that is lost, or another one: what is there next is shown when it can be had.
async function follow(session: Session, service: string, query: Record<string, string>): Promise<Result> {
  if (session.flags.json) {
    throw new Fault('usage.bad_option', 400, '--follow has no end, and --json is one object', {
      hint: 'Ask again and again with --json, or leave --json out.',
    })
  }
  const client = await session.client()
  let { results }: LogView = await client.scripts.readLog(service, query)
  results.reverse()
  const { top: _top, continuationToken: _token, ...asked } = query
  let isLost = false
  for (let after = '0'.repeat(16); ; ) {
    session.talk.data(...results.flatMap(linesOfEntry))
    after = results.at(-1)?.id ?? after
    await pause(SERVICE_LOG_FOLLOW_EVERY_MS)
    try {
      ;({ results } = await client.scripts.readLog(service, { ...asked, after, top: String(SERVICE_LOG_TOP_MAX) }))
      isLost = false
    } catch (error) {
      if (!(error instanceof Fault) || error.status < 500) throw error
      results = []
      if (!isLost) session.talk.warn(`${error.message}; going on when it can be read again`)
      isLost = true
    }
  }
}

function linesOfEntry({ timeCreated, type, source, message }: LogEntryView): string[] {
  const [first = '', ...rest] = message.split('\n')
  const head = `${timeCreated}  ${type.padEnd(TYPE_WIDTH)}  ${source ?? '-'}`
  return [`${head}  ${first}`, ...rest.map((line) => `  ${line}`)]
}

function queryOf(flags: Flags): Record<string, string> {
  const given = Object.fromEntries(
    QUERY_NAMES.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]])),
  )
  const query: Record<string, string> = { ...given, ...queryOption(flags.query) }
  const { type, top = '10' } = query
  if (query.continuationToken !== undefined && !/^\d{16}$/.test(query.continuationToken)) {
    throw new Fault('usage.bad_option', 400, `'${query.continuationToken}' is no continuation token`, {
      hint: 'It stands at the end of an answer that has older lines behind it.',
    })
  }
  wholeNumber('--top', top, { min: 1, max: SERVICE_LOG_TOP_MAX })
  if (type === undefined || LOG_TYPES.some((one) => one === type.toLowerCase())) {
    return type === undefined ? query : { ...query, type: type.toLowerCase() }
  }
  throw new Fault('usage.bad_option', 400, `there is no type '${type}'`, { hint: `Types are ${LOG_TYPES.join(', ')}.` })
}

function queryOption(text: string | undefined): Record<string, string> {
  const entries = [...new URLSearchParams(text ?? '')].map(([name, value]) => {
    const known = QUERY_NAMES.find((one) => one.toLowerCase() === name.replace(/^\$/, '').toLowerCase())
    if (known) return [known, value] as const
    throw new Fault('usage.bad_option', 400, `a log has no '${name}' to ask for`, {
      hint: `Ask for ${QUERY_NAMES.join(', ')}.`,
    })
  })
  return Object.fromEntries(entries)
}
