// Traffic like an app's: inserts rows at a steady rate at the stable URL, then reads back every acknowledged one.
import { Pool } from 'undici'
import { pause } from '../kit/clock.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import {
  PAGE_ROWS_MAX,
  TRAFFIC_CONCURRENCY_MAX,
  TRAFFIC_PAGES_MAX,
  TRAFFIC_REQUEST_MS_MAX,
  TRAFFIC_ROWS_MAX,
  WATCH_RETRY_MS_MAX,
} from '../kit/limits.ts'
import { Ledger, liveLine } from './ledger.ts'

/** A table of a service, as an app reaches it. */
export type TrafficTarget = { pathUrl: string; applicationKey: string; table: string }

type Answer = { status: number; body: string }

/** One run. `run` inserts until aborted; `check` then finds what is missing; `close` at the end. */
export class Traffic {
  readonly ledger = new Ledger(performance.now())
  #pool: Pool
  #path: string
  #key: string
  #ratePerSecond: number
  #prefix = `t-${randomId(4)}-`
  #inFlight = new Set<Promise<void>>()
  #lastProblem = ''
  #sent = 0

  constructor(target: TrafficTarget, options: { ratePerSecond: number }) {
    const url = new URL(target.pathUrl)
    this.#pool = new Pool(url.origin, { connections: TRAFFIC_CONCURRENCY_MAX })
    this.#path = `${url.pathname.replace(/\/+$/, '')}/tables/${encodeURIComponent(target.table)}`
    this.#key = target.applicationKey
    this.#ratePerSecond = options.ratePerSecond
  }

  /** Why the last request that failed did. */
  get lastProblem(): string {
    return this.#lastProblem
  }

  /** The live line of this moment. */
  line(): string {
    const { ledger } = this
    return liveLine({ acked: ledger.acked.size, lost: ledger.lost.size, downMs: ledger.downMs(performance.now()) })
  }

  /** Inserts at the rate until aborted, then waits for what is under way. */
  async run(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now()
    for (let tick = 0; !signal.aborted && this.#sent < TRAFFIC_ROWS_MAX; tick += 1) {
      await pause(Math.max(0, startedAt + (tick * 1_000) / this.#ratePerSecond - performance.now()), signal)
      // When answers stop coming, more requests would only wait behind each other.
      if (signal.aborted || this.#inFlight.size >= TRAFFIC_CONCURRENCY_MAX) continue
      this.#sent += 1
      const request = this.#insert(`${this.#prefix}${String(this.#sent).padStart(7, '0')}`, this.#sent)
      this.#inFlight.add(request)
      request.finally(() => this.#inFlight.delete(request)).catch(() => {})
    }
    await Promise.all(this.#inFlight)
  }

  /** Reads everything back and books what is missing. Tries for a while; faults with `traffic.unchecked`. */
  async check(): Promise<string[]> {
    const deadline = performance.now() + WATCH_RETRY_MS_MAX
    for (;;) {
      try {
        const missing = await this.#findMissing()
        this.ledger.noteLost(missing)
        return missing
      } catch (error) {
        if (performance.now() > deadline) {
          throw new Fault('traffic.unchecked', 503, `the rows could not be read back: ${messageOf(error)}`, {
            hint: 'Look how the service is: mainstay status',
            cause: error,
          })
        }
        await pause(250)
      }
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  async #insert(id: string, number: number): Promise<void> {
    try {
      const body = JSON.stringify({ id, text: `row ${number}`, number })
      const answer = await this.#request('POST', this.#path, body)
      if (answer.status >= 200 && answer.status < 300) {
        this.ledger.noteAcked(id, performance.now())
        return
      }
      this.#lastProblem = `${answer.status} ${answer.body.slice(0, 200)}`
    } catch (error) {
      this.#lastProblem = messageOf(error)
    }
    this.ledger.noteFailed()
  }

  async #findMissing(): Promise<string[]> {
    const missing = new Set(this.ledger.acked)
    for (let page = 0; page < TRAFFIC_PAGES_MAX && missing.size > 0; page += 1) {
      const ids = await this.#readPage(page * PAGE_ROWS_MAX)
      for (const id of ids) missing.delete(id)
      if (ids.length < PAGE_ROWS_MAX) break
    }
    // Rows that come in meanwhile move the pages: what was not seen is asked for by its id.
    const lost: string[] = []
    for (const id of missing) {
      const answer = await this.#request('GET', `${this.#path}/${encodeURIComponent(id)}`)
      if (answer.status === 404) lost.push(id)
      else if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body.slice(0, 200)}`)
    }
    return lost
  }

  async #readPage(skip: number): Promise<string[]> {
    const answer = await this.#request('GET', `${this.#path}?$orderby=id&$top=${PAGE_ROWS_MAX}&$skip=${skip}`)
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body.slice(0, 200)}`)
    const rows: unknown = JSON.parse(answer.body)
    if (!Array.isArray(rows)) throw new Error('the service answered no list')
    return rows.map((row: unknown) =>
      typeof row === 'object' && row !== null && 'id' in row && typeof row.id === 'string' ? row.id : '',
    )
  }

  async #request(method: 'GET' | 'POST', path: string, body?: string): Promise<Answer> {
    const headers = { 'x-zumo-application': this.#key, 'content-type': 'application/json' }
    const signal = AbortSignal.timeout(TRAFFIC_REQUEST_MS_MAX)
    const answer = await this.#pool.request({ method, path, headers, signal, ...(body === undefined ? {} : { body }) })
    return { status: answer.statusCode, body: await answer.body.text() }
  }
}
