// How hard this gateway works: how busy its one thread was in the last seconds, and what it turned away for it.
import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import type { GatewayLoad } from '../contract/facts.ts'
import { GATEWAY_LOAD_WINDOW_MS } from '../kit/limits.ts'

type Mark = { at: number; loop: EventLoopUtilization; turnedAway: number }

export class Load {
  readonly #turnedAway: () => number
  #marks: Mark[]

  /** `turnedAway`: requests that were ever turned away since too many waited. */
  constructor(turnedAway: () => number) {
    this.#turnedAway = turnedAway
    this.#marks = [this.#mark()]
  }

  /** Over the last seconds; to be called now and then. */
  read(): GatewayLoad {
    const now = this.#mark()
    this.#marks.push(now)
    // The newest one that is old enough is where the window begins.
    const begin = this.#marks.findLast(({ at }) => now.at - at >= GATEWAY_LOAD_WINDOW_MS) ?? this.#marks[0] ?? now
    this.#marks = this.#marks.slice(this.#marks.indexOf(begin))
    const { utilization } = performance.eventLoopUtilization(now.loop, begin.loop)
    const isShort = now.at - begin.at < GATEWAY_LOAD_WINDOW_MS
    // A process that has just begun has been busy with that alone.
    return { busy: isShort ? 0 : utilization, turnedAway: now.turnedAway - begin.turnedAway }
  }

  #mark(): Mark {
    return { at: performance.now(), loop: performance.eventLoopUtilization(), turnedAway: this.#turnedAway() }
  }
}
