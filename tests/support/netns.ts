// Machines of their own for a test: each a network namespace, all joined by a bridge in another one. Where the kernel
// does not allow that, or iproute2 is missing, each is a loopback address of its own.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { randomId } from '../../src/kit/identifiers.ts'

const run = promisify(execFile)

/** `inside` is a command line that runs something on this machine. */
export type TestMachine = { name: string; address: string; inside: (command: string[]) => string[] }

export class TestNetwork {
  readonly isNamespaced: boolean
  readonly #spaces: string[]
  readonly #machines: Map<string, TestMachine>

  constructor(machines: TestMachine[], spaces: string[]) {
    this.isNamespaced = spaces.length > 0
    this.#machines = new Map(machines.map((machine) => [machine.name, machine]))
    this.#spaces = spaces
  }

  /** Makes one machine for each name. Nothing outside its own namespaces is touched. */
  static async open(names: string[]): Promise<TestNetwork> {
    const prefix = `ms${randomId(3)}`
    const spaces = [`${prefix}-switch`, ...names.map((_name, index) => `${prefix}-${index + 1}`)]
    try {
      const machines = await wire(names, spaces)
      return new TestNetwork(machines, spaces)
    } catch {
      await remove(spaces)
      // 127.0.0.1 is left to everything else on this machine.
      const onLoopback = names.map((name, index) => ({
        name,
        address: `127.0.77.${index + 2}`,
        inside: (command: string[]) => command,
      }))
      return new TestNetwork(onLoopback, [])
    }
  }

  machine(name: string): TestMachine {
    const found = this.#machines.get(name)
    if (!found) throw new TypeError(`no machine ${name} in this test`)
    return found
  }

  /** Removes the namespaces and all that is in them. Their processes must have ended. */
  async close(): Promise<void> {
    await remove(this.#spaces)
  }
}

async function wire(names: string[], [bridge = '', ...spaces]: string[]): Promise<TestMachine[]> {
  await run('ip', ['netns', 'add', bridge])
  await run('ip', ['-n', bridge, 'link', 'add', 'bridge', 'type', 'bridge'])
  await run('ip', ['-n', bridge, 'link', 'set', 'bridge', 'up'])
  const machines: TestMachine[] = []
  for (const [index, space] of spaces.entries()) {
    const port = `port${index + 1}`
    const address = `10.77.0.${index + 1}`
    await run('ip', ['netns', 'add', space])
    await run('ip', ['link', 'add', 'cable', 'netns', space, 'type', 'veth', 'peer', 'name', port, 'netns', bridge])
    await run('ip', ['-n', bridge, 'link', 'set', port, 'master', 'bridge', 'up'])
    await run('ip', ['-n', space, 'address', 'add', `${address}/24`, 'dev', 'cable'])
    await run('ip', ['-n', space, 'link', 'set', 'cable', 'up'])
    await run('ip', ['-n', space, 'link', 'set', 'lo', 'up'])
    const inside = (command: string[]) => ['ip', 'netns', 'exec', space, ...command]
    machines.push({ name: names[index] ?? '', address, inside })
  }
  return machines
}

async function remove(spaces: string[]): Promise<void> {
  // What was never made cannot be removed, and nothing else is in them.
  for (const space of spaces) await run('ip', ['netns', 'delete', space]).catch(() => {})
}
