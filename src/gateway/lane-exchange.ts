// One request of the fast lane on its way: written to the runtime as a whole, its answer passed on as it comes.
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { ANSWER_HEAD_BYTES_MAX, GATEWAY_ANSWER_MS_MAX } from '../kit/limits.ts'
import { ABORTED } from '../kit/request-counts.ts'
import { REQUEST_ID_HEADER } from '../kit/request-id.ts'
import { type AnswerHead, scanAnswerHead } from './answer-head.ts'
import { BodyWalk } from './body-walk.ts'
import { type Outcome, type Refused, refusedAfter, TOO_MANY } from './forward.ts'
import { type Forwarded, POLICY, policyFor, putTold } from './forwarded-headers.ts'
import { hstsOf } from './https.ts'
import type { PlainHead } from './plain-head.ts'
import { noteOutcome, type PublicDeps } from './public-server.ts'
import { refusalOf } from './refusal.ts'
import type { Passenger, RuntimeLine, RuntimeLines } from './runtime-lines.ts'
import { deviceOf } from './usage.ts'

const EMPTY = Buffer.alloc(0)

/** A request, where it goes, and its client. */
export type Carried = Forwarded & {
  head: PlainHead
  /** When it began to come. */
  startedAt: number
  socket: Socket
  remoteAddress: string | undefined
  /** For how long the client may keep its connection without a request. */
  keepAliveMs: number
  /** A mistake of ours. */
  onError: (error: unknown) => void
}

export class LaneExchange implements Passenger {
  readonly #carried: Carried
  readonly #deps: PublicDeps
  readonly #onEnd: () => void
  readonly #deadline: number
  #request: Buffer = EMPTY
  #lines: RuntimeLines | null = null
  #line: RuntimeLine | null = null
  #early: Buffer = EMPTY
  #walk: BodyWalk | null = null
  #isLast = false
  #status = ABORTED
  #bytesOut = 0
  #isOver = false

  /** `onEnd`: all of its answer is written, or will never be. */
  constructor(carried: Carried, deps: PublicDeps, onEnd: () => void) {
    this.#carried = carried
    this.#deps = deps
    this.#onEnd = onEnd
    this.#deadline = carried.startedAt + GATEWAY_ANSWER_MS_MAX
  }

  /** Sends it on its way, with its body. */
  begin(lines: RuntimeLines, body: Buffer): void {
    const { route } = this.#carried
    this.#request = requestOf(this.#carried, body)
    this.#deps.counts.requests += 1
    this.#deps.traffic.arrive()
    this.#deps.traffic.enter(route.service)
    this.#lines = lines
    if (!lines.send(this)) this.#answerInstead('full', TOO_MANY)
  }

  board(line: RuntimeLine): Buffer {
    this.#line = line
    return this.#request
  }

  take(bytes: Buffer): void {
    try {
      this.#take(bytes)
    } catch (error) {
      this.#line?.break()
      this.#carried.onError(error)
    }
  }

  fail(error: Error): void {
    try {
      this.#fail(error)
    } catch (mistake) {
      this.#carried.onError(mistake)
    }
  }

