// What is wrong with a query, and where: its reader finds the place by the index.

export class QueryError extends Error {
  /** `at`: the index in the text of the query, from 0. */
  constructor(what: string, at: number) {
    super(`${what} (at index ${at})`)
    this.name = 'QueryError'
  }
}
