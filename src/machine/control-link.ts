// A machine's lines to control: calls through its own door, over a few kept connections, to each of several controls.
import { CONTROL_PROTOCOL } from '../contract/protocols.ts'
import type { Door } from '../kit/door.ts'
import { callThrough, type DoorCall, doorPool } from '../kit/door-http.ts'
import { Fault } from '../kit/fault.ts'
import type { ControlAddress } from './join.ts'

/** The line to one control. */
export type ControlLine = {
  /** One call; faults with `door.unreachable` or control's own fault. */
  call: (call: DoorCall) => Promise<unknown>
}

export type ControlLink = ControlLine & {
  /**
   * Each control by itself, for heartbeats: all of them are told, so that one that takes over knows how things stand,
   * and none waits for another that is dead. `call` asks one after the other until one answers.
   */
  lines: ControlLine[]
  close: () => Promise<void>
}

/** Opens the lines; connections are made when needed and made again after a break. */
export function openControlLink(door: Door, controls: ControlAddress[]): ControlLink {
  const pools = controls.map((control) =>
    doorPool(door, { ...control, protocol: CONTROL_PROTOCOL, target: 'control', expectRole: 'control' }, 4),
  )
  const lines = pools.map((pool) => ({ call: async (call: DoorCall) => await callThrough(pool, call) }))
  let preferred = 0
  return {
    lines,
    async call(call) {
      let silence: unknown = null
      for (let tried = 0; tried < lines.length; tried += 1) {
        const at = (preferred + tried) % lines.length
        try {
          const answer = await lines[at]?.call(call)
          preferred = at
          return answer
        } catch (error) {
          if (!isElsewhere(error)) throw error
          silence = error
        }
      }
      throw silence
    },
    close: async () => {
      await Promise.all(pools.map(async (pool) => await pool.destroy()))
    },
  }
}

// Silent, or without its database: another control may know.
function isElsewhere(error: unknown): boolean {
  return error instanceof Fault && (error.code === 'door.unreachable' || error.status >= 500)
}
