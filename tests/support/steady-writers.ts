// Writers that insert one row after another through the gateway, and remember what was acknowledged and what failed.
import assert from 'node:assert/strict'
import type { ServiceView } from '../../src/contract/api.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import type { TestCloud } from './cloud.ts'

export type Written = { acknowledged: string[]; failed: string[]; longestMs: number }

const PAUSE_MS = 5
let runs = 0

export class SteadyWriters {
  readonly #cloud: TestCloud
  readonly #service: ServiceView
  readonly #acknowledged: string[] = []
  readonly #failed: string[] = []
  readonly #prefix: string
  readonly #everyMs: number
  #longestMs = 0
  #isOver = false
  #running: Promise<unknown> = Promise.resolve()

  private constructor(cloud: TestCloud, service: ServiceView, everyMs: number) {
    runs += 1
    this.#everyMs = everyMs
    this.#cloud = cloud
    this.#service = service
    this.#prefix = `run${runs}`
  }

  /** Starts that many writers at once; each rests for `everyMs` after an answer. */
  static start(cloud: TestCloud, service: ServiceView, count: number, { everyMs = PAUSE_MS } = {}): SteadyWriters {
    const writers = new SteadyWriters(cloud, service, everyMs)
    writers.#running = Promise.all(Array.from({ length: count }, async (_, number) => await writers.#write(number)))
    return writers
  }

  /** How many rows were acknowledged up to now. */
  get count(): number {
    return this.#acknowledged.length
  }

  /** Waits until so many more rows were acknowledged. */
  async untilWritten(count: number): Promise<void> {
    const wanted = this.#acknowledged.length + count
    const isThere = () => (this.#acknowledged.length >= wanted ? true : undefined)
    await waitFor(`${count} more rows`, isThere, { withinMs: 30_000 })
  }

  async stop(): Promise<Written> {
    this.#isOver = true
    await this.#running
    return { acknowledged: this.#acknowledged, failed: this.#failed, longestMs: this.#longestMs }
  }

  /** What each writer wrote later has a later `__updatedAt` and a higher `__version`. */
  async requireOrder(): Promise<void> {
    const rows: { id: string; __updatedAt: string; __version: string }[] = []
    for (;;) {
      const query = `$orderby=id&$top=1000&$skip=${rows.length}&__systemProperties=*`
      const answer = await this.#cloud.app(this.#service, `/tables/TodoItem?${query}`)
      const page = (await answer.json()) as typeof rows
      rows.push(...page)
      if (page.length < 1_000) break
    }
    const versionOf = (row: { __version: string }) =>
      Buffer.from(row.__version, 'base64').reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
    const byId = new Map(rows.map((row) => [row.id, row]))
    const last = new Map<string, { at: string; version: bigint }>()
    for (const id of this.#acknowledged) {
      const row = byId.get(id)
      assert.ok(row, `${id} is missing`)
      const writer = id.split('-').slice(0, 2).join('-')
      const before = last.get(writer)
      const now = { at: row.__updatedAt, version: versionOf(row) }
      assert.ok(!before || now.at >= before.at, `${id} went back from ${before?.at} to ${now.at}`)
      assert.ok(!before || now.version > before.version, `the version of ${id} went back`)
      last.set(writer, now)
    }
  }

  async #write(writer: number): Promise<void> {
    for (let number = 0; !this.#isOver && !this.#cloud.isDisposed; number += 1) {
      const id = `${this.#prefix}-${writer}-${number}`
      const startedAt = performance.now()
      const body = JSON.stringify({ id, text: `row ${id}` })
      const answer = await this.#cloud
        .app(this.#service, '/tables/TodoItem', { method: 'POST', body })
        .then(async (one) => ({ status: one.status, text: await one.text() }))
        .catch((error) => ({ status: 0, text: String(error) }))
      this.#longestMs = Math.max(this.#longestMs, performance.now() - startedAt)
      if (answer.status === 201) this.#acknowledged.push(id)
      else this.#failed.push(`${id}: ${answer.status} ${answer.text}`)
      await pause(this.#everyMs)
    }
  }
}
