// Structured logs of a process, one JSON line each on stderr.
import { type Logger, pino } from 'pino'

export type Log = Logger

/** A logger that names its role on every line. Level from `MAINSTAY_LOG`, `info` by default. */
export function openLog(role: string, level: string): Log {
  return pino(
    { base: { role }, level, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  )
}
