// A command line of the CLI, run to its end: as a process of its own, or inside the test.
import { spawn } from 'node:child_process'
import { Readable, Writable } from 'node:stream'
import { runLine } from '../../src/cli/main.ts'
import { LAUNCHER } from '../../src/kit/launcher.ts'

export type CliResult = { code: number; stdout: string; stderr: string }

/** What a command is told by its surroundings. Under npm the printed commands would begin with npx. */
type Surroundings = { env: NodeJS.ProcessEnv; input?: string }

const CLI_MS_MAX = 120_000

/** Runs it in this process: the same program and the same words, without the half second that a process takes. */
export async function runInside(args: string[], { env, input = '' }: Surroundings): Promise<CliResult> {
  const result = { code: -1, stdout: '', stderr: '' }
  result.code = await runLine(args, {
    streams: {
      out: { stream: collect((text) => (result.stdout += text)), isTerminal: false },
      err: { stream: collect((text) => (result.stderr += text)), isTerminal: false },
      typedAs: 'mainstay',
    },
    input: { stream: Readable.from(input === '' ? [] : [input]), isTerminal: false },
    env,
  })
  return result
}

/** Runs it as a person would, in a process of its own. */
export async function runTyped(args: string[], { env, input = '' }: Surroundings): Promise<CliResult> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    env: { ...env, npm_command: '' },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: CLI_MS_MAX,
  })
  const result = { code: -1, stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (result.stdout += chunk))
  child.stderr.on('data', (chunk) => (result.stderr += chunk))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  result.code = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)))
  return result
}

function collect(take: (text: string) => void): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      take(String(chunk))
      done()
    },
  })
}
