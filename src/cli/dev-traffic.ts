// `dev traffic`: an app's traffic with a live line; fails when an acknowledged row is missing at the end.
import type { Command } from 'commander'
import { formatCount, formatMs } from '../contract/amounts.ts'
import { pause } from '../kit/clock.ts'
import { TRAFFIC_ROWS_MAX } from '../kit/limits.ts'
import { showLive } from '../local/live-line.ts'
import type { Traffic } from '../local/traffic.ts'
import { needService, wholeNumber } from './asking.ts'
import type { Client } from './client.ts'
import { pairLines } from './columns.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED } from './exit-code.ts'

type Flags = CommonFlags & { rate: string; for?: string; table?: string }

const RATE_MAX = 2_000
const SECONDS_MAX = 86_400

/** Adds the command. */
export function addDevTraffic(dev: Command, shell: Shell): void {
  addCommand(dev, {
    usage: 'traffic [service]',
    about: 'insert rows like an app until Ctrl-C, then read back every acknowledged one',
    examples: ['mainstay dev traffic PrimaryService', 'mainstay dev traffic PrimaryService --rate 100 --for 30'],
  })
    .option('--rate <rows>', 'rows a second', '50')
    .option('--for <seconds>', 'stop after this time')
    .option('--table <name>', 'table to insert into (default: the first; `traffic` is made when there is none)')
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'dev traffic', flags }, async (session) => {
        const name = await needService(session, given, 'mainstay dev traffic SERVICE')
        return await drive(session, { name, flags })
      })
    })
}

async function drive(session: Session, options: { name: string; flags: Flags }): Promise<Result> {
  const { talk } = session
  const { name, flags } = options
  const ratePerSecond = wholeNumber('--rate', flags.rate, { min: 1, max: RATE_MAX })
  const seconds = flags.for === undefined ? null : wholeNumber('--for', flags.for, { min: 1, max: SECONDS_MAX })
  const client = await session.client()
  const service = await client.getService(name)
  const table = flags.table ?? service.tables[0] ?? (await makeTable(client, name))
  // Its HTTP client takes a while to load, which the other commands need not pay for.
  const { Traffic } = await import('../local/traffic.ts')
  const traffic = new Traffic({ ...service, table }, { ratePerSecond })
  const aborter = new AbortController()
  const stop = () => (aborter.signal.aborted ? process.exit(EXIT_INTERRUPTED) : aborter.abort())
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  talk.info(`Inserting ${ratePerSecond} rows a second into ${name}/${table}; Ctrl-C stops and checks`)
  const hide = showLive(talk.sink, () => traffic.line())
  try {
    const ends = seconds === null ? null : pause(seconds * 1_000, aborter.signal).then(() => aborter.abort())
    await traffic.run(aborter.signal)
    await ends
    hide()
    talk.progress(`Reading ${formatCount(traffic.ledger.acked.size)} rows back`)
    await traffic.check()
    return resultOf(traffic, table)
  } finally {
    hide()
    process.removeListener('SIGINT', stop)
    process.removeListener('SIGTERM', stop)
    await traffic.close()
  }
}

async function makeTable(client: Client, service: string): Promise<string> {
  return (await client.tables.createTable(service, { name: 'traffic' })).name
}

function resultOf(traffic: Traffic, table: string): Result {
  const { ledger } = traffic
  const longestDownMs = Math.round(ledger.longestDownMs(performance.now()))
  const lost = [...ledger.lost]
  const isUseless = ledger.acked.size === 0
  const lines = pairLines([
    ['Acknowledged', formatCount(ledger.acked.size)],
    ['Not acknowledged', formatCount(ledger.failures)],
    ['Lost', formatCount(lost.length)],
    ['Longest outage', longestDownMs === 0 ? 'none' : formatMs(longestDownMs)],
    ['Missing rows', lost.length > 0 ? lost.slice(0, 10).join(', ') : null],
    ['Last problem', ledger.failures > 0 ? traffic.lastProblem : null],
    ['Rows', `limit of ${formatCount(TRAFFIC_ROWS_MAX)} reached`],
  ]).slice(0, ledger.acked.size + ledger.failures >= TRAFFIC_ROWS_MAX ? undefined : -1)
  return {
    json: { table, acked: ledger.acked.size, failed: ledger.failures, lost, longestDownMs },
    lines,
    exitCode: lost.length > 0 || isUseless ? EXIT_FAILED : EXIT_DONE,
  }
}
