// Load on an HTTP server, and what the processes behind it used of the processors meanwhile.
import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'

/**
 * Where requests go, and by which headers they are understood there. `socketPath`: of a unix socket; `prefix`: what their
 * paths have before them.
 */
export type Target = { url: string; socketPath?: string; prefix?: string; headers: Record<string, string> }
/** `timesMicros`: of every answer. */
export type Loaded = { perSecond: number; timesMicros: number[] }
export type Asked = { method: 'GET' | 'POST' | 'PATCH' | 'DELETE'; path: string; body?: string }

const MICROS_PER_TICK = 10_000

/** Sends these requests in turns over so many connections, each with one under way. All must be answered well. */
export async function load(
  target: Target,
  requests: Asked[],
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Loaded> {
  const timesMicros: number[] = []
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const options = {
      url: target.url,
      ...(target.socketPath === undefined ? {} : { socketPath: target.socketPath }),
      headers: { 'content-type': 'application/json', ...target.headers },
      ...{ connections, duration: seconds },
      requests: requests.map((one) => ({ ...one, path: `${target.prefix ?? ''}${one.path}` })),
    }
    const running = autocannon(options, (error: Error | null, done) => (error ? reject(error) : resolve(done)))
    running.on('response', (_client, _status, _bytes, ms) => timesMicros.push(ms * 1_000))
  })
  const refused = result.non2xx + result.errors + result.timeouts
  if (refused > 0)
    throw new Error(`${refused} of ${timesMicros.length} requests to ${target.url} were not answered well`)
  return { perSecond: timesMicros.length / result.duration, timesMicros }
}

/** The processors' time of these processes, in microseconds; those that ended meanwhile are not in it. */
export function processorMicros(pids: number[]): number {
  return pids.reduce((sum, pid) => sum + ticksOf(pid), 0) * MICROS_PER_TICK
}

function ticksOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  } catch {
    return 0
  }
}
