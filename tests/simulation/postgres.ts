// A PostgreSQL of the simulation: whether it runs, as what, and who may log in. Its data is what the host's disk says.

export class Postgres {
  isRunning = false
  role: 'primary' | 'standby' = 'primary'
  pausedUntil = 0
  /** Grows with each start: what was under way before is lost. */
  run = 0
  /** Service id → the epoch whose role may log in. */
  readonly logins = new Map<string, number>()

  start(role: 'primary' | 'standby'): void {
    this.isRunning = true
    this.run += 1
    this.role = role
    this.pausedUntil = 0
  }

  stop(): void {
    this.isRunning = false
    this.pausedUntil = 0
  }

  isAnswering(now: number): boolean {
    return this.isRunning && this.pausedUntil <= now
  }
}
