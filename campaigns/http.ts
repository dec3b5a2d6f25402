// What apps and strangers send to a service, at random: to its tables, then to every route. Each request is to be
// answered below 500, a refusal with what is wrong, and the runtime is to live. The tests send a thousand to each.
// Usage: npm run campaign:http -- [requests] [--seed N]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freshSeed } from './choices.ts'

const FILES = ['../tests/api/fuzz-tables.test.ts', '../tests/api/fuzz-routes.test.ts']
const REQUESTS_DEFAULT = 20_000
/** Of one runtime: then a new one starts with the next seed. */
const ROUND = 2_500

const { positionals, values } = parseArgs({ allowPositionals: true, options: { seed: { type: 'string' } } })
const wanted = Number(positionals[0] ?? REQUESTS_DEFAULT)
const first = Number(values.seed ?? freshSeed())
if (!Number.isInteger(wanted) || wanted < 1 || !Number.isInteger(first)) {
  console.error('[requests] and --seed are numbers')
  process.exit(2)
}

let sent = 0
for (let seed = first; sent < wanted; seed += 1) {
  for (const file of FILES) {
    const runs = Math.min(ROUND, wanted - sent)
    if (runs === 0) break
    if (!(await send(file, { runs, seed }))) {
      console.error(`failed with seed ${seed}: FUZZ_SEED=${seed} FUZZ_RUNS=${runs} node --test ${file.slice(3)}`)
      process.exit(1)
    }
    sent += runs
    console.log(`seed ${seed}, ${file.replace(/^.*\//, '')}: ${sent} of ${wanted} requests answered`)
  }
}
console.log(`\n${sent} requests, none with a failure of ours; seeds from ${first} on`)

// What a test says is shown when it fails.
async function send(file: string, { runs, seed }: { runs: number; seed: number }): Promise<boolean> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const env = { ...process.env, FUZZ_RUNS: String(runs), FUZZ_SEED: String(seed) }
  const child = spawn(process.execPath, ['--test', '--test-reporter=spec', path], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) console.error(said)
  return code === 0
}
