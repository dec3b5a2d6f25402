// The guard of a host: stops PostgreSQL when its lease runs out, also when the host process is dead or hangs.
import { chmodSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import type { FromGuard, ToGuard } from '../contract/guard-channel.ts'
import { bootMs, pause } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { readJsonLines, writeJsonLine } from '../kit/json-lines.ts'
import { GUARD_HOST_GONE_MS, GUARD_TICK_MS, LEASE_STOP_MARGIN_MS } from '../kit/limits.ts'
import { runMain } from '../kit/main.ts'
import { commandOf, processesIn, signalProcess } from '../kit/processes.ts'
import { isDue, type Watched } from './watched.ts'

/** Runs until its host tells it to exit, or until the host has been gone for long and everything is stopped. */
export async function main(args: string[]): Promise<void> {
  await runMain('guard', { args, usage: ['A guard is started by its host; see: mainstay host --help'] }, run)
}

async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { home: { type: 'string' }, socket: { type: 'string' } } })
  if (!values.socket)
    throw new Fault('options.missing', 400, 'guard needs --socket', { hint: 'See: mainstay guard --help' })
  const watched = new Map<string, Watched>()
  let host: Socket | null = null
  let hostSeenAt = bootMs()
  let isExiting = false

  const take = (message: ToGuard) => {
    hostSeenAt = bootMs()
    if (message.kind === 'watch') watched.set(message.server, { ...message, isFenced: false })
    else if (message.kind === 'forget') watched.delete(message.server)
    else isExiting = true
  }
  await rm(values.socket, { force: true })
  const server = createServer((socket) => {
    // A newer host process replaces an older one's line.
    host?.destroy()
    host = socket
    socket.on('error', () => socket.destroy())
    readJsonLines<ToGuard>(socket, take)
  })
  server.listen(values.socket)
  server.on('listening', () => chmodSync(values.socket ?? '', 0o600))
  // Signals are for the host: it decides when its guard ends. Only SIGKILL ends a guard against its host's will.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

  while (!isExiting) {
    const now = bootMs()
    const isHostGone = now - hostSeenAt > GUARD_HOST_GONE_MS
    for (const entry of watched.values()) {
      if (entry.isFenced || !(isHostGone || isDue(entry, now, LEASE_STOP_MARGIN_MS))) continue
      entry.isFenced = true
      await stopPostgres(entry.dataFolder)
      const fenced: FromGuard = { kind: 'fenced', server: entry.server, atBootMs: bootMs() }
      if (host) writeJsonLine(host, fenced)
    }
    if (isHostGone) break
    await pause(GUARD_TICK_MS)
  }
  // The socket's path is left: a newer guard may have it by now, and the next one removes what is stale.
  process.exit(0)
}

// Immediate shutdown, as a crash would be: a fast one writes a checkpoint and waits for a standby that may be cut off.
async function stopPostgres(dataFolder: string): Promise<void> {
  for (const pid of processesIn(dataFolder)) {
    if (commandOf(pid).includes(`-D ${dataFolder}`)) signalProcess(pid, 'SIGQUIT')
  }
  for (let waited = 0; waited < 150 && processesIn(dataFolder).length > 0; waited += 10) await pause(10)
  for (const pid of processesIn(dataFolder)) signalProcess(pid, 'SIGKILL')
}
