// The requests of apps as a gateway counts them: by service and status, how long, how many now, and why some failed.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { FAILURE_LINES_MAX } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { ABORTED, RequestCounts } from '../kit/request-counts.ts'
import { isWhole, measure, Usage, type UsageNote } from './usage.ts'

/**
 * Why a gateway answered by itself. `closed`: on control's word. `lost`: its own probes do not reach the machine. `full`:
 * too many wait. `held`: it waited for a planned move, and that took too long. `unreachable`: nothing was sent. `broken`:
 * the connection ended after it was.
 */
export const REFUSALS = ['closed', 'lost', 'full', 'held', 'unreachable', 'broken'] as const
export type Refusal = (typeof REFUSALS)[number]

/** One request, for its log line. */
export type RequestFacts = { requestId: string; service: string; machine: string }

export class Traffic {
  readonly counts = new RequestCounts()
  readonly usage = new Usage()
  readonly refusals: Record<Refusal, number> = {
    ...{ closed: 0, lost: 0, full: 0, held: 0, unreachable: 0, broken: 0 },
  }
  readonly #log: Log
  readonly #observe: (seconds: number) => void
  readonly #underWay = new Map<string, number>()
  #inFlight = 0
  #second = 0
  #lines = 0
  #dropped = 0

  constructor(log: Log, observe: (seconds: number) => void) {
    this.#log = log
    this.#observe = observe
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Counts a request from now until its answer is out, or its sender has gone. */
  begin(service: string, request: IncomingMessage, response: ServerResponse): void {
    this.arrive()
    measure(request, response, (one) => this.depart(service, isWhole(response) ? response.statusCode : ABORTED, one))
  }

  /** A request has come; `depart` says how it ended. */
  arrive(): void {
    this.#inFlight += 1
  }

  /** `status`: of the answer; `ABORTED`: that did not get out whole. */
  depart(service: string, status: number, note: UsageNote): void {
    this.#inFlight -= 1
    this.counts.note(service, status)
    this.usage.note(service, note)
    this.#observe(note.ms / 1_000)
  }

  /** Requests of each service that are at its runtime now. */
  get underWay(): Record<string, number> {
    return Object.fromEntries(this.#underWay)
  }

  /** Counts a request as under way at its service's runtime for as long as `work` lasts. */
  async track<T>(service: string, work: () => Promise<T>): Promise<T> {
    this.enter(service)
    try {
      return await work()
    } finally {
      this.leave(service)
    }
  }

  /** One more is under way at a service's runtime. */
  enter(service: string): void {
    this.#underWay.set(service, (this.#underWay.get(service) ?? 0) + 1)
  }

  /** One less. */
  leave(service: string): void {
    const left = (this.#underWay.get(service) ?? 1) - 1
    if (left > 0) this.#underWay.set(service, left)
    else this.#underWay.delete(service)
  }

  /** Counts a refusal. Those that nobody expected get a log line each, up to a limit. */
  noteRefusal(why: Refusal, facts: RequestFacts, error?: unknown): void {
    this.refusals[why] += 1
    if (why === 'closed' || why === 'lost') this.#log.debug({ ...facts, why }, 'a request was refused')
    else this.#logFailure({ ...facts, why, err: error })
  }

  #logFailure(line: RequestFacts & { why: Refusal; err: unknown }): void {
    const second = Math.trunc(performance.now() / 1_000)
    if (second !== this.#second) {
      if (this.#dropped > 0) this.#log.warn({ dropped: this.#dropped }, 'lines about failed requests were dropped')
      this.#second = second
      this.#lines = 0
      this.#dropped = 0
    }
    this.#lines += 1
    if (this.#lines > FAILURE_LINES_MAX) this.#dropped += 1
    else this.#log.warn(line, 'a request failed')
  }
}
