// `join-token create`: the word with which a machine joins the cloud, and what to type over there.
import type { Command } from 'commander'
import type { JoinTokenView } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { pairLines } from './columns.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Flags = CommonFlags & { role?: string; region?: string; domain?: string; machine?: string }

const HINT =
  'Say which: --role host --region "West US", or --role gateway --domain edge-1, or --machine west-us-1 for one that joins again.'

/** Adds the command. */
export function addJoinTokenCreate(joinToken: Command, shell: Shell): void {
  addCommand(joinToken, {
    usage: 'create',
    about: 'make a join token: it works once, within an hour, for one role in one place',
    examples: [
      'mainstay join-token create --role host --region "West US"',
      'mainstay join-token create --role gateway --domain edge-1',
      'mainstay join-token create --machine west-us-1',
    ],
  })
    .option('--role <role>', 'host or gateway')
    .option('--region <name>', 'the region of a host')
    .option('--domain <name>', 'the failure domain of a gateway')
    .option('--machine <name>', 'a machine whose certificate has ended; it keeps its name and its data')
    .action(async (flags: Flags) => {
      await runCommand(shell, { name: 'join-token create', flags }, async (session) => {
        const view = await create(session, flags)
        const command = joinCommand(view)
        const pairs: [string, string][] = [
          ['For', view.machine ?? `a ${view.role} of ${view.domain}`],
          ['Works', `once, until ${view.expiresAt}`],
          ['Token', view.token],
        ]
        const talk = ['Type on the other machine, in a folder of its own:', command]
        return { json: { ...view, command }, lines: [...pairLines(pairs), ...talk] }
      })
    })
}

async function create(session: Session, flags: Flags): Promise<JoinTokenView> {
  const { role, region, domain, machine } = flags
  if (machine !== undefined) {
    if (role !== undefined || region !== undefined || domain !== undefined) {
      throw misused('--machine says role and place already')
    }
    return await (await session.client()).createMachineToken(machine)
  }
  if (role === 'host' && region !== undefined && domain === undefined) {
    return await (await session.client()).createJoinToken({ role, domain: region })
  }
  if (role === 'gateway' && domain !== undefined && region === undefined) {
    return await (await session.client()).createJoinToken({ role, domain })
  }
  if (role === undefined) throw misused('--role is missing')
  if (role !== 'host' && role !== 'gateway') throw misused(`'${role}' is no role that joins`)
  throw misused(role === 'host' ? 'a host has a --region and no --domain' : 'a gateway has a --domain and no --region')
}

/** What starts the machine that the token is for. It has no address in it: a machine finds its own. */
export function joinCommand(view: JoinTokenView): string {
  const where = view.role === 'host' ? '--region' : '--domain'
  const command = `mainstay ${view.role} ${where} ${quoted(view.domain)} --control ${view.controlUrl}`
  return `MAINSTAY_JOIN_TOKEN=${view.token} ${command}`
}

// For a shell: in single quotes unless it is plain.
function quoted(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function misused(message: string): Fault {
  return new Fault('usage.bad_option', 400, message, { hint: HINT })
}
