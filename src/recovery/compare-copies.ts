// Compares two copies of a service that go on changing: by ranges of rows first, then row by row, until what is left
// differs every time.
import type { RangesAnswer, RowDigest } from '../contract/service-check.ts'

/** Which ranges of which tables are not the same. */
export function differingRanges(left: RangesAnswer, right: RangesAnswer): { table: string; ranges: number[] }[] {
  return left.tables.flatMap(({ name, ranges }) => {
    const other = right.tables.find((table) => table.name === name)
    const differing = ranges.flatMap((sum, at) => (sum === other?.ranges[at] ? [] : [at]))
    return differing.length > 0 ? [{ table: name, ranges: differing }] : []
  })
}

/** A row that is not the same: by its id, as it is here and there; null where it is not. */
export type RowDifference = { id: string; here: string | null; there: string | null }

/** The rows that are not the same. */
export function differingRows(left: RowDigest[], right: RowDigest[]): RowDifference[] {
  const there = new Map(right.map(([id, version, digest]) => [id, `${version} ${digest}`]))
  const found: RowDifference[] = []
  for (const [id, version, digest] of left) {
    const here = `${version} ${digest}`
    const other = there.get(id) ?? null
    if (other !== here) found.push({ id, here, there: other })
    there.delete(id)
  }
  for (const [id, other] of there) found.push({ id, here: null, there: other })
  return found
}

/** Of two looks at the same rows: what differed both times in the same way, and so is not just on its way. */
export function lasting(first: RowDifference[], second: RowDifference[]): RowDifference[] {
  const before = new Map(first.map((one) => [one.id, one]))
  return second.filter(({ id, here, there }) => {
    const known = before.get(id)
    return known !== undefined && known.here === here && known.there === there
  })
}

/** A difference in words. */
export function differenceText(table: string, { id, here, there }: RowDifference): string {
  if (there === null) return `table ${table}: row '${id}' is not on the standby`
  if (here === null) return `table ${table}: row '${id}' is on the standby only`
  return `table ${table}: row '${id}' is another one on the standby`
}
