// Work that takes longer than a call may: begun by the first who asks for it by name, told to whoever asks again.
import type { JobAnswer } from '../contract/job.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { JOBS_REMEMBERED_MAX } from '../kit/limits.ts'

export class Jobs {
  readonly #jobs = new Map<string, JobAnswer<unknown>>()

  /**
   * How the work of that name stands; it is begun when nobody has asked before. A name is used for one thing only.
   * Faults as `requireReady` does, which is called before it begins: then nothing has, and it may be asked for again.
   */
  async ask<T>(
    name: string,
    work: () => Promise<T>,
    requireReady: () => void | Promise<void> = () => {},
  ): Promise<JobAnswer<T>> {
    if (!this.#jobs.has(name)) await requireReady()
    const known = this.#jobs.get(name)
    if (known) return known as JobAnswer<T>
    this.#forgetOldest()
    this.#jobs.set(name, { state: 'running' })
    work().then(
      (result) => this.#jobs.set(name, { state: 'done', result }),
      (error) => {
        const { code, hint } = error instanceof Fault ? error : { code: 'operation.step_failed', hint: undefined }
        const told = hint === undefined ? {} : { hint }
        this.#jobs.set(name, { state: 'failed', code, message: messageOf(error), ...told })
      },
    )
    return { state: 'running' }
  }

  #forgetOldest(): void {
    if (this.#jobs.size < JOBS_REMEMBERED_MAX) return
    for (const [name, { state }] of this.#jobs) {
      if (state === 'running') continue
      this.#jobs.delete(name)
      return
    }
  }
}
