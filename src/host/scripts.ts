// The texts of scripts on this machine's disk, each under its hash. What is missing is fetched from control, and asked for
// again until it is there; what is there is never written again, so that serving needs no control.
import { createHash } from 'node:crypto'
import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServiceAssignment } from '../contract/assignment.ts'
import { MACHINE_SCRIPTS_PATH } from '../contract/protocols.ts'
import { pause, repeat } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { makeFolders, readTextIfAny, writeFileDurably } from '../kit/files.ts'
import {
  SCRIPT_FETCH_MS_MAX,
  SCRIPT_FETCHES_MAX,
  SCRIPT_KEEP_MS,
  SCRIPT_RETRY_MS,
  SCRIPT_WAIT_MS_MAX,
} from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import type { ControlLink } from '../machine/control-link.ts'

export class ScriptTexts {
  readonly folder: string
  readonly #control: Pick<ControlLink, 'call'>
  readonly #log: Log
  readonly #aborter = new AbortController()
  #missing = new Map<string, string>()
  #fetching: Promise<void> | null = null

  constructor(options: { home: string; control: Pick<ControlLink, 'call'>; log: Log }) {
    this.folder = join(options.home, 'scripts')
    this.#control = options.control
    this.#log = options.log
  }

  /** Hashes whose text is not here yet. */
  get missing(): string[] {
    return [...this.#missing.keys()]
  }

  /**
   * Fetches what these services lack, and waits for it a moment only: a text that cannot be had must not keep services
   * from being served. It is asked for again until it is there.
   */
  async ensure(services: ServiceAssignment[]): Promise<void> {
    const wanted = new Map(
      services.flatMap((service) => service.scripts.map(({ name, hash }) => [hash, name] as const)),
    )
    await makeFolders(this.folder)
    const missing = new Map<string, string>()
    for (const [hash, name] of wanted) if (!(await this.#isHere(hash))) missing.set(hash, name)
    this.#missing = missing
    await this.#forgetUnused(wanted)
    if (missing.size === 0) return
    const aborter = new AbortController()
    const soon = pause(SCRIPT_WAIT_MS_MAX, aborter.signal)
    await Promise.race([this.#fetchAll(), soon])
    aborter.abort()
  }

  stop(): void {
    this.#aborter.abort()
  }

  // One round at a time, and rounds until nothing is missing.
  async #fetchAll(): Promise<void> {
    this.#fetching ??= this.#fetchUntilDone().finally(() => {
      this.#fetching = null
    })
    await this.#fetching
  }

  async #fetchUntilDone(): Promise<void> {
    const done = new AbortController()
    const signal = AbortSignal.any([done.signal, this.#aborter.signal])
    const onError = (error: unknown) => this.#log.warn({ err: error }, 'a script could not be fetched, trying again')
    await repeat({ everyMs: SCRIPT_RETRY_MS, signal, onError }, async () => {
      const results = await this.#fetchOnce()
      if (this.#missing.size === 0) done.abort()
      const failed = results.find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
    })
  }

  async #fetchOnce(): Promise<PromiseSettledResult<void>[]> {
    const queue = [...this.#missing]
    const results: PromiseSettledResult<void>[] = []
    while (queue.length > 0) {
      const part = queue.splice(0, SCRIPT_FETCHES_MAX)
      results.push(...(await Promise.allSettled(part.map(async ([hash, name]) => await this.#fetch(hash, name)))))
    }
    return results
  }

  async #fetch(hash: string, name: string): Promise<void> {
    const path = `${MACHINE_SCRIPTS_PATH}${hash}` as const
    const answer = await this.#control.call({ method: 'GET', path, timeoutMs: SCRIPT_FETCH_MS_MAX })
    const text = textOf(answer)
    if (text === null || hashOf(text) !== hash) {
      throw new Fault('script.damaged', 502, `control's text of ${name} is not the one with the hash ${hash}`)
    }
    await writeFileDurably(join(this.folder, hash), text)
    this.#missing.delete(hash)
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
