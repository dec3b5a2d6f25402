// Reads of a table that were slow for want of an index, as a runtime measured them. No value of anybody is in it.

/** What an index on the column would serve. */
export const INDEX_USES = ['equality', 'part of a text', 'range', 'order'] as const
export type IndexUse = (typeof INDEX_USES)[number]

/** `readRows`: how many rows were looked at, to find `foundRows`: both are what PostgreSQL estimates. */
export type SlowRead = {
  table: string
  column: string
  use: IndexUse
  /** How many reads were so slow since `firstAt`. */
  count: number
  slowestMs: number
  readRows: number
  foundRows: number
  firstAt: string
  lastAt: string
}

/** What all processes that serve a service have told, each place once. */
export function mergeSlowReads(told: SlowRead[]): SlowRead[] {
  const byPlace = Map.groupBy(told, ({ table, column, use }) => JSON.stringify([table, column, use]))
  return [...byPlace.values()].flatMap((reads) => {
    const slowest = reads.toSorted((one, other) => other.slowestMs - one.slowestMs)[0]
    if (!slowest) return []
    const [first, last] = [
      reads.map(({ firstAt }) => firstAt).sort()[0],
      reads
        .map(({ lastAt }) => lastAt)
        .sort()
        .at(-1),
    ]
    const count = reads.reduce((sum, read) => sum + read.count, 0)
    return [{ ...slowest, count, firstAt: first ?? slowest.firstAt, lastAt: last ?? slowest.lastAt }]
  })
}

/** The command that helps. */
export function indexCommand(service: string, table: string, column: string): string {
  return `mainstay mobile table update ${service} ${table} --addIndex ${column}`
}

/** What is so, in words. */
export function slowReadText({ column, use, count, slowestMs, readRows, foundRows }: Omit<SlowRead, 'table'>): string {
  const what = use === 'order' ? `an order by ${column}` : `a filter on ${column} (${use})`
  const rows = `looked at about ${readRows} rows to find ${foundRows}`
  return `${count} slow read(s) with ${what}: up to ${Math.round(slowestMs)} ms, ${rows}`
}
