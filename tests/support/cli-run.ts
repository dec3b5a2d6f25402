// Runs the CLI as a person would, without a terminal, and collects what it says.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { LAUNCHER } from '../../src/kit/launcher.ts'

export type Ran = { code: number | null; stdout: string; stderr: string }

const LIMIT_MS = 30_000

/** A folder that goes away with the test. */
export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mainstay-cli-test-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs one command line to its end. `input` is what is piped in; without it stdin is closed. */
export async function runCli(
  context: TestContext,
  args: string[],
  options: { env?: Record<string, string>; input?: string; cwd?: string } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    cwd: options.cwd ?? tmpdir(),
    // Nothing of the tester's own environment: a MAINSTAY_HOME or npm's variables would change what is said.
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
  context.after(() => {
    clearTimeout(timer)
    child.kill('SIGKILL')
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk)
  })
  // A command that fails at once may not read its answer.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const code = await new Promise<number | null>((resolve) => child.once('close', (exitCode) => resolve(exitCode)))
  clearTimeout(timer)
  return { code, stdout, stderr }
}
