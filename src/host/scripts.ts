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
  #isTrying = false

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
    // Each is tried once; who waits longer than that would wait for a control that is gone.
    await Promise.race([this.#fetchOnce(), pause(SCRIPT_WAIT_MS_MAX, aborter.signal)])
    aborter.abort()
    if (this.#missing.size > 0) this.#keepTrying()
  }

  stop(): void {
    this.#aborter.abort()
  }

  #keepTrying(): void {
    if (this.#isTrying) return
    this.#isTrying = true
    this.#log.warn(
      { missing: [...this.#missing.values()] },
      'texts of scripts are missing, trying again until they are here',
    )
    const done = new AbortController()
    const signal = AbortSignal.any([done.signal, this.#aborter.signal])
    const onError = (error: unknown) => this.#log.debug({ err: error }, 'a script could not be fetched')
    repeat({ everyMs: SCRIPT_RETRY_MS, signal, onError }, async () => {
      const failed = (await this.#fetchOnce()).find((result) => result.status === 'rejected')
      if (this.#missing.size === 0) done.abort()
      if (failed) throw failed.reason
    })
      .catch(onError)
      .finally(() => {
        this.#isTrying = false
        // Another assignment may have come just when the last text did.
        if (this.#missing.size > 0 && !this.#aborter.signal.aborted) this.#keepTrying()
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
