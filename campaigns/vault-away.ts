// The vault is away for an hour while rows are written: none may be lost, and every moment of that hour must be
// restorable once it is back. Usage: npm run campaign:vault-away -- [--minutes N]
import assert from 'node:assert/strict'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { BackupsView } from '../src/contract/api.ts'
import { pause, waitFor } from '../src/kit/clock.ts'
import { connectInside, TestCloud } from '../tests/support/cloud.ts'
import { SteadyWriters } from '../tests/support/steady-writers.ts'

const SERVER = 'sql-west-us'
const SERVICE = 'PrimaryService'
const LOOKS = 12
const SOON = { withinMs: 120_000, everyMs: 500 }

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0)) {
  console.error('--minutes is a number above 0')
  process.exit(2)
}

const cloud = await TestCloud.start('pair', { hasVault: true })
try {
  await cloud.untilRestorable(SERVER)
  const writers = SteadyWriters.start(cloud, await cloud.service(SERVICE), 2, { everyMs: 200 })
  await writers.untilWritten(20)
  const [vault, aside] = [join(cloud.home, 'vault'), join(cloud.home, 'aside')]
  await rename(vault, aside)
  // No folder can be made there meanwhile.
  await writeFile(vault, '')
  console.log(`the vault is away for ${minutes} minutes; looked at every ${((minutes * 60) / LOOKS).toFixed(0)} s`)
  const isTold = async () => (/backups of sql-west-us: /.test(await cloud.ok(['status'])) ? true : undefined)
  await waitFor('the trouble to be told', isTold, SOON)
  let middle = { moment: '', rows: 0 }
  for (let look = 1; look <= LOOKS; look += 1) {
    await pause((minutes * 60_000) / LOOKS)
    assert.ok(await isTold(), 'the trouble is not told any more')
    const { behindBytes, restorableTo } = (await cloud.server(SERVER)).backup ?? {}
    if (look === LOOKS / 2) middle = { moment: new Date().toISOString(), rows: writers.count }
    console.log(`${writers.count} rows, ${behindBytes} bytes behind, restorable to ${restorableTo}`)
  }
  await rm(vault)
  await rename(aside, vault)
  const backAt = performance.now()
  await cloud.untilRestorable(SERVER)
  const seconds = ((performance.now() - backAt) / 1_000).toFixed(1)
  const { acknowledged, failed } = await writers.stop()
  assert.deepEqual(failed, [], 'a write failed')
  const { gaps, problems } = await cloud.json<BackupsView>(['sql', 'backup', 'list', SERVER])
  assert.deepEqual([gaps, problems], [[], []])
  await waitFor('the trouble to be over', async () => ((await isTold()) ? undefined : true), SOON)
  // Each restored moment has all that was acknowledged before it; two writers may have had a row under way.
  for (const [to, rows] of [
    [middle.moment, middle.rows],
    ['latest', acknowledged.length],
  ] as const) {
    const name = to === 'latest' ? 'newest' : 'middle'
    await cloud.ok(['sql', 'restore', SERVER, '--to', to, '--location', 'East US', '--name', name])
    const client = await connectInside(cloud, 'east-us', name)
    const { rows: found } = await client.query<{ id: string }>('select id from primaryservice."TodoItem"')
    await client.end()
    const there = new Set(found.map(({ id }) => id))
    const missing = acknowledged.slice(0, rows).filter((id) => !there.has(id))
    assert.deepEqual(missing, [], `rows are missing at ${to}`)
    assert.ok(there.size <= rows + 2, `${there.size} rows at ${to}, of ${rows}`)
    console.log(`restored to ${to}: ${there.size} rows, none of ${rows} missing`)
  }
  console.log(
    `well: ${acknowledged.length} rows in ${minutes} minutes, none failed; all in the vault after ${seconds} s`,
  )
} finally {
  await cloud.dispose()
}
