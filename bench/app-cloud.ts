// A cloud with one mobile service for measurements of what apps see: without a standby, with tables that are read,
// written and written through scripts.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostAssignment, ServiceAssignment } from '../src/contract/assignment.ts'
import { socketFolderOf } from '../src/kit/home-folder.ts'
import { commandOf, findProcesses, treeOf } from '../src/kit/processes.ts'
import { TestCloud } from '../tests/support/cloud.ts'
import { INSERT_SCRIPTS, READ_TABLE, WRITTEN_TABLE } from './app-work.ts'
import type { Target } from './load.ts'

export const SERVER = 'sql-west-us'
const SERVICE = 'Shop'

export class AppCloud {
  readonly cloud: TestCloud
  /** As the host has it: where it is served, and with which login its rows are reached. */
  readonly assigned: ServiceAssignment

  private constructor(cloud: TestCloud, assigned: ServiceAssignment) {
    this.cloud = cloud
    this.assigned = assigned
  }

  static async start(): Promise<AppCloud> {
    const cloud = await TestCloud.start('empty')
    try {
      await cloud.ok(['mobile', 'create', SERVICE, '--location', 'West US'])
      for (const table of [READ_TABLE, WRITTEN_TABLE, ...Object.keys(INSERT_SCRIPTS)]) {
        await cloud.ok(['mobile', 'table', 'create', SERVICE, table])
      }
      // What a standby costs is measured by bench:databases.
      await cloud.ok(['sql', 'server', 'protect', SERVER, '--protection', 'none', '-q'])
      const file = join(cloud.home, 'insert.js')
      for (const [table, script] of Object.entries(INSERT_SCRIPTS)) {
        await writeFile(file, script)
        await cloud.ok(['mobile', 'script', 'upload', SERVICE, `table/${table}.insert.js`, '--file', file])
      }
      const text = await readFile(join(cloud.home, 'hosts', 'west-us', 'assignment.json'), 'utf8')
      const { runtimes } = JSON.parse(text) as HostAssignment
      const assigned = runtimes.flatMap(({ services }) => services).find(({ name }) => name === SERVICE)
      if (!assigned) throw new Error('the host serves no such service')
      return new AppCloud(cloud, assigned)
    } catch (error) {
      await cloud.dispose()
      throw error
    }
  }

  /** Past the gateway: with the headers that it would send. */
  get runtime(): Target {
    const [socketPath = ''] = this.#runtimes().map((pid) => /--socket (\S+)/.exec(commandOf(pid))?.[1] ?? '')
    const { name, epoch, applicationKey } = this.assigned
    const routed = { 'x-mainstay-service': name, 'x-mainstay-epoch': String(epoch) }
    return { url: 'http://runtime', socketPath, headers: { 'x-zumo-application': applicationKey, ...routed } }
  }

  /** As apps come. */
  get gateway(): Target {
    const headers = { 'x-zumo-application': this.assigned.applicationKey }
    return { url: this.cloud.gatewayUrl, prefix: `/services/${SERVICE.toLowerCase()}`, headers }
  }

  /** The folder of the socket of its PostgreSQL. */
  get postgresFolder(): string {
    return join(socketFolderOf(join(this.cloud.home, 'hosts', 'west-us')), SERVER)
  }

  /** Whose processors' time is whose: sandboxes are the runtime's; `way`: all that an app's request passes. */
  get processes(): { runtime: number[]; way: number[]; postgres: number[] } {
    const runtime = this.#runtimes().flatMap(treeOf)
    const way = [this.cloud.rolePid('gateway'), this.cloud.rolePid('west-us'), ...runtime]
    return { runtime, way, postgres: findProcesses(this.cloud.home, ' -D ', `${SERVER}/data`).flatMap(treeOf) }
  }

  async dispose(): Promise<void> {
    await this.cloud.dispose()
  }

  #runtimes(): number[] {
    return treeOf(this.cloud.rolePid('west-us')).filter((pid) => / runtime .*--name shared/.test(commandOf(pid)))
  }
}
