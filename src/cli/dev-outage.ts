// `dev outage start|stop|list`: makes a region of the local cloud die, or cuts it off, and brings it back.
import type { Command } from 'commander'
import { OUTAGE_KINDS, type Outage, type OutageKind, type UpRequest } from '../contract/local-cloud.ts'
import { Fault } from '../kit/fault.ts'
import { cloudHome } from '../local/cloud-home.ts'
import { askUp } from '../local/up-socket.ts'
import { needText } from './asking.ts'
import { tableLines } from './columns.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import { type CommonFlags, homeOf } from './config.ts'

type Flags = CommonFlags & { only?: string }

const WHAT_HAPPENS: Record<OutageKind, string> = {
  all: 'every process of it was killed, PostgreSQL included',
  compute: 'its runtimes are stopped, its PostgreSQL runs on',
  network: 'its door is closed in both directions, all inside runs on',
  inbound: 'nobody reaches it, while it reaches others; all inside runs on',
  outbound: 'it reaches nobody, while others reach it; all inside runs on',
}

/** Adds the three commands. */
export function addDevOutage(outage: Command, shell: Shell): void {
  addCommand(outage, {
    usage: 'start [region]',
    about: 'kill a region of the local cloud, or a part of it; it stays so over a restart of up',
    examples: ['mainstay dev outage start "West US"', 'mainstay dev outage start west-us --only network'],
  })
    .option('--only <part>', 'compute: its runtimes; network: its door; inbound, outbound: its door in one direction')
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'dev outage start', flags }, async (session) => {
        const typed = await needRegion(session, given, 'mainstay dev outage start REGION')
        const only = partOf(flags.only)
        session.talk.progress('Starting the outage')
        const answer = await ask(session, { kind: 'outage_start', region: typed, only })
        // The newest is last, under the region's own name.
        const region = answer.outages.at(-1)?.region ?? typed
        const killed = only === 'all' ? ` (${answer.killed} processes)` : ''
        session.talk.info(`Outage of ${region}: ${WHAT_HAPPENS[only]}${killed}`)
        session.talk.info(`End it: ${session.talk.asTyped(`mainstay dev outage stop "${region}"`)}`)
        return { json: answer }
      })
    })
  addCommand(outage, {
    usage: 'stop [region]',
    about: 'end the outage of a region',
    examples: ['mainstay dev outage stop "West US"'],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'dev outage stop', flags }, async (session) => {
      const region = await needRegion(session, given, 'mainstay dev outage stop REGION')
      session.talk.progress('Ending the outage')
      const answer = await ask(session, { kind: 'outage_stop', region })
      return { json: answer, lines: outageLines(answer.outages) }
    })
  })
  addCommand(outage, {
    usage: 'list',
    about: 'list the outages that are on',
    examples: ['mainstay dev outage list'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'dev outage list', flags }, async (session) => {
      const answer = await ask(session, { kind: 'outage_list' })
      return { json: answer.outages, lines: outageLines(answer.outages) }
    })
  })
}

function outageLines(outages: Outage[]): string[] {
  if (outages.length === 0) return ['No outage is on.']
  return tableLines(
    ['Region', 'Outage'],
    outages.map((outage) => [outage.region, outage.kind]),
  )
}

async function ask(session: Session, request: UpRequest): Promise<{ outages: Outage[]; killed: number }> {
  const { outages, killed } = await askUp(cloudHome(homeOf(session.flags, session.env)).socket, request)
  return { outages, killed }
}

async function needRegion(session: Session, given: string | undefined, usage: string): Promise<string> {
  return await needText(session, given, {
    prompt: 'Region: ',
    what: 'the region',
    insteadSay: `Name the region: ${usage}`,
  })
}

function partOf(text = 'all'): OutageKind {
  const kind = OUTAGE_KINDS.find((one) => one === text)
  if (kind) return kind
  throw new Fault('usage.bad_option', 400, `--only takes ${OUTAGE_KINDS.slice(1).join(', ')}, not '${text}'`)
}
