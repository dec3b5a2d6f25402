// Numbers for people, the same in the command line and in the portal: times, sizes, counts.

/** 840 → `840 ms`, 6140 → `6.1 s`, 125000 → `2 min 5 s`, 26 h → `26 h 0 min`, 50 h → `2 d 2 h`. */
export function formatMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 99_950) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  const hours = Math.floor(seconds / 3_600)
  if (hours < 48) return `${hours} h ${Math.floor((seconds % 3_600) / 60)} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** 1536 → `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let amount = bytes
  let unit = 0
  while (amount >= 1_024 && unit < units.length - 1) {
    amount /= 1_024
    unit += 1
  }
  return unit === 0 ? `${amount} ${amount === 1 ? 'byte' : 'bytes'}` : `${amount.toFixed(1)} ${units[unit]}`
}

/** 1204 → `1,204`. */
export function formatCount(count: number): string {
  return String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** In what a number is. */
export type Unit = 'count' | 'ms' | 'bytes' | 'ratio'

/** 0.42 as a ratio → `42 %`; 840 as milliseconds → `840 ms`. */
export function formatAmount(unit: Unit, value: number): string {
  if (unit === 'ms') return formatMs(value)
  if (unit === 'bytes') return formatBytes(Math.round(value))
  return unit === 'ratio' ? `${Math.round(value * 100)} %` : formatCount(Math.round(value))
}
