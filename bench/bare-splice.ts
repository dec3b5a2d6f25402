// The ceiling of a gateway: a process that passes on what comes on a port of loopback to the runtime's socket, and back,
// and looks at none of it. Started by bench:runtime; tells its port.
import { type AddressInfo, connect, createServer } from 'node:net'

const socketPath = process.argv[2] ?? ''
const server = createServer({ noDelay: true }, (client) => {
  const runtime = connect(socketPath)
  client.on('data', (bytes) => runtime.write(bytes))
  runtime.on('data', (bytes) => client.write(bytes))
  for (const [one, other] of [
    [client, runtime],
    [runtime, client],
  ] as const) {
    one.on('error', () => other.destroy())
    one.on('close', () => other.destroy())
  }
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
