// Ages, moments and sizes for people, beside the numbers that the command line says, too.
import { formatCount } from '../../contract/amounts.ts'

/** 1, `table` → `1 table`; 3 → `3 tables`. */
export function countOf(count: number, word: string): string {
  return `${formatCount(count)} ${word}${count === 1 ? '' : 's'}`
}

/** How long ago an instant was. */
export function formatAge(instant: string, nowMs: number): string {
  return `${formatSpan(instant, nowMs)} ago`
}

/** How long something lasts by now, in whole steps: a list that ticks every second must not flicker. */
export function formatSpan(since: string, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(since)) / 1_000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`
  const hours = Math.floor(seconds / 3_600)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`
}

/** Fragments of control as sentences of a page: `the standby …` → `The standby …`. A name stays what it is: sql-west-us. */
export function asSentence(text: string): string {
  return /^[a-z]+\s/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text
}

/** In the clock of whoever looks: `2026-11-27 18:04:11`. */
export function formatMoment(instant: string): string {
  const at = new Date(instant)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** `shared`; `reserved, 3 units`. */
export function sizeText({ mode, units }: { mode: 'shared' | 'reserved'; units: number }): string {
  return mode === 'shared' ? 'shared' : `reserved, ${countOf(units, 'unit')}`
}
