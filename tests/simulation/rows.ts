// The control database of the simulation: the same rows as the real one, changed in transactions that never overlap.
import type { Mode } from '../../src/contract/api.ts'
import type { Snapshot } from '../../src/control/snapshot.ts'
import type { ServerWithMembers } from '../../src/databases/servers.ts'
import type { RecoverInput } from '../../src/recovery/recover-begin.ts'
import type { RecoverFacts } from '../../src/recovery/recover-kind.ts'
import type { Holder, Holding } from '../../src/regions/ledger.ts'
import type { Machine, Region } from '../../src/regions/regions.ts'
import type { Service } from '../../src/services/services.ts'
import { memberRow, serverRow } from '../support/server-rows.ts'
import type { Rules } from './rules.ts'

export type OperationFacts = RecoverFacts & { version?: number; isProven?: boolean }

export type SimOperation = {
  id: string
  kind: 'create' | 'delete' | 'recover'
  serviceId: string
  state: 'running' | 'succeeded' | 'failed' | 'needs_you'
  /** The step that is next. */
  step: number
  facts: OperationFacts
  input: RecoverInput | null
  holder: string | null
  heldUntil: number
  next: string | null
}

export type Incident = { state: 'Degraded' | 'Unhealthy'; goodSince: number | null }

export class Rows {
  readonly machines: Machine[] = []
  readonly regions: Region[] = []
  readonly servers: ServerWithMembers[] = []
  readonly services: Service[] = []
  readonly operations = new Map<string, SimOperation>()
  version = 1
  #epoch = 0

  nextEpoch(): number {
    this.#epoch += 1
    return this.#epoch
  }

  bump(): number {
    this.version += 1
    return this.version
  }

  get living(): Service[] {
    return this.services.filter((service) => service.ended_at === null)
  }

  /** As `readSnapshot`: what assignments are derived from. */
  snapshot(): Snapshot {
    return {
      version: this.version,
      machines: this.machines,
      regions: this.regions,
      servers: this.servers,
      apis: [],
      domains: [],
      certificates: [],
      challenges: [],
      jobs: [],
      services: this.living,
      serverDrops: [],
      drops: [],
      formerSchemas: [],
      backupKey: null,
      cloud: null,
      endedServices: [],
      tables: [],
      scripts: [],
      verdicts: new Map(),
    }
  }

  service(id: string): Service {
    const found = this.services.find((service) => service.id === id)
    if (!found) throw new TypeError(`no service ${id}`)
    return found
  }

  server(name: string): ServerWithMembers {
    const found = this.servers.find((server) => server.name === name)
    if (!found) throw new TypeError(`no server ${name}`)
    return found
  }

  region(slug: string): Region {
    const found = this.regions.find((region) => region.slug === slug)
    if (!found) throw new TypeError(`no region ${slug}`)
    return found
  }

  /** As `listHoldings`. */
  holdings(rules: Rules): Holding[] {
    const holders = this.living.map((service): Holder => {
      const { id, region, machine, mode, units } = service
      const operation = service.operation_id === null ? undefined : this.operations.get(service.operation_id)
      const move = operation?.kind === 'recover' && operation.serviceId === id ? operation.input : null
      return { id, region, machine, mode, units, also: null, move }
    })
    return rules.holdingsOf(holders)
  }

  addMachine(name: string, role: string, domain: string): void {
    const at = { address: '127.0.0.1', port: 1, public_url: null, joined_at: new Date(0) }
    const news = { certificate_until: null, protocol: null, release: null, revoked_at: null }
    this.machines.push({ name, role, domain, ...at, ...news })
  }

  addRegion(name: string, capacity: { reservedUnits: number; sharedSlots: number }): void {
    const ordinal = this.regions.length
    const { reservedUnits: reserved_units, sharedSlots: shared_slots } = capacity
    this.regions.push({ slug: name, name, reserved_units, shared_slots, is_capacity_set: true, ordinal })
  }

  /** A server with its primary and, where one is named, a standby that may be promoted. */
  addServer(name: string, region: string, standby: string | null): void {
    const members = [memberRow({ server: name, machine: region, role: 'primary' })]
    if (standby)
      members.push(
        memberRow({ server: name, machine: standby, role: 'standby', standing: 'ready', lease_term: 1, slot: 's' }),
      )
    const row = serverRow({ name, home_region: region, epoch: String(this.nextEpoch()) })
    this.servers.push({ ...row, members })
  }

  addService(wanted: {
    name: string
    region: string
    server: string
    mode: Mode
    units: number
    state: Service['state']
    secondaryFor: string | null
    operationId: string | null
  }): Service {
    const service: Service = {
      id: `s${this.services.length}`,
      subscription_id: 'default',
      name: wanted.name,
      schema_name: wanted.name,
      region: wanted.region,
      machine: wanted.region,
      mode: wanted.mode,
      units: wanted.units,
      epoch: String(this.nextEpoch()),
      server: wanted.server,
      state: wanted.state,
      application_key: '',
      master_key: '',
      login_password: '',
      is_schema_dynamic: true,
      secondary_for: wanted.secondaryFor,
      operation_id: wanted.operationId,
      created_at: new Date(0),
      ended_at: null,
      is_data_dropped: false,
      also_mode: null,
      also_units: null,
      restarts: 0,
      also_machine: null,
      is_held: false,
      loss_ms_max: 60_000,
      is_key_required: false,
      app_settings: null,
      auth_providers: null,
      login_redirects: [],
      push_settings: null,
      npm_modules: null,
      cors_origins: ['localhost'],
      is_https_required: false,
      body_kb: 1_024,
      is_https_redirected: false,
      hsts_seconds: 0,
      drop_data_at: null,
    }
    this.services.push(service)
    return service
  }
}
