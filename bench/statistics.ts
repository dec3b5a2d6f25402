// Count, median and p99 of a list of measurements, and a table of several.

export type Summary = { n: number; median: number; p99: number; max: number }

/** Summarises measurements; p99 of fewer than 100 is the largest. */
export function summarise(values: number[]): Summary {
  const sorted = [...values].sort((left, right) => left - right)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0
  const [median, p99, max] = [at(0.5), at(0.99), sorted.at(-1) ?? 0].map(Math.round)
  return { n: sorted.length, median: median ?? 0, p99: p99 ?? 0, max: max ?? 0 }
}

/** Prints rows as a table that can be pasted into a document. */
export function printTable(rows: Record<string, Summary>, unit: string): void {
  console.log(`| | n | median ${unit} | p99 ${unit} |`)
  console.log('| --- | --- | --- | --- |')
  for (const [name, { n, median, p99 }] of Object.entries(rows)) console.log(`| ${name} | ${n} | ${median} | ${p99} |`)
}
