// Virtual time: events in order, processes that can be paused and killed, tasks that wait, clocks that differ.
import { Fault } from '../../src/kit/fault.ts'

/** A process. What was scheduled for it dies with it, and waits while it is stopped. */
export class Actor {
  readonly name: string
  generation = 0
  isAlive = true
  pausedUntil = 0

  constructor(name: string) {
    this.name = name
  }

  kill(): void {
    this.generation += 1
    this.isAlive = false
    this.pausedUntil = 0
  }

  start(): void {
    this.isAlive = true
  }
}

/** A machine's time since boot, as kit/clock gives it: in steps of 10 ms, a little fast or slow. */
export type Clock = { rate: number; offset: number }

type Event = { at: number; order: number; actor: Actor | null; generation: number; run: () => void }

/** What a task gives back while it waits: called with how to go on. */
export type Suspend = (resume: (value: unknown) => void, fail: (error: unknown) => void) => void
export type Task<T> = Generator<Suspend, T, unknown>

/** Thrown where a process is to die in the middle of what it does; `end` ends it. */
export class Killed extends Error {
  readonly end: () => void

  constructor(end: () => void) {
    super('killed')
    this.end = end
  }
}

export class Scheduler {
  now = 0
  events = 0
  readonly #heap: Event[] = []
  #order = 0

  /** Runs something later, in the name of a process; a dead one does nothing any more. */
  after(actor: Actor | null, ms: number, run: () => void): void {
    this.#order += 1
    const generation = actor?.generation ?? 0
    this.#push({ at: this.now + ms, order: this.#order, actor, generation, run })
  }

  /** Runs everything up to a moment. */
  runUntil(end: number, onEvent: () => void): void {
    for (;;) {
      const first = this.#heap[0]
      if (!first || first.at > end) break
      this.#pop()
      this.now = first.at
      const { actor } = first
      if (actor && (actor.generation !== first.generation || !actor.isAlive)) continue
      if (actor && actor.pausedUntil > this.now) {
        this.#push({ ...first, at: actor.pausedUntil })
        continue
      }
      this.events += 1
      try {
        first.run()
      } catch (error) {
        if (!(error instanceof Killed)) throw error
        error.end()
      }
      onEvent()
    }
    this.now = end
  }

  /** Starts a task in the name of a process. A Fault that it throws is its own affair. */
  spawn(actor: Actor, task: Task<void>): void {
    const { generation } = actor
    const step = (advance: () => IteratorResult<Suspend, void>) => {
      if (actor.generation !== generation) return
      let result: IteratorResult<Suspend, void>
      try {
        result = advance()
      } catch (error) {
        if (error instanceof Fault) return
        throw error
      }
      if (result.done) return
      let isOver = false
      const once = (go: () => IteratorResult<Suspend, void>) => {
        if (isOver) return
        isOver = true
        step(go)
      }
      result.value(
        (value) => once(() => task.next(value)),
        (error) => once(() => task.throw(error)),
      )
    }
    step(() => task.next())
  }

  *sleep(actor: Actor, ms: number): Task<void> {
    yield (resume) => this.after(actor, ms, () => resume(undefined))
  }

  #push(event: Event): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(event)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]
      if (!above || !isBefore(event, above)) break
      heap[index] = above
      index = parent
    }
    heap[index] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let index = 0
    for (;;) {
      let child = index * 2 + 1
      const left = heap[child]
      if (!left) break
      const right = heap[child + 1]
      if (right && isBefore(right, left)) child += 1
      const least = heap[child]
      if (!least || !isBefore(least, last)) break
      heap[index] = least
      index = child
    }
    heap[index] = last
  }
}

/** A machine's clock now. */
export function bootMsOf(clock: Clock, now: number): number {
  return Math.floor((clock.offset + now * clock.rate) / 10) * 10
}

function isBefore(left: Event, right: Event): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order)
}
