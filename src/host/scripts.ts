// The texts of scripts on this machine's disk, each under its hash. What is missing is fetched from control, and asked for
// again until it is there; what is there is never written again, so that serving needs no control.
import { createHash } from 'node:crypto'
import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServiceAssignment } from '../contract/assignment.ts'
import { MACHINE_SCRIPTS_PATH } from '../contract/protocols.ts'
import { Fault } from '../kit/fault.ts'
import { makeFolders, readTextIfAny, writeFileDurably } from '../kit/files.ts'
import { SCRIPT_FETCH_MS_MAX, SCRIPT_KEEP_MS } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import type { ControlLink } from '../machine/control-link.ts'
import { Missing } from './missing.ts'

export class ScriptTexts {
  readonly folder: string
  readonly #control: Pick<ControlLink, 'call'>
  readonly #missing: Missing

  constructor(options: { home: string; control: Pick<ControlLink, 'call'>; log: Log }) {
    this.folder = join(options.home, 'scripts')
    this.#control = options.control
    const fetch = async (hash: string, name: string) => await this.#fetch(hash, name)
    this.#missing = new Missing({ log: options.log, what: 'texts of scripts', fetch })
  }

  /** Hashes whose text is not here yet. */
  get missing(): string[] {
    return this.#missing.hashes
  }

  /** Fetches what these services lack, and waits for it a moment only. */
  async ensure(services: ServiceAssignment[]): Promise<void> {
    const wanted = new Map(
      services.flatMap((service) => service.scripts.map(({ name, hash }) => [hash, name] as const)),
    )
    await makeFolders(this.folder)
    const missing = new Map<string, string>()
    for (const [hash, name] of wanted) if (!(await this.#isHere(hash))) missing.set(hash, name)
    await this.#forgetUnused(wanted)
    await this.#missing.fetch(missing)
  }

  stop(): void {
    this.#missing.stop()
  }

  async #fetch(hash: string, name: string): Promise<void> {
    const path = `${MACHINE_SCRIPTS_PATH}${hash}` as const
    const answer = await this.#control.call({ method: 'GET', path, timeoutMs: SCRIPT_FETCH_MS_MAX })
    const text = textOf(answer)
    if (text === null || hashOf(text) !== hash) {
      throw new Fault('script.damaged', 502, `control's text of ${name} is not the one with the hash ${hash}`)
    }
    await writeFileDurably(join(this.folder, hash), text)
  }

  async #isHere(hash: string): Promise<boolean> {
    const text = await readTextIfAny(join(this.folder, hash))
    return text !== null && hashOf(text) === hash
  }

  async #forgetUnused(wanted: ReadonlyMap<string, string>): Promise<void> {
    for (const name of await readdir(this.folder)) {
      const path = join(this.folder, name)
      const found = await stat(path).catch(() => null)
      if (wanted.has(name) || !found || Date.now() - found.mtimeMs < SCRIPT_KEEP_MS) continue
      // Gone already is as good.
      await unlink(path).catch(() => {})
    }
  }
}

function textOf(answer: unknown): string | null {
  if (typeof answer !== 'object' || answer === null || !('text' in answer)) return null
  return typeof answer.text === 'string' ? answer.text : null
}

function hashOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
