// The way from npm to its registry: there is no network, so each connection ends in this process, and what is asked
// for on it goes over the pipe to who started it.
import { Agent, type ClientRequest, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { duplexPair } from 'node:stream'
import type { RegistryAnswer } from './install-messages.ts'

/** Asks the one outside. */
export type AskOutside = (url: string, headers: Record<string, string>) => Promise<RegistryAnswer>

/** Of a connection; or of a body that has been taken out of its encoding already. */
const NOT_PASSED = new Set(['connection', 'content-encoding', 'content-length', 'keep-alive', 'transfer-encoding'])

/** An agent for requests of both protocols. Only what is read is asked for. */
export function registryAgent(ask: AskOutside): Agent {
  const server = createServer((request, response) => {
    answer(request, response, ask).catch((error) => response.destroy(error))
  })
  const agent = new Agent()
  // It takes `https:`, too: who is outside speaks TLS.
  return Object.assign(agent, {
    protocol: undefined,
    addRequest(request: ClientRequest, options: unknown) {
      // As it is said to a proxy: the whole of the URL.
      request.path = `${request.protocol}//${request.getHeader('host')}${request.path}`
      Reflect.apply(Reflect.get(Agent.prototype, 'addRequest'), agent, [request, options])
    },
    createConnection() {
      const [ours, theirs] = duplexPair()
      server.emit('connection', theirs)
      // What is asked of a connection that has nothing to do with a network.
      return Object.assign(ours, { setTimeout: () => ours, setNoDelay: () => ours, setKeepAlive: () => ours })
    },
  })
}

async function answer(request: IncomingMessage, response: ServerResponse, ask: AskOutside): Promise<void> {
  if (request.method !== 'GET') {
    response.writeHead(405).end()
    return
  }
  const passed = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
    value === undefined || name === 'host' || NOT_PASSED.has(name) ? [] : [[name, [value].flat().join(', ')]],
  )
  const { status, headers, body } = await ask(request.url ?? '', Object.fromEntries(passed))
  for (const [name, value] of headers) if (!NOT_PASSED.has(name)) response.appendHeader(name, value)
  response.writeHead(status).end(Buffer.from(body, 'base64'))
}
