// The real git as somebody uses it: a working folder of its own, nothing of this machine's configuration.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { makeFolders, writeFileDurably } from '../../src/kit/files.ts'

const GIT_MS_MAX = 120_000

export type GitAnswer = { code: number | null; said: string }

export class GitClient {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** A new repository on `branch`, or a clone of `url`. */
  static async make(options: { branch?: string; url?: string } = {}): Promise<GitClient> {
    const client = new GitClient(await mkdtemp(join(tmpdir(), 'mainstay-git-')))
    const { branch = 'master', url } = options
    if (url === undefined) await client.run('init', '--quiet', '-b', branch, '.')
    else await client.run('clone', '--quiet', url, '.')
    return client
  }

  /** What git said on both streams, and how it ended. */
  async try(...args: string[]): Promise<GitAnswer> {
    const who = { GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.com' }
    const child = spawn('git', args, {
      cwd: this.folder,
      env: {
        ...{ PATH: process.env.PATH, HOME: this.folder, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' },
        ...{ GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
        ...{ ...who, GIT_COMMITTER_NAME: who.GIT_AUTHOR_NAME, GIT_COMMITTER_EMAIL: who.GIT_AUTHOR_EMAIL },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: GIT_MS_MAX,
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)))
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    return { code, said }
  }

  /** The same; throws when git fails. */
  async run(...args: string[]): Promise<string> {
    const { code, said } = await this.try(...args)
    if (code !== 0) throw new Error(`git ${args.join(' ')} ended with ${code}: ${said}`)
    return said
  }

  /** Writes files; null removes one. */
  async write(files: Record<string, string | Uint8Array | null>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      const whole = join(this.folder, path)
      await makeFolders(dirname(whole))
      if (content === null) await rm(whole, { force: true })
      else await writeFileDurably(whole, content, 0o644)
    }
  }

  /** Writes files and commits all. Gives the commit. */
  async commit(message: string, files: Record<string, string | Uint8Array | null> = {}): Promise<string> {
    await this.write(files)
    await this.run('add', '--all')
    await this.run('commit', '--quiet', '--allow-empty', '-m', message)
    return (await this.run('rev-parse', 'HEAD')).trim()
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}
