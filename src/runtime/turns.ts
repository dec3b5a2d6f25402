// Taking turns: of each key only so much goes on at once, the rest waits in its order.

export class Turns {
  readonly #max: number
  readonly #waiting = new Map<string, { underWay: number; queue: (() => void)[] }>()

  constructor(max: number) {
    this.#max = max
  }

  /** Does the work when it is its turn. Whoever calls bounds how much may wait. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const line = this.#waiting.get(key) ?? { underWay: 0, queue: [] }
    this.#waiting.set(key, line)
    if (line.underWay >= this.#max) await new Promise<void>((resolve) => line.queue.push(resolve))
    else line.underWay += 1
    try {
      return await work()
    } finally {
      const next = line.queue.shift()
      // The turn is handed on.
      if (next) next()
      else line.underWay -= 1
      if (line.underWay === 0) this.#waiting.delete(key)
    }
  }
}
