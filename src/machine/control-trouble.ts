// What stands between a machine and its control, told once: a refusal by control, or a control that it cannot follow.
import type { MachineAssignment } from '../contract/assignment.ts'
import {
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_MIN,
  PROTOCOL_VERSION_UNNAMED,
  versionProblem,
} from '../contract/protocols.ts'
import { Fault } from '../kit/fault.ts'
import type { Log } from '../kit/log.ts'

// Control refuses us as we are: no retry helps, a person must know.
const REFUSALS = new Set(['orders.other_version', 'orders.not_self', 'machine.revoked', 'machine.unknown'])
const LAST = 'this machine goes on with its last assignment'

/** Keeps what was told last, so that a line comes when something changed and not with every heartbeat. */
export class ControlTrouble {
  readonly #log: Log
  #told: string | null = null

  constructor(log: Log) {
    this.#log = log
  }

  /** What a call to control came to: a refusal is an error that a person must see, silence is nothing new. */
  note(error: unknown): void {
    if (error instanceof Fault && REFUSALS.has(error.code)) {
      const { code, hint } = error
      this.#tell(`control refuses this machine: ${error.message}; ${LAST}`, { code, hint })
    } else {
      this.#log.debug({ err: error }, 'no heartbeat')
    }
  }

  /** Control answered as it should. */
  clear(): void {
    this.#told = null
  }

  /** Faults with `assignment.other_version` when we cannot be sure to understand what we are told. */
  requireSpoken(assignment: MachineAssignment): void {
    const version = assignment.protocol ?? PROTOCOL_VERSION_UNNAMED
    const problem = versionProblem(version)
    if (problem === null) return
    const own = `${PROTOCOL_VERSION_MIN} to ${PROTOCOL_VERSION}`
    const message = `control's orders are of protocol ${version}, this machine follows ${own}`
    const hint = problem === 'too_new' ? 'Upgrade Mainstay on this machine.' : 'Upgrade control.'
    this.#tell(`${message}; ${LAST}`, { hint })
    throw new Fault('assignment.other_version', 409, message, { hint })
  }

  #tell(message: string, facts: object): void {
    if (this.#told === message) return
    this.#told = message
    this.#log.error(facts, message)
  }
}
