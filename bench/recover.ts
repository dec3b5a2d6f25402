// How long a lost region costs: kill it under load, recover as fast as an operator could, count what is missing.
// Usage: npm run bench:recover -- [runs]
import { parseArgs } from 'node:util'
import { waitFor } from '../src/kit/clock.ts'
import { TestCloud } from '../tests/support/cloud.ts'
import { measureBarePromotion } from './bare-promotion.ts'
import { printTable, summarise } from './statistics.ts'
import { startWriters } from './writers.ts'

const WRITERS = 4
const RUNS_DEFAULT = 10
const CEILING_RUNS = 5

type Run = { unhealthyMs: number; commandMs: number; outageMs: number; acknowledged: number; lost: number }

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
})
const runs = Number(positionals[0] ?? RUNS_DEFAULT)
const found: Run[] = []
const cloud = await TestCloud.start()
try {
  for (const region of ['West US', 'East US']) await cloud.ok(['region', 'set', region, '--shared-slots', '1000'])
  for (let number = 1; number <= runs; number += 1) {
    found.push(await measure(number))
    console.error(`run ${number} of ${runs}: ${JSON.stringify(found.at(-1))}`)
  }
} finally {
  await cloud.dispose()
}
const ceiling: number[] = []
for (let number = 0; number < CEILING_RUNS; number += 1) ceiling.push(await measureBarePromotion())
report()

async function measure(number: number): Promise<Run> {
  const names = { primary: `Primary${number}`, secondary: `Secondary${number}` }
  await cloud.ok(['mobile', 'create', names.primary, '--location', 'West US'])
  await cloud.ok(['mobile', 'create', names.secondary, '--location', 'East US', '--secondary-for', names.primary])
  await cloud.ok(['mobile', 'table', 'create', names.primary, 'TodoItem'])
  const service = await cloud.service(names.primary)
  await cloud.untilProtected(service.server)
  const ledger = startWriters(cloud, service, WRITERS)
  await waitFor('the writers', () => (ledger.acknowledged.length >= 400 ? true : undefined), { withinMs: 30_000 })
  await cloud.ok(['dev', 'outage', 'start', 'West US'])
  const killedAt = performance.now()
  const unhealthyMs = await cloud.untilState(names.primary, 'Unhealthy', 20_000)
  const startedAt = performance.now()
  const { code, stderr } = await cloud.typed(['mobile', 'recover', names.primary, names.secondary, '-q'])
  if (code !== 0) throw new Error(stderr)
  const commandMs = performance.now() - startedAt
  const before = ledger.acknowledged.length
  await waitFor('writes again', () => (ledger.acknowledged.length > before + 50 ? true : undefined), {
    withinMs: 20_000,
  })
  await ledger.stop()
  const rows = new Set(await cloud.readIds(service))
  const lost = ledger.acknowledged.filter((id) => !rows.has(id)).length
  await cloud.ok(['dev', 'outage', 'stop', 'West US'])
  await waitFor(
    'West US',
    async () => ((await cloud.status()).regions.every((region) => region.health.state === 'Ready') ? true : undefined),
    { withinMs: 60_000, everyMs: 200 },
  )
  const outageMs = ledger.longestGapMs()
  if (outageMs < startedAt - killedAt) throw new Error('the ledger saw no outage')
  return { unhealthyMs, commandMs, outageMs, acknowledged: ledger.acknowledged.length, lost }
}

function report(): void {
  const rows = {
    'kill to Unhealthy': summarise(found.map((run) => run.unhealthyMs)),
    'recover, the whole command': summarise(found.map((run) => run.commandMs)),
    'outage seen by the writers': summarise(found.map((run) => run.outageMs)),
    'ceiling: bare promotion, kill to first write': summarise(ceiling),
  }
  const lost = found.reduce((sum, run) => sum + run.lost, 0)
  const acknowledged = found.reduce((sum, run) => sum + run.acknowledged, 0)
  const ratio = rows['recover, the whole command'].median / rows['ceiling: bare promotion, kill to first write'].median
  if (values.json) {
    console.log(JSON.stringify({ rows, lost, acknowledged, commandToCeiling: ratio, runs: found }))
    return
  }
  printTable(rows, 'ms')
  console.log(`\nlost ${lost} of ${acknowledged} acknowledged writes (${WRITERS} writers, async protection)`)
  console.log(`the command takes ${ratio.toFixed(1)} times a bare promotion`)
}
