// Where a machine's door is: the address at which others reach it, and the port that it had before.
import { createSocket } from 'node:dgram'
import { join } from 'node:path'
import type { Door } from '../kit/door.ts'
import { Fault } from '../kit/fault.ts'
import { readJsonIfAny, writeJson } from '../kit/files.ts'
import { type Listening, parseListening } from '../kit/role-options.ts'
import type { ControlAddress } from './join.ts'

type Kept = { port: number; address?: string }

const FILE = 'door.json'

/** The addresses from the options; without `--address`, the one that control is reached from, or the one of the last start. */
export async function chooseListening(
  home: string,
  controls: ControlAddress[],
  values: { address?: string | undefined; advertise?: string | undefined },
): Promise<Listening> {
  const kept = await readJsonIfAny<Kept>(join(home, FILE))
  const address = values.address ?? (await ownAddressTowards(controls[0]?.address ?? '')) ?? kept?.address
  if (address !== undefined) return parseListening({ ...values, address })
  throw new Fault('options.missing', 400, `no address of this machine leads to control at ${controls[0]?.address}`, {
    hint: 'Say where the other machines reach this one: --address 10.0.0.1',
  })
}

/** Listens where others know this door: after a restart without control it must be found where it was. */
export async function listenWhereBefore(
  door: Door,
  home: string,
  at: { address: string; port: number },
): Promise<number> {
  const path = join(home, FILE)
  const kept = at.port === 0 ? ((await readJsonIfAny<Kept>(path))?.port ?? 0) : at.port
  // Somebody else may have the old port by now; then control tells the others of a new one.
  const port = await door.listen({ ...at, port: kept }).catch(async (error) => {
    if (at.port !== 0 || kept === 0) throw error
    return await door.listen({ ...at, port: 0 })
  })
  await writeJson(path, { port, address: at.address } satisfies Kept)
  return port
}

// The address that the kernel would send from; a connected datagram socket asks it without sending anything.
async function ownAddressTowards(host: string): Promise<string | undefined> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  try {
    return await new Promise<string | undefined>((resolve) => {
      socket.once('error', () => resolve(undefined))
      // The port does not matter: no packet leaves.
      socket.connect(9, host, () => resolve(socket.address().address))
    })
  } finally {
    socket.close()
  }
}
