// The network between machines: messages are late, lost, or cut off in one direction.
import { Fault } from '../../src/kit/fault.ts'
import type { Random } from './random.ts'
import type { Actor, Scheduler, Task } from './scheduler.ts'

export class Network {
  loss = 0
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #cuts = new Map<string, number>()

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler
    this.#random = random
  }

  /** Nothing goes from one machine to the other until a moment. */
  cut(from: string, to: string, until: number): void {
    this.#cuts.set(`${from} ${to}`, until)
  }

  heal(): void {
    this.#cuts.clear()
    this.loss = 0
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.size > 0 && (this.#cuts.get(`${from} ${to}`) ?? 0) > this.#scheduler.now
  }

  /** True while a connection between two machines carries both ways. */
  isWhole(one: string, other: string): boolean {
    return !this.isCut(one, other) && !this.isCut(other, one)
  }

  /** Delivers a message to a process, perhaps. */
  send(from: string, to: { machine: string; actor: Actor }, deliver: () => void): void {
    if (this.isCut(from, to.machine) || (this.loss > 0 && this.#random.chance(this.loss))) return
    // Mostly quick; now and then something stands in a queue until after its sender has given up.
    const ms = this.#random.chance(0.02) ? this.#random.between(50, 2_500) : this.#random.between(0.2, 8)
    this.#scheduler.after(to.actor, ms, () => {
      if (!this.isCut(from, to.machine)) deliver()
    })
  }

  /** Asks and waits for the answer. Faults with `door.unreachable` after a while, whatever became of the question. */
  *call<T>(
    from: { machine: string; actor: Actor },
    to: { machine: string; actor: Actor },
    call: { timeoutMs: number; answer: () => T },
  ): Task<T> {
    let isAnswered = false
    const value = yield (resume, fail) => {
      this.#scheduler.after(from.actor, call.timeoutMs, () => {
        if (!isAnswered) fail(new Fault('door.unreachable', 503, `no answer from ${to.machine}`))
      })
      this.send(from.machine, to, () => {
        let reply: () => void
        try {
          const answer = call.answer()
          reply = () => resume(answer)
        } catch (error) {
          if (!(error instanceof Fault)) throw error
          reply = () => fail(error)
        }
        this.send(to.machine, from, () => {
          isAnswered = true
          reply()
        })
      })
    }
    // The answer of `call.answer`, handed through the scheduler.
    return value as T
  }
}
