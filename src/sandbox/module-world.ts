// The modules of a service, shared code and custom APIs: one context in which each is loaded once and then stays, as
// long as nothing of them changes.
import { posix } from 'node:path'
import { Script } from 'node:vm'
import { isModuleText, moduleText } from '../kit/module-text.ts'
import { logLine, type Running, running } from './call-under-way.ts'
import { type Inside, makeContext } from './contexts.ts'
import { requestModule } from './fetch-call.ts'
import { httpModule } from './http-modules.ts'
import type { FromSandbox, SandboxLimits } from './messages.ts'
import { callsBack, isNodeModule, nodeModule } from './node-modules.ts'
import type { NpmRequire } from './npm-require.ts'
import type { Apis } from './script-api.ts'
import { scriptLibrary } from './script-libraries.ts'
import { Timers } from './timers.ts'

const CONFIG_MODULE = 'mobileservice-config'
const REQUEST_MODULE = 'request'
const HTTP = new Map<string, Record<string, unknown>>()
const EMPTY = new Script('({})')
const PARSE = new Script('JSON.parse')
const PARAMETERS = 'exports, require, module, __filename, __dirname'

export type WorldDeps = {
  /** Hashes of their texts by name, `shared/mail`. */
  files: Record<string, string>
  textOf: (hash: string) => string | undefined
  config: Record<string, unknown>
  limits: SandboxLimits
  /** npm modules by their names. */
  npm: NpmRequire
  say: (message: FromSandbox) => void
}
type Module = { exports: unknown; loaded: boolean; id: string }

export class ModuleWorld {
  readonly inside: Inside
  readonly apis: Apis
  readonly #deps: WorldDeps
  readonly #modules = new Map<string, Module>()
  readonly #json: typeof JSON.parse
  /** What modules begin while they are loaded outlives the call that first needed them. */
  readonly #timers: Timers
  /** Node's module of that name as far as scripts have it: its timers belong to calls. */
  readonly #timersModule: Record<string, unknown>

  constructor(deps: WorldDeps) {
    this.#deps = deps
    this.#timers = new Timers({ max: deps.limits.timersMax, onIdle: () => {} })
    const timers = {
      setTimeout: (work: () => void, ms?: number) => this.#running().timers.setTimeout(work, ms),
      setInterval: (work: () => void, ms?: number) => this.#running().timers.setInterval(work, ms),
      setImmediate: (work: () => void) => this.#running().timers.setImmediate(work),
      clear: (given: unknown) => {
        this.#timers.clear(given)
        running.getStore()?.timers.clear(given)
      },
    }
    this.inside = makeContext('modules', {
      log: (level, values) => {
        const { call, source } = this.#running()
        deps.say(logLine(call?.number ?? null, source, { level, values }, deps.limits))
      },
      require: (name) => this.require('/', name),
      timers,
    })
    this.#json = this.inside.run(PARSE) as typeof JSON.parse
    this.apis = this.inside.scriptApi()
    const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate } = this.inside.global
    this.#timersModule = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate }
  }

  /** What a script in that folder (`/table`) gets by a name. Throws when there is nothing, or when the module throws. */
  require(folder: string, name: string): unknown {
    if (name === CONFIG_MODULE) return structuredClone(this.#deps.config)
    const bare = name.replace(/^node:/, '')
    if (bare === 'http' || bare === 'https') return httpOnce(bare)
    if (!name.startsWith('.') && !name.startsWith('/')) {
      if (callsBack(name)) spendContext()
      if (bare === 'timers') return { ...this.#timersModule, promises: nodeModule('timers/promises') }
      if (isNodeModule(name)) return nodeModule(name)
      const found = this.#evaluated(name)
      if (found) return found.exports
      return name === REQUEST_MODULE ? requestModule : nodeModule(name)
    }
    const found = this.#find(posix.resolve(folder, name))
    if (found === null) throw new Error(`Cannot find module '${name}' from '${folder}'.`)
    return this.load(found)
  }

  /** The exports of a module by its name, `api/orders`. */
  load(name: string): unknown {
    const known = this.#modules.get(name)
    if (known) return known.exports
    const hash = this.#deps.files[name]
    const text = hash === undefined ? undefined : this.#deps.textOf(hash)
    if (text === undefined) throw new Error(`Cannot find module '${name}'.`)
    const isJson = posix.extname(name) === '.json'
    const source = isJson ? `/${name}` : `/${name}.js`
    const module: Module = { exports: this.inside.run(EMPTY), loaded: false, id: source }
    this.#modules.set(name, module)
    try {
      if (isJson) module.exports = this.#parse(source, text)
      else running.run({ call: null, source, timers: this.#timers }, () => this.#evaluate(source, text, module))
    } catch (error) {
      // As in Node: what failed is tried again by the next who needs it.
      this.#modules.delete(name)
      throw error
    }
    module.loaded = true
    return module.exports
  }

  /** Ends what its modules left running. */
  end(): void {
    this.#timers.end()
  }

  // What a package.json names comes before what is here for scripts of old, as it did. Whoever needs one first is not
  // whose it is; and since Node's own timers are theirs, nobody sees when they come back to a script.
  #evaluated(name: string): { exports: unknown } | undefined {
    const found = running.run({ call: null, source: 'modules', timers: this.#timers }, () => {
      const npm = this.#deps.npm(name)
      if (npm) return npm
      const exports = scriptLibrary(name)
      return exports === undefined ? undefined : { exports }
    })
    if (found) spendContext()
    return found
  }

  // Of the world in which scripts share it: as in Node, each has the same.
  #parse(source: string, text: string): unknown {
    try {
      return this.#json(text.replace(/^\uFEFF/, ''))
    } catch (error) {
      throw new SyntaxError(`<${source}> is no JSON: ${(error as Error).message}`)
    }
  }

  #evaluate(source: string, text: string, module: Module): void {
    // On the same line, so that lines in stacks are those of the file.
    const body = isModuleText(text) ? `"use strict";${moduleText(text)}` : text
    const script = new Script(`(function (${PARAMETERS}) {${body}\n})`, { filename: `<${source}>` })
    const wrapped = this.inside.run(script) as (...values: unknown[]) => void
    const folder = posix.dirname(source)
    const require = (name: unknown) => this.require(folder, String(name))
    wrapped.call(module.exports, module.exports, require, module, source, folder)
  }

  #find(path: string): string | null {
    const name = path.slice(1)
    // As Node looks for files; those of scripts are called without their `.js`.
    const names = [name, name.replace(/\.js$/, ''), `${name}.json`, `${name}/index`, `${name}/index.json`]
    return names.find((one) => Object.hasOwn(this.#deps.files, one)) ?? null
  }

  #running(): Running {
    return running.getStore() ?? { call: null, source: 'modules', timers: this.#timers }
  }
}

function spendContext(): void {
  const call = running.getStore()?.call
  if (call) call.isContextSpent = true
}

function httpOnce(name: 'http' | 'https'): Record<string, unknown> {
  const module = HTTP.get(name) ?? httpModule(`${name}:`)
  HTTP.set(name, module)
  return module
}
