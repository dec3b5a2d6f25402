// Whether what a push brings can be loaded: its start-up, extensions and APIs, as modules, and the scripts of its
// tables and jobs, each in a context of its own, in a sandbox beside control, with what they find at their home around
// them. Nothing is called, and nothing asked for is carried out.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { MODULE_NAME } from '../contract/assignment.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { SOURCE_ROOT } from '../contract/deployment.ts'
import { messageOf } from '../kit/fault.ts'
import { makeFolders, removeTree } from '../kit/files.ts'
import { randomId } from '../kit/identifiers.ts'
import { SOURCE_LOAD_MESSAGE_LENGTH_MAX, SOURCE_LOAD_MS_MAX } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { unpackModules } from '../kit/module-files.ts'
import type { ScriptOperation } from '../sandbox/messages.ts'
import type { CallResult, SandboxProcess } from '../sandbox/sandbox-process.ts'
import { Sandboxes } from '../sandbox/sandboxes.ts'
import { surroundingsOf } from '../sandbox/surroundings.ts'
import { appSettingsOf } from '../services/app-settings.ts'
import { authOf } from '../services/auth-providers.ts'
import { describeModules, readModulesPart } from '../services/npm-modules.ts'
import { parseScriptName } from '../services/scripts.ts'
import type { Service } from '../services/services.ts'
import type { TryLoading } from '../source/check-commit.ts'
import { entriesOf, findingsOf, type Loaded, toldOf } from './loading-findings.ts'

type Deps = { folder: string; db: Kysely<ControlDatabase>; open: (sealed: string) => string; log: Log }
/** The modules that are taught, and the texts of all scripts by name. */
type Own = {
  files: Record<string, string>
  texts: Map<string, string>
  key: string
  scripts: ReadonlyMap<string, string>
}

export class LoadingTrial {
  readonly #deps: Deps
  /** Made when a push first brings something to load. */
  #sandboxes: Sandboxes | null = null
  /** One at a time: machines with control on them have other things to do. */
  #turn: Promise<unknown> = Promise.resolve()
  #isClosed = false

  /** `folder`: for its sandboxes; short, and ours alone. */
  constructor(deps: Deps) {
    this.#deps = deps
  }

  tryLoading: TryLoading = async (service, { wanted, modules }) => {
    const entries = entriesOf([...wanted.scripts].flatMap(([name, text]) => (text === '' ? [] : [name])))
    if (entries.length === 0) return { problems: [], notes: [] }
    const turn = this.#turn.then(async () => await this.#load(service, entries, ownOf(wanted.scripts), modules.hash))
    // Whoever is next does not care how it went.
    this.#turn = turn.catch(() => {})
    try {
      return findingsOf(await turn, entries.length)
    } catch (error) {
      // Best effort: that it could not be tried says nothing of what was pushed, and its home may fare better.
      this.#deps.log.warn({ err: error, service: service.name }, 'what was pushed could not be loaded for a trial')
      return { problems: [], notes: [notTried(messageOf(error))] }
    }
  }

  /** Ends what runs. */
  close(): void {
    this.#isClosed = true
    this.#sandboxes?.close()
  }

  async #load(service: Service, entries: string[], own: Own, npm: string | null): Promise<Loaded[]> {
    if (this.#isClosed) throw new Error('control is being stopped')
    const { folder, open } = this.#deps
    const sandboxes = await this.#border(join(folder, 'jail'))
    const modulesFolder = join(folder, 'modules')
    try {
      const { name, id } = service
      const place = await sandboxes.place({
        ...{ name, id, binding: randomId() },
        modules: npm === null ? null : await this.#unpack(npm, modulesFolder),
        ...surroundingsOf({
          name,
          applicationKey: open(service.application_key),
          masterKey: open(service.master_key),
          appSettings: appSettingsOf(service, open),
          auth: authOf(service, open),
        }),
      })
      if (place.kind === 'refused') throw new Error(place.reason)
      return await loadAll(place.sandbox, entries, own)
    } finally {
      sandboxes.keep([])
      await removeTree(modulesFolder)
    }
  }

