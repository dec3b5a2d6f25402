// The machines of a fleet that do at once, and rightly, what the rows of the control database want of them.
import type { HostFacts, ProbeAnswer, RuntimeFacts, ServerFacts } from '../../src/contract/facts.ts'
import type { Db } from '../../src/control/database.ts'
import { listServers } from '../../src/databases/servers.ts'
import { type Field, runtimeOf } from '../../src/regions/field.ts'
import { getMachine } from '../../src/regions/regions.ts'
import { listServices, listTables, type Service } from '../../src/services/services.ts'

const NOT_SERVED = new Set(['deleting', 'recovering'])

export class FieldDouble implements Field {
  readonly #db: Db
  /** Machines that cannot be reached. */
  readonly lost = new Set<string>()

  constructor(db: Db) {
    this.#db = db
  }

  push = async () => ({ unreached: [] })
  settle = async () => {}
  isReachable = (machine: string) => !this.lost.has(machine)
  offerOf = () => ({})
  countUnderWay = async () => 0
  checkpoint = async () => {}
  order = async (_machine: string, { path }: { path: string }) => {
    if (!path.startsWith('/servers/')) return {}
    // Whatever is looked for, nothing is wrong.
    return { state: 'done', result: { tables: path.endsWith('/ranges') ? [] : 0, rows: 0, indexes: 0, problems: [] } }
  }
  gateways = async () => ({ live: ['gateway-1'], late: [] })
  probeRuntime = async (target: { service: string; epoch: number }) => await this.#answer(target)
  probeThroughGateway = async (_gateway: string, target: { service: string; epoch: number }) =>
    await this.#answer(target)

  awaitHost = async (name: string) => await this.askHost(name)

  async askHost(name: string): Promise<HostFacts> {
    const machine = await getMachine(this.#db, name)
    const { version } = await this.#db.selectFrom('desired').select('version').executeTakeFirstOrThrow()
    const services = (await listServices(this.#db, null)).filter(
      (service) => service.machine === name && !NOT_SERVED.has(service.state),
    )
    const servers = (await listServers(this.#db)).flatMap(({ members, name: server, epoch }) =>
      members
        .filter((member) => member.machine === name)
        .map(({ role }) => openServer({ name: server, version: Number(version), epoch: Number(epoch), role })),
    )
    const drops = await this.#db.selectFrom('server_drops').select('server').where('machine', '=', name).execute()
    return {
      droppedServers: drops.map(({ server }) => server),
      ...{
        protocol: 2,
        machine: name,
        address: '127.0.0.1',
        port: 1,
        version: Number(version),
        region: machine.domain,
      },
      ...{ servers, runtimes: runtimesOf(services, Number(version)), reach: [], memoryBytes: 0, offer: {} },
    }
  }

  async #answer(target: { service: string; epoch: number }): Promise<ProbeAnswer> {
    const service = (await listServices(this.#db, null)).find(({ name }) => name === target.service)
    const tables = service ? await listTables(this.#db, [service.id]) : []
    return { ...target, token: '', tables: tables.map(({ name }) => ({ name, rows: 0 })), scripts: [] }
  }
}

function openServer(wanted: Pick<ServerFacts, 'name' | 'version' | 'epoch' | 'role'>): ServerFacts {
  return {
    ...wanted,
    ...{ state: 'running', problem: null, lsn: '0/1', timeline: 1, forkLsn: '0/1', standby: null, schemas: [] },
    ...{ lease: { kind: 'free', term: 0, ageMs: null }, lastContactMs: null, dataBytes: null, quarantine: null },
  }
}

// Each service in its shape, and in its second one while it is scaled.
function runtimesOf(services: Service[], version: number): RuntimeFacts[] {
  const runtimes = new Map<string, RuntimeFacts>()
  const add = (service: Service, mode: Service['mode'], processes: number) => {
    const name = runtimeOf({ name: service.name, mode })
    const common = { state: 'running' as const, restarts: 0, problem: null, sandbox: null }
    const runtime = runtimes.get(name) ?? { name, version, processes, ...common, services: [] }
    runtime.services.push({ name: service.name, epoch: Number(service.epoch) })
    runtimes.set(name, runtime)
  }
  for (const service of services) {
    add(service, service.mode, service.units)
    if (service.also_mode !== null) add(service, service.also_mode, service.also_units ?? 1)
  }
  return [...runtimes.values()]
}
