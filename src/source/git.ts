// Git as a program of this machine, run with no configuration but ours.
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { environment } from '../kit/environment.ts'
import { Fault } from '../kit/fault.ts'
import { isNotFound } from '../kit/files.ts'
import { GIT_MS_MAX, GIT_OUTPUT_BYTES_MAX } from '../kit/limits.ts'

/** `env` is added to git's scrubbed one; `input` is what it reads; `withinMs`: when what it does may take longer. */
export type GitRun = { folder: string; env?: NodeJS.ProcessEnv; input?: Readable | Buffer | string; withinMs?: number }

/** What git finds in its environment: nothing of ours, of this machine's, or of whoever started us. */
export function gitEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: environment().searchPath,
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    // The folders are our own, whoever owns them.
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
  }
}

/**
 * Runs git in a folder and gives what it printed. Faults with `source.git_failed` where git says that it cannot,
 * `source.git_ended` where it did not come to an end, `source.no_git`.
 */
export async function git(args: string[], run: GitRun): Promise<Buffer> {
  const { code, stdout, stderr } = await tryGit(args, run)
  if (code === 0) return stdout
  if (code === null) throw endedBySignal(args[0] ?? '')
  const said = stderr.trim().split('\n').slice(-3).join(' ')
  throw new Fault('source.git_failed', 500, `git ${args[0]} failed (${code}): ${said}`)
}

/** It took too long, printed too much, or somebody ended it: that says nothing of what it was asked. */
export function endedBySignal(command: string): Fault {
  return new Fault('source.git_ended', 500, `git ${command} was ended by a signal before it was done`)
}

/** The same, for who wants to know how it ended. */
export async function tryGit(
  args: string[],
  { folder, env = {}, input, withinMs = GIT_MS_MAX }: GitRun,
): Promise<{ code: number | null; stdout: Buffer; stderr: string }> {
  const child = spawn('git', args, {
    cwd: folder,
    env: { ...gitEnvironment(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: withinMs,
    killSignal: 'SIGKILL',
  })
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  let bytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > GIT_OUTPUT_BYTES_MAX) child.kill('SIGKILL')
    else out.push(chunk)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    if (err.length < STDERR_CHUNKS_MAX) err.push(chunk)
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', (error) => reject(isNotFound(error) ? noGit() : error))
    child.on('close', (code) => resolve(code))
  })
  const fed = feed(child.stdin, input)
  const [code] = await Promise.all([ended, fed])
  return { code, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString('utf8') }
}

const STDERR_CHUNKS_MAX = 100

// A git that ends early has said why; what it did not read does not matter then.
async function feed(stdin: NodeJS.WritableStream, input: GitRun['input']): Promise<void> {
  if (input === undefined || typeof input === 'string' || Buffer.isBuffer(input)) {
    stdin.on('error', () => {})
    stdin.end(input ?? '')
    return
  }
  await pipeline(input, stdin).catch((error) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error
  })
}

/** Git is part of no package of ours. */
export function noGit(): Fault {
  return new Fault('source.no_git', 503, 'git is not installed on the machine of control', {
    hint: 'Install git 2.20 or newer there: mainstay doctor says whether it is found.',
  })
}
