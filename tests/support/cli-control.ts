// A control that only pretends: answers the management API from a table, and remembers what it was asked.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'

export type Asked = { verb: string; path: string; query: string; body: unknown; key: string | undefined }
export type Reply = { status: number; body?: unknown } | 'hang up'
/** Keyed by `VERB /path`; a function is called with what was asked. */
export type Replies = Record<string, Reply | ((asked: Asked) => Reply)>

export type FakeControl = { url: string; asked: Asked[]; env: Record<string, string> }

export const TOKEN = 'operator-token'

/** Listens until the test ends. */
export async function startFakeControl(context: TestContext, replies: Replies): Promise<FakeControl> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    take(request, response, { asked, replies }).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const url = `http://127.0.0.1:${port}`
  return { url, asked, env: { MAINSTAY_CONTROL_URL: url, MAINSTAY_TOKEN: TOKEN } }
}

async function take(
  request: IncomingMessage,
  response: ServerResponse,
  control: { asked: Asked[]; replies: Replies },
): Promise<void> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  const url = new URL(request.url ?? '/', 'http://control')
  const key = request.headers['idempotency-key']
  const one: Asked = {
    verb: request.method ?? '',
    path: url.pathname.replace('/api/v1', ''),
    query: url.search,
    body: text === '' ? null : JSON.parse(text),
    key: typeof key === 'string' ? key : undefined,
  }
  control.asked.push(one)
  const known = control.replies[`${one.verb} ${one.path}`]
  const missing: Reply = { status: 404, body: { code: 'http.no_route', message: `no ${one.verb} ${one.path}` } }
  const found = typeof known === 'function' ? known(one) : known
  const isAllowed = request.headers.authorization === `Bearer ${TOKEN}`
  const reply = isAllowed ? (found ?? missing) : { status: 401, body: { code: 'auth.refused', message: 'no' } }
  if (reply === 'hang up') {
    response.destroy()
    return
  }
  response.writeHead(reply.status, { 'content-type': 'application/json' })
  response.end(reply.body === undefined ? '' : JSON.stringify(reply.body))
}
