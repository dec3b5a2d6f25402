// Whose turn it is: some files of tests run at a time, and a test that promises a time runs while the others wait.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'

/** Names the port where turns are given out; set by `tests/once.ts`. Without it every file runs as it likes. */
export const TURNS_PORT = 'MAINSTAY_TEST_TURNS'

/** As many tests with a cloud run at a time. */
const TURNS = 2

type Waiting = { socket: Socket; wanted: number }

/** Gives turns out to other processes, in the order in which they ask; whoever hangs up has ended its turn. */
export class TurnGiver {
  readonly #server: Server
  readonly #waiting: Waiting[] = []
  #free = TURNS

  private constructor(server: Server) {
    this.#server = server
  }

  static async listen(): Promise<TurnGiver> {
    const server = createServer()
    const giver = new TurnGiver(server)
    server.on('connection', (socket) => giver.#greet(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    server.unref()
    return giver
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.close()
  }

  #greet(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    socket.once('data', (word) => {
      const entry: Waiting = { socket, wanted: word.toString() === 'all' ? TURNS : 1 }
      this.#waiting.push(entry)
      socket.once('close', () => this.#end(entry))
      this.#giveOut()
    })
  }

  #end(entry: Waiting): void {
    const at = this.#waiting.indexOf(entry)
    if (at === -1) this.#free += entry.wanted
    else this.#waiting.splice(at, 1)
    this.#giveOut()
  }

  // Who wants all of them is not overtaken, or it would wait for ever.
  #giveOut(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.wanted <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= next.wanted
      next.socket.write('go')
    }
  }
}

let isTaking = false
let held: Socket | null = null
/** Tests of this file that have begun and not ended: one inside another is part of its turn. */
let depth = 0

/** Each test of this file waits for its turn from now on. */
export function takeTurns(): void {
  if (isTaking || process.env[TURNS_PORT] === undefined) return
  isTaking = true
  beforeEach(async () => {
    depth += 1
    if (depth === 1) held = await ask('one')
  })
  afterEach(() => {
    depth -= 1
    if (depth > 0) return
    held?.destroy()
    held = null
  })
}

/** For what is done before a test begins: waits for a turn, unless one is held. */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  return held === null ? await within('one', work) : await work()
}

/** A test of something that promises a time, on a machine of its own: no other that takes turns runs meanwhile. */
export function testAlone(name: string, work: () => Promise<void>): void {
  test(name, async () => {
    // Two that each kept a turn while they waited would wait for each other.
    held?.destroy()
    held = null
    await within('all', work)
  })
}

async function within<T>(wanted: 'one' | 'all', work: () => Promise<T>): Promise<T> {
  const turn = await ask(wanted)
  try {
    return await work()
  } finally {
    turn?.destroy()
  }
}

async function ask(wanted: 'one' | 'all'): Promise<Socket | null> {
  const port = process.env[TURNS_PORT]
  if (port === undefined) return null
  const socket = connect(Number(port), '127.0.0.1')
  return await new Promise((resolve, reject) => {
    socket.once('connect', () => socket.write(wanted))
    socket.once('data', () => resolve(socket))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the run of tests has ended')))
  })
}
