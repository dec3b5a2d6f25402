// Fault points as a test uses them: a folder in which they are armed, and which of them there are.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RECOVERY_STEPS } from '../../src/contract/recovery.ts'
import { waitFor } from '../../src/kit/clock.ts'

/**
 * What is under way when a point is reached. `return`: the lost region comes back and is protected anew. `switchover`: a
 * service, its server and its secondary change places. `attach`: an external server, and a service on it.
 */
export type Story =
  | 'create'
  | 'delete'
  | 'recover'
  | 'return'
  | 'switchover'
  | 'change_database'
  | 'restore_table'
  | 'attach'
export type Point = { name: string; story: Story }

const MOMENTS = ['begun', 'done', 'saved']

/** Every point of every story. */
export const POINTS: Point[] = [
  ...pointsOf('create', ['database', 'runtime', 'route'], []),
  ...pointsOf('delete', ['close', 'data'], ['delete.data.ended']),
  ...pointsOf(
    'recover',
    RECOVERY_STEPS.map(({ name }) => name),
    [
      'recover.database.promoted',
      'recover.activate.moved',
      'recover.reroute.opened',
      'recover.cleanup.consumed',
      'host.promote.ended',
      'host.promote.waited',
      'host.promote.promoted',
      'host.kept.primary',
    ],
  ),
  ...['quarantined', 'standby'].map((role): Point => ({ story: 'return', name: `host.kept.${role}` })),
  ...['emptied', 'copying', 'copied', 'finished'].map((at): Point => ({ story: 'return', name: `host.build.${at}` })),
  ...['streaming', 'arming', 'ready'].map((standing): Point => ({ story: 'return', name: `standby.${standing}` })),
  { story: 'return', name: 'host.lead.initialized' },
  ...pointsOf(
    'switchover',
    ['warm', 'prepare', 'hold', 'swap', 'open', 'release', 'prove', 'secondary', 'follow'],
    [
      'switchover.warm.added',
      'switchover.hold.held',
      'switchover.swap.decided',
      'switchover.secondary.moved',
      'host.stop.stopped',
      'host.promote.ended',
      'host.promote.waited',
      'host.promote.promoted',
      'host.kept.standby',
    ],
  ),
  ...pointsOf(
    'change_database',
    ['hold', 'swap', 'open', 'release', 'prove', 'restamp'],
    ['switchover.hold.held', 'switchover.swap.decided'],
  ),
  ...pointsOf('restore_table', ['restore', 'define'], ['host.restored_service.open', 'restore_table.define.inserted']),
  ...['attach_server.marked', 'host.external.in_turn'].map((name): Point => ({ story: 'attach', name })),
]

function pointsOf(story: Story, steps: string[], others: string[]): Point[] {
  const within = steps.flatMap((step) => MOMENTS.map((moment) => `${story}.${step}.${moment}`))
  return ['operation.claimed', ...within, ...others, `${story}.finished`].map((name) => ({ name, story }))
}

export class FaultPoints {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async make(): Promise<FaultPoints> {
    return new FaultPoints(await mkdtemp(join(tmpdir(), 'mainstay-points-')))
  }

  /** What the roles' environment needs. */
  get env(): NodeJS.ProcessEnv {
    return { MAINSTAY_FAULT_POINTS: this.folder }
  }

  /** The next process that reaches the point dies, or stops until somebody continues it. */
  async arm(name: string, action: 'kill' | 'stop'): Promise<void> {
    await writeFile(join(this.folder, name), action)
  }

  async disarm(): Promise<void> {
    for (const name of await readdir(this.folder)) await rm(join(this.folder, name))
  }

  /** The process that reached it, or null. */
  async hitBy(name: string): Promise<number | null> {
    const found = (await readdir(this.folder)).find((one) => one.startsWith(`${name}.`) && one.endsWith('.hit'))
    return found === undefined ? null : Number(found.split('.').at(-2))
  }

  /** Lets a process go on that stopped itself at a point: once it does stand still, or it would stop only then. */
  async letGo(pid: number): Promise<void> {
    const isStopped = async () => (/\) T /.test(await readFile(`/proc/${pid}/stat`, 'utf8')) ? true : undefined)
    await waitFor('the process to stand still', isStopped, { withinMs: 10_000 })
    process.kill(pid, 'SIGCONT')
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}
