// `mainstay up --home … --port … --control-port …` for campaigns: each region's host has a wall clock of its own.
import { parseArgs } from 'node:util'
import { connectControl } from '../../src/cli/cloud-calls.ts'
import { startRole } from '../../src/kit/launcher.ts'
import { stopOnSignal } from '../../src/kit/processes.ts'
import { LocalCloud } from '../../src/local/cloud.ts'
import { clockEnvironment, clockFileOf, stepClock } from './clocks.ts'

const text = { type: 'string', default: '' } as const
const { values } = parseArgs({ options: { home: text, port: text, 'control-port': text } })
const { home } = values

const cloud = new LocalCloud({
  home,
  port: Number(values.port),
  controlPort: Number(values['control-port']),
  env: process.env,
  connect: connectControl,
  say: (label) => console.log(label),
  onStopRequest: () => process.kill(process.pid, 'SIGTERM'),
  spawn: (args, options) => {
    const slug = /\/hosts\/([^/]+)$/.exec(args[args.indexOf('--home') + 1] ?? '')?.[1]
    const clock = slug === undefined ? {} : clockEnvironment(clockFileOf(home, slug))
    return startRole(args, { ...options, env: { ...(options.env ?? process.env), ...clock } })
  },
})
stopOnSignal(async () => {
  await cloud.stop()
  return 0
})
await cloud.start()
for (const slug of ['west-us', 'east-us']) await stepClock(home, slug, 0)
console.log('mainstay is ready')
// Until a signal ends it.
setInterval(() => {}, 60_000)
