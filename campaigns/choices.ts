// The order of a campaign: shuffled by a seed that is printed, so that a run can be made again.

/** A list in an order that only the seed decides. */
export function shuffled<T>(list: readonly T[], seed: number): T[] {
  const next = numbersFrom(seed)
  return list
    .map((value) => ({ value, rank: next() }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ value }) => value)
}

/** Numbers from 0 up to 1 that only the seed decides. */
export function numbersFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    // https://en.wikipedia.org/wiki/Linear_congruential_generator, with the constants of Numerical Recipes.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

/** A seed for a run that names none. */
export function freshSeed(): number {
  return Date.now() % 1_000_000
}
