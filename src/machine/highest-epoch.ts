// The highest epoch that this machine ever saw, on disk: a control that lost its newest rows must not take it again.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readJsonIfAny, writeJson } from '../kit/files.ts'

const FILE = 'highest-epoch.json'

export class HighestEpoch {
  readonly #path: string
  #value: number

  private constructor(path: string, value: number) {
    this.#path = path
    this.#value = value
  }

  /** Reads what was noted before; `dataFolder` may hold folders of servers, each with the epoch that its data is of. */
  static async open(home: string, dataFolder: string | null = null): Promise<HighestEpoch> {
    const path = join(home, FILE)
    const kept = await readJsonIfAny<{ epoch: number }>(path)
    const names = dataFolder === null ? [] : await readdir(dataFolder).catch(() => [])
    const found = await Promise.all(
      // What cannot be read is told by the server itself; here it is only one number among others.
      names.map(
        async (name) =>
          await readJsonIfAny<{ epoch: number }>(join(dataFolder ?? '', name, 'server.json')).catch(() => null),
      ),
    )
    return new HighestEpoch(path, Math.max(0, kept?.epoch ?? 0, ...found.map((one) => one?.epoch ?? 0)))
  }

  get value(): number {
    return this.#value
  }

  /** Takes note of epochs, on disk before anything is done under them. */
  async note(epochs: number[]): Promise<void> {
    const highest = Math.max(this.#value, ...epochs)
    if (highest === this.#value) return
    await writeJson(this.#path, { epoch: highest })
    this.#value = highest
  }
}
