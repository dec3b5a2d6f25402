// A raw connection to a PostgreSQL server over TCP, encrypted as PostgreSQL begins it: for bytes that others speak.
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { DatabaseHost, ExternalEndpoint } from '../contract/external-server.ts'
import { placeOf } from '../databases/database-url.ts'
import { Fault } from '../kit/fault.ts'
import { EXTERNAL_DIAL_MS_MAX } from '../kit/limits.ts'

// "SSLRequest" of PostgreSQL's protocol: its own length, and a code that is no version.
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
const YES = 0x53

/** Connects; the socket is encrypted already where that is asked for. Faults with `external.unreachable`. */
export async function dialPostgres(at: DatabaseHost, way: Pick<ExternalEndpoint, 'tls' | 'ca'>): Promise<Socket> {
  const socket = connect({ host: at.host, port: at.port, keepAlive: true })
  try {
    return await inTime(socket, at, async () => {
      await until(socket, 'connect')
      return way.tls === 'disable' ? socket : await encrypt(socket, at, way)
    })
  } catch (error) {
    socket.destroy()
    if (error instanceof Fault) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new Fault('external.unreachable', 503, `${placeOf(at)}: ${reason}`, { cause: error })
  }
}

async function encrypt(
  socket: Socket,
  { host }: DatabaseHost,
  { tls, ca }: Pick<ExternalEndpoint, 'tls' | 'ca'>,
): Promise<Socket> {
  socket.write(SSL_REQUEST)
  const answer = await readByte(socket)
  if (answer !== YES) throw new Error('it does not encrypt connections')
  const secure = connectTls({
    socket,
    rejectUnauthorized: tls === 'verify-full',
    ...(ca === null ? {} : { ca }),
    // A name only: what is an address is compared with the certificate's addresses.
    ...(isIP(host) === 0 ? { servername: host } : { host }),
  })
  await until(secure, 'secureConnect')
  return secure
}

// Whatever comes after the one byte would be plain text that somebody slipped in before the encryption: refused.
async function readByte(socket: Socket): Promise<number> {
  const chunk = await new Promise<Buffer>((resolve, reject) => {
    socket.once('data', resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('it closed the connection')))
  })
  socket.pause()
  if (chunk.length !== 1) throw new Error('it answers more than it was asked')
  return Number(chunk[0])
}

async function until(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once(event, resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('it closed the connection')))
  })
}

async function inTime(socket: Socket, at: DatabaseHost, work: () => Promise<Socket>): Promise<Socket> {
  const timer = setTimeout(() => {
    socket.destroy(new Fault('external.unreachable', 503, `${placeOf(at)}: no answer`))
  }, EXTERNAL_DIAL_MS_MAX)
  try {
    return await work()
  } finally {
    clearTimeout(timer)
  }
}
