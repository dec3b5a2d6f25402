// Cuts, stops and kills a region again and again while its service is recovered elsewhere: nothing may be acknowledged
// under the old epoch after the promotion. Usage: npm run campaign:fence -- [runs] [--seed N]
import { parseArgs } from 'node:util'
import { messageOf } from '../src/kit/fault.ts'
import { TestCloud } from '../tests/support/cloud.ts'
import { runFencing, TROUBLES } from '../tests/support/fencing.ts'
import { freshSeed, numbersFrom } from './choices.ts'

const RUNS_DEFAULT = 200
// Each run leaves a server behind in the other region; a fresh cloud now and then keeps the machine from filling up.
const RUNS_PER_CLOUD = 15
const STOP_MS = { low: 500, high: 30_000 }

const { positionals, values } = parseArgs({ allowPositionals: true, options: { seed: { type: 'string' } } })
const runs = Number(positionals[0] ?? RUNS_DEFAULT)
const seed = Number(values.seed ?? freshSeed())
const next = numbersFrom(seed)
const failures: string[] = []
let writes = 0
console.log(`seed ${seed}: ${runs} runs`)
let cloud = await TestCloud.start()
for (let number = 0; number < runs; number += 1) {
  const trouble = TROUBLES[Math.floor(next() * TROUBLES.length)] ?? 'cut'
  const stopMs = Math.round(STOP_MS.low + next() * (STOP_MS.high - STOP_MS.low))
  const what = `${number + 1} ${trouble}, ${stopMs} ms`
  try {
    const ledger = await runFencing(cloud, { trouble, stopMs, region: 'West US', number })
    writes += ledger.old.length
    const gapMs = Math.round((ledger.promotedAt ?? 0) - (ledger.old.at(-1) ?? 0))
    console.log(`${what}: well, ${ledger.old.length} writes, the last one ${gapMs} ms before the promotion`)
  } catch (error) {
    failures.push(`${what}: ${messageOf(error)}`)
    console.log(`${what}: FAILED, ${messageOf(error)}`)
  }
  if (failures.at(-1)?.startsWith(what) || (number + 1) % RUNS_PER_CLOUD === 0) {
    await cloud.dispose().catch(() => {})
    cloud = await TestCloud.start()
  }
}
await cloud.dispose()
console.log(`\n${runs - failures.length} of ${runs} well, ${writes} writes under old epochs watched, seed ${seed}`)
for (const line of failures) console.log(`failed: ${line}`)
process.exitCode = failures.length > 0 ? 1 : 0
