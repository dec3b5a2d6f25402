// What this runtime serves and whether it reaches its databases, looked at in the background.
import pg from 'pg'
import type { RuntimeHealth } from '../contract/facts.ts'
import type { RuntimeService } from '../contract/runtime-channel.ts'
import { pause } from '../kit/clock.ts'
import { messageOf } from '../kit/fault.ts'
import { DATABASE_CHECK_EVERY_MS, DATABASE_CHECK_MS_MAX } from '../kit/limits.ts'
import { isLoginRefusal } from './sql-errors.ts'

type Check = {
  startedAt: number
  running: Promise<void> | null
  problem: string | null
  /** PostgreSQL answered, and did not let us in. */
  isRefused: boolean
  client: pg.Client | null
}

const LOGINS_TRIED_MAX = 3

export class DatabaseHealth {
  readonly #checks = new Map<string, Check>()

  /**
   * Looks at each server, at most once a second while it is reached; answers within the time that a look may take.
   * `refused`: services that were not let in of late. Each of these is looked at by itself, with its own login.
   */
  async of(name: string, services: RuntimeService[], refused: ReadonlySet<string>): Promise<RuntimeHealth> {
    const keyOf = (service: RuntimeService) =>
      refused.has(service.name) ? JSON.stringify([serverKey(service), service.name]) : serverKey(service)
    const byServer = Map.groupBy(services, keyOf)
    for (const key of this.#checks.keys()) if (!byServer.has(key)) this.#forget(key)
    const running: Promise<void>[] = []
    for (const [key, group] of byServer) running.push(this.#check(key, group))
    const aborter = new AbortController()
    await Promise.race([Promise.all(running), pause(DATABASE_CHECK_MS_MAX, aborter.signal)])
    aborter.abort()
    return { name, services: services.map((service) => this.#report(service, this.#checks.get(keyOf(service)))) }
  }

  close(): void {
    for (const key of [...this.#checks.keys()]) this.#forget(key)
  }

  #report(service: RuntimeService, check: Check | undefined): RuntimeHealth['services'][number] {
    const problem = check ? check.problem : 'not looked at yet'
    const isLoginRefused = check?.isRefused ?? false
    const isDatabaseReachable = problem === null || isLoginRefused
    const { server } = service.database
    return { name: service.name, epoch: service.epoch, server, isDatabaseReachable, isLoginRefused, problem }
  }

  async #check(key: string, services: RuntimeService[]): Promise<void> {
    const now = performance.now()
    const check: Check = this.#checks.get(key) ?? {
      startedAt: Number.NEGATIVE_INFINITY,
      running: null,
      problem: 'no answer yet',
      isRefused: false,
      client: null,
    }
    this.#checks.set(key, check)
    if (check.running) return await check.running
    // What was not reached is tried again at every question: it may be back.
    if (check.problem === null && now - check.startedAt < DATABASE_CHECK_EVERY_MS) return
    check.startedAt = now
    check.running = this.#look(check, services)
    await check.running
  }

  async #look(check: Check, services: RuntimeService[]): Promise<void> {
    // The connection at hand first, maybe of an ended epoch. One service's broken login is not the server's fault.
    const ways = [check.client, ...services.slice(0, LOGINS_TRIED_MAX)]
    for (const way of ways) {
      if (way === null) continue
      try {
        if (!(way instanceof pg.Client)) check.client = await connect(way)
        await check.client?.query('select 1')
        check.problem = null
        check.isRefused = false
        break
      } catch (error) {
        check.problem = messageOf(error)
        check.isRefused = isLoginRefusal(error)
        end(check)
      }
    }
    check.running = null
  }

  #forget(key: string): void {
    const check = this.#checks.get(key)
    this.#checks.delete(key)
    if (check) end(check)
  }
}

async function connect(service: RuntimeService): Promise<pg.Client> {
  const { database, user, password } = service.database
  const client = new pg.Client({
    host: service.socketFolder,
    port: 5432,
    database,
    user,
    password,
    application_name: 'mainstay health',
    connectionTimeoutMillis: DATABASE_CHECK_MS_MAX,
    query_timeout: DATABASE_CHECK_MS_MAX,
  })
  // A connection that breaks while idle shows at the next look.
  client.on('error', () => {})
  await client.connect()
  return client
}

function end(check: Check): void {
  check.client?.end().catch(() => {
    // It is gone already.
  })
  check.client = null
}

function serverKey(service: RuntimeService): string {
  const { server, serverEpoch } = service.database
  return JSON.stringify([server, serverEpoch, service.socketFolder])
}
