// Git's smart HTTP: `git http-backend`, which is part of git, over a workplace of one request. Its hook asks us.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { Fault } from '../kit/fault.ts'
import { isNotFound } from '../kit/files.ts'
import { SOURCE_MOVES_MAX, SOURCE_PUSH_BYTES_MAX, SOURCE_REQUEST_MS_MAX } from '../kit/limits.ts'
import { linesOf } from '../kit/lines.ts'
import { signalProcess } from '../kit/processes.ts'
import type { Say } from './check-commit.ts'
import { gitEnvironment, noGit } from './git.ts'
import { parseMove } from './push-rules.ts'
import type { Push } from './receive-push.ts'
import type { Workplace } from './repositories.ts'

export const GIT_SERVICES = ['git-upload-pack', 'git-receive-pack'] as const
export type GitService = (typeof GIT_SERVICES)[number]

/** A request as it came in. `isAsking`: for the refs, before anything is sent. */
export type GitRequest = {
  service: GitService
  isAsking: boolean
  principal: string
  contentType: string
  contentEncoding: string
  protocol: string
  body: Readable
}
/** What is answered: `body` begins when there is something in it. */
export type GitAnswer = { status: number; headers: Record<string, string>; body: Readable }
/** Decides about a push, and says why. */
export type Decide = (push: Push, say: Say) => Promise<boolean>

const HEAD_BYTES_MAX = 16_384
const LINE_BYTES_MAX = 65_536
const MOVES_CHARACTERS_MAX = 1_048_576
// The body of a push is its pack, and a few lines of what it wants to move.
const BODY_BYTES_MAX = SOURCE_PUSH_BYTES_MAX + 1_048_576
const PROTOCOL = /^version=\d(?::[a-z0-9=_-]+)*$/

/** Lets git answer a request; `take` is given the answer, and the workplace is needed until it is done. */
export async function serveGit(
  { root }: Workplace,
  request: GitRequest,
  hands: { decide: Decide; take: (answer: GitAnswer) => Promise<void> },
): Promise<void> {
  const child = spawn('git', ['http-backend'], {
    cwd: root,
    env: { ...gitEnvironment(), ...cgiOf(root, request) },
    // 3 and 4 are the hook's: what it asks, and what it is answered.
    stdio: ['pipe', 'pipe', 'ignore', 'pipe', 'pipe'],
    // A group of its own, so that what git starts ends with it.
    detached: true,
  })
  const end = () => void (child.pid !== undefined && signalProcess(-child.pid, 'SIGKILL'))
  const timer = setTimeout(end, SOURCE_REQUEST_MS_MAX)
  const parts: Promise<void>[] = []
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('spawn', resolve)
      child.on('error', (error) => reject(isNotFound(error) ? noGit() : error))
    })
    const [asked, answers] = [child.stdio[3], child.stdio[4]] as [Readable, Writable]
    parts.push(answerHook(asked, answers, hands.decide), feed(request, child))
    const stdout = child.stdout as Readable
    await hands.take({ ...(await readHead(stdout)), body: stdout })
  } finally {
    clearTimeout(timer)
    if (child.exitCode === null && child.signalCode === null) end()
    // What is being decided reads files of the workplace.
    await Promise.allSettled(parts)
  }
}

function cgiOf(root: string, request: GitRequest): NodeJS.ProcessEnv {
  const { service, isAsking, contentType, protocol, principal } = request
  return {
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: `/repository.git/${isAsking ? 'info/refs' : service}`,
    QUERY_STRING: isAsking ? `service=${service}` : '',
    REQUEST_METHOD: isAsking ? 'GET' : 'POST',
    CONTENT_TYPE: contentType,
    // Without a length it reads to the end, whatever was announced.
    ...(PROTOCOL.test(protocol) ? { GIT_PROTOCOL: protocol } : {}),
    REMOTE_USER: principal.replace(/[^\w.@+-]/g, '.'),
    REMOTE_ADDR: 'mainstay',
  }
}

// What git does not read any more, since it has refused, is read and dropped: else its refusal would not be heard.
// Packed requests are unpacked here: a small one may be very long, and it is the bytes that git reads that count.
async function feed({ body, contentEncoding }: GitRequest, child: ChildProcess): Promise<void> {
  const stdin = child.stdin as Writable
  let bytes = 0
  async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (bytes > BODY_BYTES_MAX)
        throw new Fault('source.too_large', 413, `a push has more than ${BODY_BYTES_MAX} bytes`)
      yield chunk
    }
  }
  try {
    if (isPacked(contentEncoding)) await pipeline(body, createGunzip(), counted, stdin)
    else await pipeline(counted(body), stdin)
  } catch {
    // Who pushes hears it from git; a client that went away hears nothing.
    stdin.destroy()
    if (!body.destroyed) body.resume()
  }
}

// Never rejects: nobody waits for it before git has begun to answer. Whatever goes wrong means no.
async function answerHook(asked: Readable, answers: Writable, decide: Decide): Promise<void> {
  answers.on('error', () => {})
  const say: Say = (text) =>
    void answers.write(
      text
        .split('\n')
        .map((one) => `=${one}\n`)
        .join(''),
    )
  const isTaken = await decideAsked(asked, decide, say).catch(() => false)
  answers.end(isTaken ? '+\n' : '-\n')
}

async function decideAsked(asked: Readable, decide: Decide, say: Say): Promise<boolean> {
  const told: string[] = []
  let characters = 0
  let isTooMuch = false
  for await (const line of linesOf(asked, LINE_BYTES_MAX)) {
    if (line !== '.') {
      characters += line.length
      // Read to its end all the same, so that it hears why.
      if (told.length > SOURCE_MOVES_MAX || characters > MOVES_CHARACTERS_MAX) isTooMuch = true
      else told.push(line)
      continue
    }
    if (isTooMuch) {
      say(`error: a push moves more than ${SOURCE_MOVES_MAX} branches and tags; push some of them`)
      return false
    }
    const [quarantine = '', ...moves] = told
    return await decide({ quarantine: quarantine === '' ? null : quarantine, moves: moves.map(parseMove) }, say)
  }
  return false
}

function isPacked(contentEncoding: string): boolean {
  return contentEncoding === 'gzip' || contentEncoding === 'x-gzip'
}

// The head of a CGI answer: some fields, an empty line; then the body.
async function readHead(stdout: Readable): Promise<{ status: number; headers: Record<string, string> }> {
  let read: Buffer = Buffer.alloc(0)
  const text = await new Promise<string>((resolve, reject) => {
    const fail = () => reject(new Fault('source.git_failed', 500, 'git http-backend gave no answer'))
    const look = () => {
      for (let chunk = stdout.read(); chunk !== null; chunk = stdout.read()) {
        read = Buffer.concat([read, chunk as Buffer])
        const end = read.indexOf('\r\n\r\n')
        if (end < 0 && read.length > HEAD_BYTES_MAX) return fail()
        if (end < 0) continue
        stdout.off('readable', look).off('end', fail)
        if (read.length > end + 4) stdout.unshift(read.subarray(end + 4))
        return resolve(read.subarray(0, end).toString('latin1'))
      }
    }
    stdout.on('readable', look).on('end', fail)
  })
  const headers: Record<string, string> = {}
  let status = 200
  for (const line of text.split('\r\n')) {
    const [name = '', value = ''] = line.split(/:\s*(.*)/)
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
    else headers[name.toLowerCase()] = value
  }
  return { status, headers }
}
