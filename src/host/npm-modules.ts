// The npm modules of services on this machine's disk, each set in a folder under its hash. What is missing is fetched from
// control; what is there was looked at once since this process began, and needs nobody.
import { randomBytes } from 'node:crypto'
import { readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServiceAssignment } from '../contract/assignment.ts'
import type { NpmModulesAnswer, NpmModulesPart } from '../contract/npm-modules.ts'
import { MACHINE_NPM_MODULES_PATH } from '../contract/protocols.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { isFolder, makeFolders, removeTree, syncFolder } from '../kit/files.ts'
import { NPM_MODULES_PACKED_BYTES_MAX, NPM_PART_FETCH_MS_MAX, SCRIPT_KEEP_MS } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { hashModules, unpackModules } from '../kit/module-files.ts'
import type { ControlLink } from '../machine/control-link.ts'
import { Missing } from './missing.ts'

const HASH = /^[0-9a-f]{64}$/

export class NpmModules {
  readonly #folder: string
  readonly #control: Pick<ControlLink, 'call'>
  readonly #log: Log
  readonly #missing: Missing
  /** Those that are whole. */
  readonly #whole = new Set<string>()

  constructor(options: { home: string; control: Pick<ControlLink, 'call'>; log: Log }) {
    this.#folder = join(options.home, 'modules')
    this.#control = options.control
    this.#log = options.log
    const fetch = async (hash: string) => await this.#fetch(hash)
    this.#missing = new Missing({ log: options.log, what: 'npm modules of services', fetch })
  }

  /** Where those of a service are, once they are here; null where it has none. */
  folderOf({ npmModules: hash }: ServiceAssignment): string | null {
    return hash === undefined ? null : this.#placeOf(hash)
  }

  /** Fetches what these services lack, and waits for it a moment only. */
  async ensure(services: ServiceAssignment[]): Promise<void> {
    const wanted = new Map(
      services.flatMap(({ name, npmModules: hash }) => (hash === undefined ? [] : [[hash, name] as const])),
    )
    const missing = new Map<string, string>()
    for (const [hash, name] of wanted) if (!(await this.#isHere(hash))) missing.set(hash, name)
    await this.#forgetUnused(wanted)
    await this.#missing.fetch(missing)
  }

  stop(): void {
    this.#missing.stop()
  }

  #placeOf(hash: string): string {
    return join(this.#folder, hash, 'node_modules')
  }

  // A machine that lost its power may have kept a folder and lost what was in it.
  async #isHere(hash: string): Promise<boolean> {
    if (this.#whole.has(hash)) return true
    const place = this.#placeOf(hash)
    if (!(await isFolder(place))) return false
    if ((await hashModules(place).catch(() => null)) === hash) {
      this.#whole.add(hash)
      return true
    }
    this.#log.warn({ hash }, 'npm modules here are not whole: they are fetched anew')
    await removeTree(join(this.#folder, hash))
    return false
  }

  async #fetch(hash: string): Promise<void> {
    if (!HASH.test(hash)) throw new Fault('npm.damaged', 502, `'${hash}' is no hash`)
    const { parts, bytes } = await this.#ask<NpmModulesAnswer>(hash)
    if (bytes > NPM_MODULES_PACKED_BYTES_MAX)
      throw new Fault('npm.damaged', 502, `the npm modules ${hash} are too large`)
    await makeFolders(this.#folder)
    const aside = join(this.#folder, `${hash}.${randomBytes(4).toString('hex')}.tmp`)
    const packed: Buffer[] = []
    for (let part = 0; part < parts; part += 1) {
      const { content } = await this.#ask<NpmModulesPart>(`${hash}/${part}`)
      packed.push(Buffer.from(content, 'base64'))
    }
    try {
      await unpackModules(Buffer.concat(packed), hash, join(aside, 'node_modules'))
      faultPoint('npm.unpacked')
      await rename(aside, join(this.#folder, hash))
      await syncFolder(this.#folder)
      this.#whole.add(hash)
    } finally {
      await removeTree(aside)
    }
  }

  async #ask<T>(what: string): Promise<T> {
    const path = `${MACHINE_NPM_MODULES_PATH}${what}`
    return (await this.#control.call({ method: 'GET', path, timeoutMs: NPM_PART_FETCH_MS_MAX })) as T
  }

  // Also what a fetch left that was killed.
  async #forgetUnused(wanted: ReadonlyMap<string, string>): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const path = join(this.#folder, name)
      const found = await stat(path).catch(() => null)
      if (wanted.has(name) || !found || Date.now() - found.mtimeMs < SCRIPT_KEEP_MS) continue
      this.#whole.delete(name)
      await removeTree(path)
    }
  }
}
