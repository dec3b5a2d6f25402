// Kills processes at every named point of each story (create, recover, …), and checks that all comes right.
// Usage: npm run campaign:crash -- [runs] [--seed N] [--story NAME] [--point NAME] [--victim NAME] [--part K/N] …
import { parseArgs } from 'node:util'
import { messageOf } from '../src/kit/fault.ts'
import { TestCloud } from '../tests/support/cloud.ts'
import { VICTIMS, type Victim } from '../tests/support/crash-cases.ts'
import { CrashStories } from '../tests/support/crash-stories.ts'
import { VAULT_STORIES } from '../tests/support/database-stories.ts'
import { FaultPoints, POINTS, type Point } from '../tests/support/fault-points.ts'
import { freshSeed, shuffled } from './choices.ts'

// Each recovery leaves a promoted server behind: with many of them all becomes slow.
const CASES_PER_CLOUD = 12

type Case = { point: Point; victim: Victim }

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    story: { type: 'string' },
    point: { type: 'string' },
    victim: { type: 'string' },
    part: { type: 'string', default: '1/1' },
    from: { type: 'string', default: '1' },
  },
})
const seed = Number(values.seed ?? freshSeed())
const from = Number(values.from)
const all = POINTS.flatMap((point) => victimsFor(point).map((victim): Case => ({ point, victim })))
const wanted = all.filter(
  ({ point, victim }) =>
    (values.story === undefined || point.story === values.story) &&
    (values.point === undefined || point.name === values.point) &&
    (values.victim === undefined || victim === values.victim),
)
// Those that need a vault come last, on clouds that have one.
const needsVault = ({ point }: Case) => VAULT_STORIES.has(point.story)
const [part, parts] = values.part.split('/').map(Number) as [number, number]
const chosen = shuffled(wanted, seed).slice(0, Number(positionals[0] ?? wanted.length))
const cases = [...chosen.filter((one) => !needsVault(one)), ...chosen.filter(needsVault)]
  .filter((_, index) => index % parts === part - 1)
  .slice(from - 1)
if (cases.length === 0 || ![seed, from, part, parts].every(Number.isInteger)) {
  console.error('no case is like that: [runs], --seed and --from take numbers, --part one like 2/3')
  console.error(`--victim takes ${VICTIMS.join(', ')}; --point one of ${POINTS.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}
console.log(`seed ${seed}: ${cases.length} of ${all.length} cases`)

const failures: string[] = []
const unreached: string[] = []
const points = await FaultPoints.make()
let hasVault = cases[0] !== undefined && needsVault(cases[0])
let stories = await open()
for (const [index, { point, victim }] of cases.entries()) {
  const number = from + index
  const isOther = needsVault({ point, victim }) !== hasVault
  hasVault = needsVault({ point, victim })
  if (isOther || (index > 0 && index % CASES_PER_CLOUD === 0)) stories = await anew(stories)
  const what = `${point.story}: ${victim} at ${point.name}`
  const startedAt = performance.now()
  try {
    const isReached = await stories.run({ ...point, victim, number })
    if (!isReached) unreached.push(what)
    console.log(`${number} ${what}: ${isReached ? 'well' : 'not reached'}, ${seconds(startedAt)}`)
  } catch (error) {
    failures.push(`${what}: ${messageOf(error)}`)
    console.log(`${number} ${what}: FAILED, ${messageOf(error)}`)
    // What is left of this cloud would only blur the next cases.
    stories = await anew(stories)
  }
}
await stories.dispose()
await points.dispose()
console.log(
  `\n${cases.length - failures.length} of ${cases.length} well, ${unreached.length} not reached, seed ${seed}`,
)
for (const line of unreached) console.log(`not reached: ${line}`)
for (const line of failures) console.log(`failed: ${line}`)
process.exitCode = failures.length > 0 ? 1 : 0

async function open(): Promise<CrashStories> {
  await points.disarm()
  return await CrashStories.begin(await TestCloud.start('empty', { env: points.env, hasVault }), points)
}

async function anew(old: CrashStories): Promise<CrashStories> {
  await old.dispose().catch(() => {})
  return await open()
}

// The lost region of a recovery has no process that could die; those of the other one have.
function victimsFor({ story }: Point): Victim[] {
  const isLost = story === 'recover'
  return VICTIMS.filter((victim) => !(isLost && victim === 'west-us'))
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`
}
