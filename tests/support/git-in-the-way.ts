// A git that stands before the real one of control, and reads packs slowly or not to the end when it is told to.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class GitInTheWay {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async make(): Promise<GitInTheWay> {
    const made = new GitInTheWay(await mkdtemp(join(tmpdir(), 'mainstay-git-')))
    await made.set('usual')
    const git = join(made.#folder, 'git')
    // Longer than a transaction of control may stand still.
    await writeFile(
      git,
      `#!/bin/sh
PATH=${JSON.stringify(process.env.PATH)}
export PATH
case "$1 $(cat '${made.#mode}')" in
  'index-pack slow') sleep 4 ;;
  'index-pack ended') kill -9 $$ ;;
esac
exec git "$@"
`,
    )
    await chmod(git, 0o755)
    return made
  }

  /** What to start control with. */
  get env(): NodeJS.ProcessEnv {
    return { PATH: `${this.#folder}:${process.env.PATH}` }
  }

  /** How it is from now on. */
  async set(mode: 'usual' | 'slow' | 'ended'): Promise<void> {
    await writeFile(this.#mode, mode)
  }

  async dispose(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }

  get #mode(): string {
    return join(this.#folder, 'mode')
  }
}