  // Behind the whole border only: control's machine has keys that no script may come near.
  async #border(folder: string): Promise<Sandboxes> {
    this.#sandboxes ??= new Sandboxes({ folder, isKeptWarm: false, log: () => {} })
    const sandboxes = this.#sandboxes
    const { level, problem } = await sandboxes.level()
    if (level === 'full') return sandboxes
    // The next one looks again: this machine may only have been slow.
    this.#sandboxes = null
    sandboxes.close()
    throw new Error(`no full sandbox where control runs: ${problem ?? level}`)
  }

  // Below their hash: a jail that has seen them is found again by it.
  async #unpack(hash: string, folder: string): Promise<string> {
    const { db } = this.#deps
    await removeTree(folder)
    await makeFolders(join(folder, hash))
    const { parts } = await describeModules(db, hash)
    const packed: Buffer[] = []
    for (let part = 0; part < parts; part += 1) packed.push(await readModulesPart(db, hash, part))
    const place = join(folder, hash, 'node_modules')
    await unpackModules(Buffer.concat(packed), hash, place)
    return place
  }
}

function ownOf(scripts: ReadonlyMap<string, string>): Own {
  const files: Record<string, string> = {}
  const texts = new Map<string, string>()
  for (const [name, text] of scripts) {
    if (!MODULE_NAME.test(name)) continue
    const hash = hashOf(text)
    files[name] = hash
    texts.set(hash, text)
  }
  return { files, texts, key: 'trial', scripts }
}

async function loadAll(sandbox: SandboxProcess, entries: string[], own: Own): Promise<Loaded[]> {
  const { key, files, texts, scripts } = own
  sandbox.teach({ key, files }, texts)
  const deadline = performance.now() + SOURCE_LOAD_MS_MAX
  const loaded: Loaded[] = []
  for (const name of entries) {
    const result = await load(sandbox, { name, text: scripts.get(name) ?? '', key, deadline })
    loaded.push({ name, failure: failureOf(result) })
    // It ended, or is busy with this one for ever.
    if (result?.kind !== 'answered') break
  }
  return loaded
}

// Null when it takes too long.
async function load(
  sandbox: SandboxProcess,
  { name, text, key, deadline }: { name: string; text: string; key: string; deadline: number },
): Promise<CallResult | null> {
  const hash = hashOf(text)
  // Those of modules were taught.
  const isKnown = MODULE_NAME.test(name) || sandbox.knows(hash)
  const { result, number } = sandbox.call(
    {
      ...{ ...loadOf(name), modules: key, user: { level: 'admin', id: null } },
      script: { source: `/${name}.js`, hash, text: isKnown ? null : text },
    },
    {
      // Never answered: the service's data is not ours to touch, and the sandbox ends before anybody minds.
      ask: async () => await new Promise(() => {}),
      ...{ onOver: () => {}, onLine: () => {}, deadline, requestId: '' },
    },
  )
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), Math.max(0, deadline - performance.now()))
  })
  const ended = await Promise.race([result, limit])
  clearTimeout(timer)
  // What it left running would be in the way of those after it.
  sandbox.forget(number)
  return ended
}

// How it is begun, by what it is.
function loadOf(name: string) {
  const parsed = parseScriptName(name)
  switch (parsed.kind) {
    case 'table': {
      const { table, operation } = parsed
      return { what: 'load', of: 'table', table, operation: functionOf(operation) } as const
    }
    case 'scheduler':
      return { what: 'load', of: 'job', name: parsed.job } as const
    default:
      return { what: 'extension', hook: 'load', module: name, registration: '' } as const
  }
}

function functionOf(operation: string): ScriptOperation {
  return operation === 'delete' ? 'del' : (operation as ScriptOperation)
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function failureOf(result: CallResult | null): Loaded['failure'] {
  if (result?.kind !== 'answered') return { kind: 'unknown' }
  const { answer } = result
  return answer.kind === 'failed' ? { kind: 'threw', message: cut(toldOf(String(answer.message))) } : null
}

// A copy: a slice alone would keep all of a long one.
function cut(message: string): string {
  return Buffer.from(message.slice(0, SOURCE_LOAD_MESSAGE_LENGTH_MAX)).toString()
}

function notTried(why: string): string {
  return `${SOURCE_ROOT}: it could not be tried whether this loads (${why})`
}
