// Reads Prometheus's text format, as far as our tests need it.

export type Reading = { name: string; labels: Record<string, string>; value: number }

/** All samples of an answer; throws at a line that is none. */
export function parseExposition(text: string): Reading[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', inner = '', value = ''] = line.match(/^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$/i) ?? []
      if (name === '') throw new TypeError(`not a sample: ${line}`)
      const pairs = [...inner.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/gi)]
      return { name, value: Number(value), labels: Object.fromEntries(pairs.map(([, key, text]) => [key, text])) }
    })
}

/** The value of the one sample of that name and those labels; undefined without one. */
export function readingOf(readings: Reading[], name: string, labels: Record<string, string> = {}): number | undefined {
  const isMeant = (reading: Reading) =>
    reading.name === name && Object.entries(labels).every(([key, value]) => reading.labels[key] === value)
  return readings.find(isMeant)?.value
}
