// Lines from this machine to others' doors, one pool for each address, made when needed.
import type { MachineAddress } from '../contract/assignment.ts'
import { ORDERS_PROTOCOL } from '../contract/protocols.ts'
import type { Door } from '../kit/door.ts'
import { callThrough, type DoorCall, doorPool } from '../kit/door-http.ts'

type Line = { address: string; port: number; pool: ReturnType<typeof doorPool> }

export class Peers {
  readonly #door: Door
  readonly #expectRole: string
  readonly #lines = new Map<string, Line>()

  constructor(door: Door, expectRole: string) {
    this.#door = door
    this.#expectRole = expectRole
  }

  /** One call to a machine's orders server. Faults with `door.unreachable` or the machine's own fault. */
  async call(to: MachineAddress, call: DoorCall): Promise<unknown> {
    return await callThrough(this.#lineTo(to).pool, call)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lines.values()].map(async (line) => await line.pool.destroy()))
    this.#lines.clear()
  }

  #lineTo(to: MachineAddress): Line {
    const known = this.#lines.get(to.machine)
    if (known && known.address === to.address && known.port === to.port) return known
    // The machine moved: what is under way on the old line may end by itself.
    if (known) known.pool.destroy().catch(() => {})
    const { address, port } = to
    const expect = { expectRole: this.#expectRole, expectName: to.machine }
    const options = { address, port, protocol: ORDERS_PROTOCOL, target: 'orders', ...expect }
    const line = { address, port, pool: doorPool(this.#door, options, 4) }
    this.#lines.set(to.machine, line)
    return line
  }
}
