// What was there last, for as long as a page stands: a dialog does not vanish with the reason that it was opened for.
import { useRef } from 'react'

/** The value, or the last one that was none. */
export function useLastKnown<T>(value: T | null): T | null {
  const last = useRef(value)
  if (value !== null) last.current = value
  return last.current
}
