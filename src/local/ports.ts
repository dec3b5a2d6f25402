// Ports of this machine: whether one is free, and finding one.
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { listenOn } from '../kit/door.ts'
import { Fault } from '../kit/fault.ts'

const LOOPBACK = '127.0.0.1'

/** Listens for a moment. Faults with `port.taken` or `port.forbidden`; `hint` names the option that would help. */
export async function checkPort(port: number, hint: string): Promise<void> {
  const server = createServer()
  try {
    await listenOn(server, { address: LOOPBACK, port })
  } catch (error) {
    if (error instanceof Fault) throw new Fault(error.code, error.status, error.message, { hint, cause: error })
    throw error
  } finally {
    server.close()
  }
}

/** True when nobody listens there and we may. */
export async function isPortFree(port: number): Promise<boolean> {
  return await checkPort(port, '').then(
    () => true,
    () => false,
  )
}

// Below those that the kernel gives to whoever names none: nobody gets it between this look and its use.
const PICKED = { from: 10_000, to: 32_000 }

/** A free port: `preferred` if it is one. */
export async function pickPort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isPortFree(preferred))) return preferred
  for (;;) {
    const port = randomInt(PICKED.from, PICKED.to)
    if (await isPortFree(port)) return port
  }
}
