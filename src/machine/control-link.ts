// A machine's line to control: calls through its own door, over a few kept connections.
import { CONTROL_PROTOCOL } from '../contract/protocols.ts'
import type { Door } from '../kit/door.ts'
import { callThrough, type DoorCall, doorPool } from '../kit/door-http.ts'
import type { ControlAddress } from './join.ts'

export type ControlLink = {
  /** One call; faults with `door.unreachable` or control's own fault. */
  call: (call: DoorCall) => Promise<unknown>
  close: () => Promise<void>
}

/** Opens the line; connections are made when needed and made again after a break. */
export function openControlLink(door: Door, control: ControlAddress): ControlLink {
  const pool = doorPool(door, { ...control, protocol: CONTROL_PROTOCOL, target: 'control', expectRole: 'control' }, 4)
  return {
    call: async (call) => await callThrough(pool, call),
    close: async () => await pool.destroy(),
  }
}
