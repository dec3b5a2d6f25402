// Machines as the management API shows them.
import type { MachineView } from '../contract/api.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import type { Machine } from '../regions/regions.ts'

/** One machine with what was last heard of it. */
export function viewMachine(board: FactBoard, machine: Machine): MachineView {
  const heard = heardOf(board, machine)
  const until = heard?.facts.certificateUntil ?? machine.certificate_until?.toISOString() ?? null
  return {
    name: machine.name,
    role: machine.role,
    domain: machine.domain,
    address: machine.address && machine.port ? `${machine.address}:${machine.port}` : null,
    release: machine.release,
    protocol: machine.protocol,
    certificateUntil: until,
    lastSeenMs: heard?.silentMs ?? null,
    revokedAt: machine.revoked_at?.toISOString() ?? null,
  }
}

function heardOf(board: FactBoard, { role, name }: Machine) {
  const all = role === 'gateway' ? board.gateways() : board.hosts()
  return all.find(({ facts }) => facts.machine === name) ?? null
}
