// When requests are over for their clients: of a real server, whose answers wait behind each other.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { waitFor } from '../kit/clock.ts'
import { whenClosed } from './closing.ts'

test('a client that goes is heard of by each of its requests, also by those whose answers wait', async (t) => {
  const closed: string[] = []
  let begun = 0
  const server = createServer((request, response) => {
    begun += 1
    const forget = whenClosed(request, response, () => closed.push(String(request.url)))
    if (request.url === '/forgotten') forget()
    if (request.url === '/answered') response.end('well')
  })
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => socket.destroy())
  const paths = ['/answered', '/first', '/second', '/forgotten']
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''))
  await waitFor('all requests', () => (begun === paths.length ? true : undefined), { withinMs: 10_000 })
  await waitFor('the first answer', () => (closed.length > 0 ? true : undefined), { withinMs: 10_000 })
  assert.deepEqual(closed, ['/answered'])
  socket.destroy()
  await waitFor('the others', () => (closed.length === 3 ? true : undefined), { withinMs: 10_000 })
  assert.deepEqual(closed.toSorted(), ['/answered', '/first', '/second'])
})
