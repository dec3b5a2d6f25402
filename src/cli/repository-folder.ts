// A repository of git, by its URL or path, as a folder of scripts: cloned for as long as it is looked at.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SOURCE_ROOT } from '../contract/deployment.ts'
import { Fault } from '../kit/fault.ts'
import { GIT_MS_MAX } from '../kit/limits.ts'

/** True for what git would be asked for: a URL, a bare repository, or `user@host:path`. */
export async function isRepository(against: string): Promise<boolean> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(against) || /^[\w.-]+@[\w.-]+:/.test(against)) return true
  return (await isThere(join(against, 'HEAD'))) && (await isThere(join(against, 'objects')))
}

/** Where the scripts of a folder are: in its folder `service`, as in a repository, or in itself. */
export async function scriptsIn(folder: string): Promise<string> {
  const inner = join(folder, SOURCE_ROOT)
  return (await isThere(inner)) ? inner : folder
}

/** Looks at a repository's newest commit. Git asks for passwords as it always does. Faults with `script.no_repository`. */
export async function withRepository<T>(url: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-verify-'))
  try {
    // Links in it would lead anywhere on this machine: they are written as files.
    const config = ['--config', 'core.symlinks=false', '--config', 'core.autocrlf=false']
    const args = ['clone', '--quiet', '--depth', '1', '--no-tags', ...config, '--', url, folder]
    await promisify(execFile)('git', args, { timeout: GIT_MS_MAX }).catch((error) => {
      throw new Fault('script.no_repository', 400, `git cannot clone ${withoutPassword(url)}: ${reasonOf(error)}`, {
        hint: 'Try it: git clone URL. For a folder of scripts, give its path.',
      })
    })
    return await work(await scriptsIn(folder))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function reasonOf(error: unknown): string {
  const { code, stderr } = error as { code?: unknown; stderr?: string }
  if (code === 'ENOENT') return 'it is not installed'
  return withoutPassword((stderr ?? '').trim().split('\n').at(-1) || 'it did not answer in time')
}

function withoutPassword(text: string): string {
  return text.replace(/(\w:\/\/)[^/@\s]*@/g, '$1')
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
