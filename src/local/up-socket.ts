// The socket on which a running `up` takes requests; holding it is also the proof that this home is in use.
import { chmod, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { OUTAGE_KINDS, type UpAnswer, type UpRequest } from '../contract/local-cloud.ts'
import { Fault, faultBody, messageOf } from '../kit/fault.ts'
import { UP_CALL_MS_MAX, UP_LINE_BYTES_MAX } from '../kit/limits.ts'

export type UpHandler = (request: UpRequest) => Promise<UpAnswer>

/** Listens; a socket file that nobody answers on is a dead one's and is replaced. Faults with `home.in_use`. */
export async function openUpSocket(path: string, handler: UpHandler, home: string): Promise<Server> {
  if (await isAnswered(path)) {
    throw new Fault('home.in_use', 500, `another local cloud is running in ${home}`, {
      hint: 'Stop that one (Ctrl-C), or choose another folder with --home or MAINSTAY_HOME.',
    })
  }
  await rm(path, { force: true })
  const server = createServer((socket) => serve(socket, handler))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve())
  })
  await chmod(path, 0o600)
  return server
}

/** True when a process listens on this socket. */
export async function isAnswered(path: string): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Asks a running `up`. Faults with `control.not_found` when there is none, else with its own fault. */
export async function askUp(path: string, request: UpRequest): Promise<UpAnswer & { ok: true }> {
  const answer = await exchange(path, request)
  if (answer.ok) return answer
  throw new Fault(
    answer.code,
    statusOf(answer.code),
    answer.message,
    answer.hint === undefined ? {} : { hint: answer.hint },
  )
}

/** The status that a fault had before it went through the socket. */
export function statusOf(code: string): number {
  return code === 'region.unknown' || code === 'up.bad_request' ? 404 : 500
}

/** Reads one request. Faults with `up.bad_request`. */
export function parseRequest(line: string): UpRequest {
  const parsed: unknown = JSON.parse(line)
  if (typeof parsed === 'object' && parsed !== null && 'kind' in parsed) {
    const region = 'region' in parsed && typeof parsed.region === 'string' ? parsed.region : null
    const only = 'only' in parsed ? parsed.only : 'all'
    if (parsed.kind === 'stop' || parsed.kind === 'outage_list') return { kind: parsed.kind }
    if (parsed.kind === 'outage_stop' && region !== null) return { kind: 'outage_stop', region }
    const kind = OUTAGE_KINDS.find((one) => one === only)
    if (parsed.kind === 'outage_start' && region !== null && kind) return { kind: 'outage_start', region, only: kind }
  }
  throw new Fault('up.bad_request', 400, 'this is no request that a local cloud knows')
}

function serve(socket: Socket, handler: UpHandler): void {
  let text = ''
  socket.setEncoding('utf8')
  socket.setTimeout(UP_CALL_MS_MAX, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: string) => {
    const isFirst = !text.includes('\n')
    text += chunk
    if (text.length > UP_LINE_BYTES_MAX) socket.destroy()
    else if (isFirst && text.includes('\n')) answer(text.slice(0, text.indexOf('\n')))
  })
  const answer = (line: string) => {
    handleLine(line, handler).then(
      (result) => socket.end(`${JSON.stringify(result)}\n`),
      () => socket.destroy(),
    )
  }
}

async function handleLine(line: string, handler: UpHandler): Promise<UpAnswer> {
  try {
    return await handler(parseRequest(line))
  } catch (error) {
    if (error instanceof Fault) return { ok: false, ...faultBody(error) }
    return { ok: false, code: 'up.failed', message: messageOf(error) }
  }
}

async function exchange(path: string, request: UpRequest): Promise<UpAnswer> {
  const text = await new Promise<string>((resolve, reject) => {
    let received = ''
    const socket = connect(path)
    socket.setEncoding('utf8')
    socket.setTimeout(UP_CALL_MS_MAX, () => socket.destroy(new Error(`no answer within ${UP_CALL_MS_MAX} ms`)))
    socket.once('connect', () => socket.write(`${JSON.stringify(request)}\n`))
    socket.on('data', (chunk: string) => {
      received += chunk
    })
    socket.once('error', reject)
    socket.once('close', () => resolve(received))
  }).catch((error: unknown) => {
    throw notRunning(error)
  })
  if (text === '') throw notRunning(null)
  return JSON.parse(text) as UpAnswer
}

function notRunning(cause: unknown): Fault {
  const reason = cause === null ? '' : ` (${messageOf(cause)})`
  return new Fault('control.not_found', 503, `no local cloud answers here${reason}`, {
    hint: 'Start it: mainstay up',
    cause,
  })
}
