// Single faults, again and again with other seeds: in the vault (a byte, a part, WAL) and in what a service holds. The
// tests make and look for them; here they are run with one seed after the other, and counted.
// Usage: npm run campaign:faults -- [faults] [--kind vault|service] [--seed N]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freshSeed } from './choices.ts'

// `names`: of the tests that make one fault each, and find it or fail.
const KINDS = {
  vault: { file: '../tests/api/backups-damage.test.ts', seed: 'BACKUP_FAULTS_SEED', names: /is found and named/ },
  service: { file: '../tests/e2e/verify.test.ts', seed: 'VERIFY_FAULTS_SEED', names: /^finds (?!all)/ },
}
type Kind = keyof typeof KINDS
const FAULTS_DEFAULT = 100

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, kind: { type: 'string', default: 'vault' } },
})
const wanted = Number(positionals[0] ?? FAULTS_DEFAULT)
const first = Number(values.seed ?? freshSeed())
const kind = KINDS[values.kind as Kind]
if (!Number.isInteger(wanted) || !Number.isInteger(first) || !kind) {
  console.error(`[faults] and --seed are numbers; --kind takes ${Object.keys(KINDS).join(' or ')}`)
  process.exit(2)
}

const counts = { found: 0, missed: 0 }
for (let seed = first; counts.found + counts.missed < wanted; seed += 1) {
  const before = counts.found + counts.missed
  const output = await runWith(seed)
  const made = counts.found + counts.missed - before
  console.log(`seed ${seed}: ${made} faults, ${counts.missed} missed so far`)
  if (made > 0) continue
  console.error(output.join('\n'))
  process.exit(1)
}
console.log(`\n${counts.found} of ${counts.found + counts.missed} found, seeds from ${first} on`)
process.exitCode = counts.missed > 0 ? 1 : 0

async function runWith(seed: number): Promise<string[]> {
  const file = fileURLToPath(new URL(kind.file, import.meta.url))
  const env = { ...process.env, [kind.seed]: String(seed) }
  const child = spawn(process.execPath, ['--test', '--test-reporter=spec', file], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const output: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    output.push(line)
    const [, mark, name = ''] = /^\s+([✔✖]) (.*) \([\d.]+ms\)$/.exec(line) ?? []
    if (mark === undefined || !kind.names.test(name)) continue
    if (mark === '✔') counts.found += 1
    else {
      counts.missed += 1
      console.log(`missed with seed ${seed}: ${name}`)
    }
  }
  await ended
  return output
}
