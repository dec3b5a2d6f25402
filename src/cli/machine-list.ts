// `machine list`: the machines of the cloud, what they run, and until when their certificates are good.
import type { Command } from 'commander'
import { formatMs } from '../contract/amounts.ts'
import type { MachineView } from '../contract/api.ts'
import { tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

/** Adds the command. */
export function addMachineList(machine: Command, shell: Shell): void {
  addCommand(machine, {
    usage: 'list',
    about: 'list the machines that joined, revoked ones included',
    examples: ['mainstay machine list', 'mainstay machine list --json'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'machine list', flags }, async (session) => {
      const machines = await (await session.client()).listMachines()
      if (machines.length > 0) return { json: machines, lines: machineLines(machines) }
      session.talk.info('No machine has joined yet: mainstay join-token create --help')
      return { json: [] }
    })
  })
}

function machineLines(machines: MachineView[]): string[] {
  const header = ['Machine', 'Role', 'Domain', 'Address', 'Release', 'Protocol', 'Certificate until', 'Last heard']
  const rows = machines.map((machine) => [
    machine.name,
    machine.role,
    machine.domain,
    machine.address ?? '',
    machine.release ?? '',
    machine.protocol === null ? '' : String(machine.protocol),
    machine.certificateUntil ?? '',
    heardText(machine),
  ])
  return tableLines(header, rows)
}

function heardText(machine: MachineView): string {
  if (machine.revokedAt !== null) return `revoked at ${machine.revokedAt}`
  return machine.lastSeenMs === null ? 'never' : `${formatMs(machine.lastSeenMs)} ago`
}
