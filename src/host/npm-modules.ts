// The npm modules of services on this machine's disk, each set in a folder under its hash. What is missing is fetched from
// control; what is there was looked at once since this process began, and needs nobody.
import { randomBytes } from 'node:crypto'
import { readdir, rename, stat, utimes } from 'node:fs/promises'
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
/** What a folder says that cannot be put in the place of another. */
const TAKEN = new Set(['EEXIST', 'ENOTEMPTY'])

export class NpmModules {
  readonly #folder: string
  readonly #control: Pick<ControlLink, 'call'>
  readonly #log: Log
  readonly #missing: Missing
  /** Those that are whole. */
  readonly #whole = new Set<string>()
  /** Those that services have by the last assignment. */
  #used = new Set<string>()

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
    for (const [hash, name] of wanted) {
      // Whoever fetches it looks again, and says why it cannot be read.
      if (!(await this.#isHere(hash).catch(() => false))) missing.set(hash, name)
    }
    // Sandboxes see those of before until the runtimes have changed over, and some while after.
    await this.#noteUse(new Set([...this.#used, ...wanted.keys()]))
    this.#used = new Set(wanted.keys())
    await this.#missing.fetch(missing)
  }

  /** Removes what no service has had for a while, and what a fetch left that was killed. */
  async forgetUnused(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const path = join(this.#folder, name)
      const found = await stat(path).catch(() => null)
      if (this.#used.has(name) || !found || Date.now() - found.mtimeMs < SCRIPT_KEEP_MS) continue
      this.#whole.delete(name)
      await removeTree(path)
    }
  }

  stop(): void {
    this.#missing.stop()
  }

  #placeOf(hash: string): string {
    return join(this.#folder, hash, 'node_modules')
  }

  // A machine that lost its power may have kept a folder and lost what was in it. Throws where it cannot be read: that
  // says nothing of what is there, and it may be in use.
  async #isHere(hash: string): Promise<boolean> {
    if (this.#whole.has(hash)) return true
    const place = this.#placeOf(hash)
    if (!(await isFolder(place))) return false
    if ((await hashModules(place)) === hash) {
      this.#whole.add(hash)
      return true
    }
    this.#log.warn({ hash }, 'npm modules here are not whole: they are fetched anew')
    await removeTree(join(this.#folder, hash))
    return false
  }

  async #fetch(hash: string): Promise<void> {
    if (!HASH.test(hash)) throw new Fault('npm.damaged', 502, `'${hash}' is no hash`)
    if (await this.#isHere(hash)) return
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
      await rename(aside, join(this.#folder, hash)).catch(async (error) => {
        // It got there meanwhile.
        if (!TAKEN.has(error.code) || !(await this.#isHere(hash))) throw error
      })
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

  async #noteUse(hashes: ReadonlySet<string>): Promise<void> {
    const now = new Date()
    // What is not here is not used.
    for (const hash of hashes) await utimes(join(this.#folder, hash), now, now).catch(() => {})
  }
}
