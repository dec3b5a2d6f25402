// How much of something is under way at once: of one owner, and of all together.

export class AtOnce {
  readonly #perOwner: number
  readonly #all: number
  readonly #underWay = new Map<string, number>()
  #total = 0

  constructor(max: { perOwner: number; all: number }) {
    this.#perOwner = max.perOwner
    this.#all = max.all
  }

  /** Whose share is used up, if any. */
  fullOf(owner: string): 'owner' | 'all' | null {
    if ((this.#underWay.get(owner) ?? 0) >= this.#perOwner) return 'owner'
    return this.#total >= this.#all ? 'all' : null
  }

  /** Counts `work` while it is under way. */
  async during<T>(owner: string, work: () => Promise<T>): Promise<T> {
    this.#underWay.set(owner, (this.#underWay.get(owner) ?? 0) + 1)
    this.#total += 1
    try {
      return await work()
    } finally {
      this.#total -= 1
      const left = (this.#underWay.get(owner) ?? 1) - 1
      if (left > 0) this.#underWay.set(owner, left)
      else this.#underWay.delete(owner)
    }
  }
}
