// Cuts, stops and kills a region again and again while its service is recovered elsewhere: nothing may be acknowledged
// under the old epoch after the promotion.
// Usage: npm run campaign:fence -- [runs] [--seed N] [--cut network] [--trouble "guard killed"]
import { parseArgs } from 'node:util'
import { messageOf } from '../src/kit/fault.ts'
import { CLOCKED_UP, findFakeTime } from '../tests/support/clocks.ts'
import { TestCloud } from '../tests/support/cloud.ts'
import { CUTS, nameOf, runFencing, TROUBLES } from '../tests/support/fencing.ts'
import { freshSeed, numbersFrom } from './choices.ts'

const RUNS_DEFAULT = 200
// Each run leaves a server behind in the other region; a fresh cloud now and then keeps the machine from filling up.
const RUNS_PER_CLOUD = 15
const STOP_MS = { low: 500, high: 30_000 }
// A region that stands still for less, without any cut, is rightly not called lost.
const ALL_STOPPED_MS_MIN = 6_000
const CLOCK_SECONDS = 10
const REGIONS = ['West US', 'East US']

const text = { type: 'string' } as const
const options = { seed: text, cut: text, trouble: text }
const { positionals, values } = parseArgs({ allowPositionals: true, options })
const runs = Number(positionals[0] ?? RUNS_DEFAULT)
const seed = Number(values.seed ?? freshSeed())
const next = numbersFrom(seed)
const failures: string[] = []
let writes = 0
console.log(`seed ${seed}: ${runs} runs`)
const hasClocks = findFakeTime() !== null
if (!hasClocks) console.log('no clock is stepped: libfaketime is not installed')
const cuts = CUTS.filter((cut) => cut === (values.cut ?? cut))
const troubles = TROUBLES.filter((trouble) => {
  return trouble === (values.trouble ?? trouble) && (hasClocks || trouble !== 'clock stepped')
})
if (cuts.length === 0 || troubles.length === 0) {
  console.error(`--cut takes ${CUTS.join(', ')}; --trouble takes ${TROUBLES.join(', ')}`)
  process.exit(2)
}
const up = hasClocks ? { program: [CLOCKED_UP] } : {}
let cloud = await TestCloud.start('empty', up)
for (let number = 0; number < runs; number += 1) {
  const trouble = troubles[Math.floor(next() * troubles.length)] ?? 'nothing else'
  const cut = cuts[Math.floor(next() * cuts.length)] ?? 'network'
  const stopMs = Math.round(STOP_MS.low + next() * (STOP_MS.high - STOP_MS.low))
  const run = {
    trouble,
    cut,
    stopMs: trouble === 'all stopped' ? Math.max(stopMs, ALL_STOPPED_MS_MIN) : stopMs,
    clockSeconds: next() < 0.5 ? CLOCK_SECONDS : -CLOCK_SECONDS,
    region: REGIONS[number % REGIONS.length] ?? '',
    number,
  }
  const what = `${number + 1} ${run.region}, ${nameOf(run)}`
  try {
    const ledger = await runFencing(cloud, run)
    writes += ledger.old.length
    const gapMs = Math.round((ledger.promotedAt ?? 0) - (ledger.old.at(-1) ?? 0))
    console.log(`${what}: well, ${ledger.old.length} writes, the last one ${gapMs} ms before the promotion`)
  } catch (error) {
    failures.push(`${what}: ${messageOf(error)}`)
    console.log(`${what}: FAILED, ${messageOf(error)}`)
  }
  if (failures.at(-1)?.startsWith(what) || (number + 1) % RUNS_PER_CLOUD === 0) {
    await cloud.dispose().catch(() => {})
    cloud = await TestCloud.start('empty', up)
  }
}
await cloud.dispose()
console.log(`\n${runs - failures.length} of ${runs} well, ${writes} writes under old epochs watched, seed ${seed}`)
for (const line of failures) console.log(`failed: ${line}`)
process.exitCode = failures.length > 0 ? 1 : 0
