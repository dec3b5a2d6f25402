// The scripts of the services that this runtime serves: which one an operation has, its text, and what it says.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { MODULE_NAME, type ScriptAssignment, type ServiceAssignment } from '../contract/assignment.ts'
import { NO_AUTH } from '../contract/auth-provider.ts'
import type { SandboxLevel } from '../contract/facts.ts'
import type { TableOperation } from '../contract/permissions.ts'
import type { RuntimeService } from '../contract/runtime-channel.ts'
import type { EgressPolicy } from '../kit/egress-agent.ts'
import { isFolder, readTextIfAny } from '../kit/files.ts'
import type { Log } from '../kit/log.ts'
import type { ModuleSet, SandboxProcess, ScriptLine } from '../sandbox/sandbox-process.ts'
import { type Place, type SandboxedService, Sandboxes } from '../sandbox/sandboxes.ts'
import { clientsOf, surroundingsOf } from '../sandbox/surroundings.ts'
import type { PushSender } from './push-sender.ts'
import { ScriptFetches } from './script-fetch.ts'
import { ScriptRunCounts } from './script-runs.ts'
import { GatheredLines } from './service-lines.ts'
import { SmallScripts } from './small-scripts.ts'

export class Scripts {
  readonly runs = new ScriptRunCounts()
  /** What was said since its host last took it. */
  readonly lines = new GatheredLines()
  /** Those that need no sandbox. */
  readonly small = new SmallScripts()
  /** What scripts ask of the world. */
  readonly fetches: ScriptFetches
  /** What they push to devices. */
  readonly push: PushSender
  #ids = new Map<string, string>()
  readonly #sandboxes: Sandboxes
  readonly #log: Log

  /** `folder` is for the sandboxes, and made anew. */
  constructor(options: {
    folder: string
    isKeptWarm: boolean
    policy: EgressPolicy
    push: PushSender
    log: Log
  }) {
    const { folder, isKeptWarm } = options
    this.fetches = new ScriptFetches(options.policy)
    this.push = options.push
    this.#log = options.log
    this.#sandboxes = new Sandboxes({ folder, isKeptWarm, log: (service, line) => this.log(service, line) })
  }

  /**
   * How strong the border around scripts is here; a weak one is said in the log. `isLate`: this machine is too busy to
   * tell, and runs none until it is asked again.
   */
  async level(): Promise<{ level: SandboxLevel; isLate: boolean }> {
    const { level, problem, isLate } = await this.#sandboxes.level()
    if (level === 'reduced') this.#log.warn({ problem }, 'scripts run with a reduced border: no namespaces here')
    if (isLate) this.#log.warn({ problem }, 'this machine is too busy to start scripts: it is tried again')
    else if (level === 'off') this.#log.error({ problem }, 'scripts cannot run on this machine')
    return { level, isLate }
  }

  /** Takes the complete list; sandboxes of others end. */
  assign(services: RuntimeService[]): void {
    this.#ids = new Map(services.map(({ name, id }) => [name, id]))
    this.#sandboxes.keep(services.map(sandboxed))
  }

  /** Where its next call runs, if that is known at once; null: see `place`. */
  running(service: RuntimeService): SandboxProcess | null {
    return this.#sandboxes.running(sandboxed(service))
  }

  async place(service: RuntimeService): Promise<Place> {
    if (!(await hasModules(service))) {
      return { kind: 'refused', reason: 'The npm modules of this service have not arrived here yet.' }
    }
    return await this.#sandboxes.place(sandboxed(service))
  }

  /** The script's text, or null while it has not arrived, or is not what its hash says. */
  async findText(service: RuntimeService, script: ScriptAssignment): Promise<string | null> {
    const text = await readTextIfAny(join(service.scriptFolder, script.hash))
    if (text === null || createHash('sha256').update(text).digest('hex') === script.hash) return text
    this.#log.error(
      { service: service.name, script: script.name, hash: script.hash },
      'the text of a script is damaged',
    )
    return null
  }

  /** A line of a script, or about one. */
  log(service: string, line: ScriptLine): void {
    const { level, source, message, requestId } = line
    const request = requestId === null ? {} : { requestId }
    this.#log[level]({ service, script: source, ...request }, message)
    const id = this.#ids.get(service)
    if (id !== undefined) this.lines.add(id, { at: Date.now(), type: LOG_TYPE[level], source, message, requestId })
  }

  /** How many sandboxes there are. */
  get sandboxes(): Sandboxes['counts'] {
    return this.#sandboxes.counts
  }

  close(): void {
    this.#sandboxes.close()
    this.fetches.close()
  }
}

const LOG_TYPE = { info: 'information', warn: 'warning', error: 'error' } as const

/** True once the npm modules of a service are here whole: they are put in their place when they are. */
export async function hasModules({ npmModules, modulesFolder }: RuntimeService): Promise<boolean> {
  if (npmModules === undefined) return true
  // An older host knows of none, and has none.
  return modulesFolder !== undefined && (await isFolder(modulesFolder))
}

/** The script of a table's operation; an empty one is none. */
export function findScript(
  service: ServiceAssignment,
  table: string,
  operation: TableOperation,
): ScriptAssignment | undefined {
  return scriptNamed(service, `table/${table}.${operation}`.toLowerCase())
}

/** The script of that name, in lower case; an empty one is none. */
export function scriptNamed(service: ServiceAssignment, name: string): ScriptAssignment | undefined {
  return scriptsByName(service).get(name)
}

function scriptsByName(service: ServiceAssignment): Map<string, ScriptAssignment> {
  const known = namedScripts.get(service)
  if (known) return known
  // Of two that differ in case only, the first.
  const found = service.scripts.filter(({ bytes }) => bytes > 0).toReversed()
  const made = new Map(found.map((script) => [script.name.toLowerCase(), script]))
  namedScripts.set(service, made)
  return made
}

/** What the scripts of a service can require; null when it has no modules. */
export function modulesOf(service: ServiceAssignment): ModuleSet | null {
  const known = moduleSets.get(service)
  if (known !== undefined) return known
  const modules = service.scripts.filter(({ name }) => MODULE_NAME.test(name))
  const files = Object.fromEntries(modules.map(({ name, hash }) => [name, hash]))
  const key = createHash('sha256').update(JSON.stringify(files)).digest('hex')
  const made = modules.length === 0 ? null : { key, files }
  moduleSets.set(service, made)
  return made
}

/** An assignment stays as it is: another one has another object. */
const moduleSets = new WeakMap<ServiceAssignment, ModuleSet | null>()
const namedScripts = new WeakMap<ServiceAssignment, Map<string, ScriptAssignment>>()
const sandboxedServices = new WeakMap<RuntimeService, SandboxedService>()

function sandboxed(service: RuntimeService): SandboxedService {
  const known = sandboxedServices.get(service) ?? makeSandboxed(service)
  sandboxedServices.set(service, known)
  return known
}

function makeSandboxed(service: RuntimeService): SandboxedService {
  const { name, id, epoch, generation, applicationKey, masterKey, appSettings = {}, modulesFolder } = service
  const { auth = NO_AUTH } = service
  const clients = clientsOf(auth)
  return {
    name,
    id,
    binding: JSON.stringify([id, epoch, generation, applicationKey, masterKey, appSettings, clients, modulesFolder]),
    modules: modulesFolder ?? null,
    ...surroundingsOf({ name, applicationKey, masterKey, appSettings, auth }),
  }
}