  /** Its client has gone. */
  leave(): void {
    if (this.#isOver) return
    this.#end({ kind: 'aborted' })
    this.#depart({ isWhole: false })
    this.#lines?.forget(this)
    this.#line?.break()
  }

  /** Its client takes more. */
  resume(): void {
    this.#line?.resume()
  }

  /** Gives it up when that took too long: the waits for a line, for the head and for the body all together. */
  sweep(now: number): void {
    if (now >= this.#deadline) this.fail(new Error('no whole answer in time'))
  }

  #take(bytes: Buffer): void {
    if (this.#walk) {
      this.#pass('', bytes)
      return
    }
    const all = this.#early.length > 0 ? Buffer.concat([this.#early, bytes]) : bytes
    const head = scanAnswerHead(all, this.#carried.head.method)
    if (head === 'broken' || (head === null && all.length > ANSWER_HEAD_BYTES_MAX)) {
      this.fail(new Error('the head of the answer cannot be read'))
    } else if (head === null) {
      this.#early = all
    } else {
      this.#walk = new BodyWalk(head.body)
      this.#isLast = head.isLast
      this.#status = head.status
      this.#pass(this.#answerHead(head), all.subarray(head.headBytes))
    }
  }

  // Bytes of the body, after a head that is still to be sent.
  #pass(head: string, bytes: Buffer): void {
    const taken = this.#walk?.take(bytes) ?? null
    if (taken === null) {
      this.fail(new Error('the body of the answer cannot be followed'))
      return
    }
    const isExact = taken === bytes.length
    const out = joined(head, isExact ? bytes : bytes.subarray(0, taken))
    if (this.#walk?.isOver) this.#finish(out, { isLineGood: isExact && !this.#isLast })
    else if (!this.#write(out)) this.#line?.pause()
  }

  #finish(out: Buffer, { isLineGood }: { isLineGood: boolean }): void {
    this.#end({ kind: this.#status >= 500 ? 'failed' : 'answered' })
    this.#write(out, this.#onOut)
    if (isLineGood) this.#line?.release()
    else this.#line?.break()
    // It carries somebody else in a moment.
    this.#line = null
    this.#onEnd()
  }

  #fail(error: Error): void {
    // Its client's end may not have been heard yet.
    if (this.#carried.socket.destroyed) this.leave()
    if (this.#isOver) return
    const wasSent = this.#line !== null
    this.#answerInstead(wasSent ? 'broken' : 'unreachable', refusedAfter(this.#carried.head.method, { wasSent }), error)
  }

  // Answers in the place of the service; in the middle of an answer all that is left is to break off.
  #answerInstead(why: 'full' | 'unreachable' | 'broken', refused: Refused, error?: Error): void {
    const { head, route, socket } = this.#carried
    this.#end({ kind: 'refused', why, error })
    if (this.#walk) {
      this.#depart({ isWhole: false })
      socket.destroy()
    } else {
      const answer = refusalOf(head, route, refused)
      this.#status = answer.status
      let text = this.#beginning(answer.status)
      for (const [name, value] of Object.entries(answer.headers)) text += lineOf(name, value)
      this.#write(
        joined(text + this.#ending({ hasDate: false }), Buffer.from(head.method === 'HEAD' ? '' : answer.body)),
        this.#onOut,
      )
    }
    this.#lines?.forget(this)
    this.#line?.break()
    this.#onEnd()
  }

  #answerHead({ status, lines, contentType, hasDate, body }: AnswerHead): string {
    const policy = policyFor(contentType, this.#carried.destination)
    const more = policy === null ? '' : lineOf(POLICY, policy)
    const coding = body.kind === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : ''
    return `${this.#beginning(status)}${lines}${more}${coding}${this.#ending({ hasDate })}`
  }

  #beginning(status: number): string {
    const { requestId, isSecure, destination, route } = this.#carried
    const hsts = hstsOf(isSecure, destination.prefix, route)
    const more = hsts === null ? '' : `strict-transport-security: ${hsts}\r\n`
    return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n${REQUEST_ID_HEADER}: ${requestId}\r\n${more}`
  }

  #ending({ hasDate }: { hasDate: boolean }): string {
    const date = !hasDate ? `Date: ${new Date().toUTCString()}\r\n` : ''
    const seconds = Math.floor(this.#carried.keepAliveMs / 1_000)
    return `${date}Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`
  }

  #write(out: Buffer, onOut?: (error?: Error | null) => void): boolean {
    this.#bytesOut += out.length
    return this.#carried.socket.write(out, onOut)
  }

  #onOut = (error?: Error | null): void => this.#depart({ isWhole: !error })

  #end(outcome: Outcome): void {
    this.#isOver = true
    const { requestId, route } = this.#carried
    this.#deps.traffic.leave(route.service)
    noteOutcome(outcome, { requestId, service: route.service, machine: route.to.machine }, this.#deps)
  }

  #depart({ isWhole }: { isWhole: boolean }): void {
    const { route, head, startedAt } = this.#carried
    this.#deps.traffic.depart(route.service, isWhole ? this.#status : ABORTED, {
      // Broken off in the middle, or a failure; who hung up before there was an answer is not told from here.
      isError: isWhole ? this.#status >= 500 : this.#status !== ABORTED,
      ms: performance.now() - startedAt,
      bytesOut: this.#bytesOut,
      device: deviceOf(head.headers),
    })
  }
}

// As a runtime is sent it. What we say of it is first: a parser that reads only so many lines leaves out others.
function requestOf(carried: Carried, body: Buffer): Buffer {
  const { head, destination, remoteAddress } = carried
  let text = `${head.method} ${destination.path} HTTP/1.1\r\nconnection: keep-alive\r\n`
  putTold({ headers: head.headers, remoteAddress }, carried, (name, value) => {
    text += lineOf(name, value)
  })
  return joined(`${text}${head.lines}\r\n`, body)
}

function lineOf(name: string, value: string | number): string {
  return `${name}: ${value}\r\n`
}

function joined(text: string, bytes: Buffer): Buffer {
  if (text === '') return bytes
  const all = Buffer.allocUnsafe(text.length + bytes.length)
  all.write(text, 'latin1')
  bytes.copy(all, text.length)
  return all
}
