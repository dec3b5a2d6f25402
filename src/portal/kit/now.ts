// The time, as something that is shown and goes on.
import { useEffect, useState } from 'react'

const TICK_MS = 1_000

/** Milliseconds since 1970; renders again every second. */
export function useNow(): number {
  const [nowMs, setNowMs] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), TICK_MS)
    return () => clearInterval(timer)
  }, [])
  return nowMs
}
