// `demo`: the whole story on a throw-away cloud, in one minute.
import { spawn } from 'node:child_process'
import type { Command } from 'commander'
import { formatCount, formatMs } from '../contract/amounts.ts'
import { Fault } from '../kit/fault.ts'
import { LAUNCHER } from '../kit/launcher.ts'
import { showLive } from '../local/live-line.ts'
import { connectControl } from './cloud-calls.ts'
import { pairLines } from './columns.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED } from './exit-code.ts'

/** Adds the command. */
export function addDemo(program: Command, shell: Shell): void {
  addCommand(program, {
    usage: 'demo',
    about: 'play a disaster and its recovery on a throw-away cloud, in one minute',
    examples: ['mainstay demo'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'demo', flags }, async (session) => {
      const aborter = new AbortController()
      const stop = () => (aborter.signal.aborted ? process.exit(EXIT_INTERRUPTED) : aborter.abort())
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
      // Its HTTP client takes a while to load, which the other commands need not pay for.
      const { playDemo } = await import('../local/demo.ts')
      const told = await playDemo({
        env: session.env,
        connect: connectControl,
        tell: (text) => session.talk.info(text),
        live: (text) => showLive(session.talk.sink, text),
        run: async (args, home) => await runShown(session, args, home),
        signal: aborter.signal,
      })
      const lines = pairLines([
        ['Acknowledged rows', formatCount(told.acked)],
        ['Lost rows', formatCount(told.lost)],
        ['Longest outage', formatMs(told.downMs)],
        ['The command took', formatMs(told.commandMs)],
        ['All of this', formatMs(told.tookMs)],
        [
          'Where to look',
          session.talk.asTyped('mainstay up, then the same commands by hand; README.md tells the story'),
        ],
      ])
      return { json: told, lines, exitCode: told.lost > 0 || told.acked === 0 ? EXIT_FAILED : EXIT_DONE }
    })
  })
}

// As a person would: the same launcher, our terminal, and the command line shown first.
async function runShown(session: Session, args: string[], home: string): Promise<void> {
  const { talk } = session
  const shown = args.map((arg) => (arg.includes(' ') ? `"${arg}"` : arg)).join(' ')
  talk.raw(`\n$ ${talk.asTyped(`mainstay ${shown}`)}\n`)
  // With --json our stdout is for one object: what the commands say goes to stderr.
  const out = talk.isJson ? 2 : 'inherit'
  const child = spawn(process.execPath, [LAUNCHER, ...args, '--home', home], {
    stdio: ['ignore', out, 'inherit'],
    env: { ...session.env, MAINSTAY_CONTROL_URL: '' },
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (exitCode) => resolve(exitCode))
  })
  talk.raw('\n')
  if (code !== 0) throw new Fault('demo.failed', 500, `mainstay ${shown} ended with exit code ${code}`)
}
