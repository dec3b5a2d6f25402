// Loses the region of a synchronous primary under load, again and again, and takes the service home now and then: no
// write that was acknowledged may be gone.
// Usage: npm run campaign:sync -- [rounds] [--seed N] [--how "cut off"]
import assert from 'node:assert/strict'
import { parseArgs } from 'node:util'
import { messageOf } from '../src/kit/fault.ts'
import { CLOCKED_UP, findFakeTime, stepClock } from '../tests/support/clocks.ts'
import { TestCloud } from '../tests/support/cloud.ts'
import { loseRegion, type RegionLoss, requireRows, untilInForce } from '../tests/support/lost-region.ts'
import { freshSeed, numbersFrom } from './choices.ts'

const ROUNDS_DEFAULT = 200
// All rows of a cloud are read after each round.
const ROUNDS_PER_CLOUD = 20
const SERVICE = 'PrimaryService'
const HOWS: RegionLoss['how'][] = ['killed', 'cut off']
// Every so many rounds it is taken home as planned instead of being protected where it is.
const ROUNDS_PER_FAILBACK = 5
const CLOCK_SECONDS = 5

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, how: { type: 'string' } },
})
const rounds = Number(positionals[0] ?? ROUNDS_DEFAULT)
const seed = Number(values.seed ?? freshSeed())
const hows = HOWS.filter((how) => how === (values.how ?? how))
if (!Number.isInteger(rounds) || !Number.isInteger(seed) || hows.length === 0) {
  console.error(`[rounds] and --seed are numbers; --how takes ${HOWS.join(' or ')}`)
  process.exit(2)
}
const hasClocks = findFakeTime() !== null
console.log(`seed ${seed}: ${rounds} rounds${hasClocks ? `, clocks ${2 * CLOCK_SECONDS} s apart` : ''}`)
if (!hasClocks) console.log('all clocks are the same: libfaketime is not installed')

const next = numbersFrom(seed)
const failures: string[] = []
const counts = { writes: 0, home: 0 }
let written: string[] = []
let cloud = await open()
for (let number = 1; number <= rounds; number += 1) {
  const how = hows[Math.floor(next() * hows.length)] ?? 'killed'
  const loss: RegionLoss = { service: SERVICE, how, rows: 20 + Math.floor(next() * 200), writers: 6 }
  const startedAt = performance.now()
  const { region } = await cloud.service(SERVICE)
  const what = `${number} ${region} is ${how} after ${loss.rows} rows`
  try {
    const acknowledged = await loseRegion(cloud, loss)
    written.push(...acknowledged)
    counts.writes += acknowledged.length
    const isHome = number % ROUNDS_PER_FAILBACK === 0
    await cloud.ok(['mobile', isHome ? 'failback' : 'reprotect', SERVICE])
    const { server } = await cloud.service(SERVICE)
    await untilInForce(cloud, server)
    if (isHome) {
      counts.home += 1
      assert.equal((await cloud.service(SERVICE)).region, region)
      await requireRows(cloud, SERVICE, written)
      await cloud.ok(['mobile', 'verify', SERVICE, '--against', 'standby'])
    }
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    console.log(`${what}: well, ${acknowledged.length} writes${isHome ? ', home again' : ''}, ${seconds} s`)
  } catch (error) {
    failures.push(`${what}: ${messageOf(error)}`)
    console.log(`${what}: FAILED, ${messageOf(error)}`)
  }
  if (failures.at(-1)?.startsWith(what) || number % ROUNDS_PER_CLOUD === 0) {
    await cloud.dispose().catch(() => {})
    if (number < rounds) cloud = await open()
  }
}
await cloud.dispose()
const { writes, home } = counts
console.log(
  `\n${rounds - failures.length} of ${rounds} well, ${writes} acknowledged writes, ${home} ways home, seed ${seed}`,
)
for (const line of failures) console.log(`failed: ${line}`)
process.exitCode = failures.length > 0 ? 1 : 0

async function open(): Promise<TestCloud> {
  written = []
  const opened = await TestCloud.start('pair', hasClocks ? { program: [CLOCKED_UP] } : {})
  if (hasClocks) {
    await stepClock(opened.home, 'west-us', CLOCK_SECONDS)
    await stepClock(opened.home, 'east-us', -CLOCK_SECONDS)
  }
  const { server } = await opened.service(SERVICE)
  await opened.ok(['sql', 'server', 'protect', server, '--protection', 'sync'])
  return opened
}
