// A primary that dies under load: what its standby has and what is stranded must together be what it had.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { APPS_DATABASE } from '../../src/contract/table-format.ts'
import { decodeStranded } from '../../src/databases/divergence/decode.ts'
import { queryRows } from '../../src/databases/divergence/row-text.ts'
import type { Row } from '../../src/databases/divergence/stranded.ts'
import { advanceDivergenceSlot, readPrimaryPosition } from '../../src/databases/replication.ts'
import { pause, waitFor } from '../../src/kit/clock.ts'
import { LostPrimary, SCHEMA, STANDBY_SLOT } from '../support/lost-primary.ts'

const ITEM = `${SCHEMA}."Item"`
const WRITERS = 6
const WRITES_MIN = 400

let lost: LostPrimary

before(async () => {
  lost = await LostPrimary.start(['Item'])
})
after(async () => await lost?.stop())

test('what the standby has, and then the stranded changes, make exactly the rows of the lost primary', async () => {
  await lost.primary.withClient(async (client) => await client.query(`alter table ${ITEM} add text text`), APPS)
  const progress = { writes: 0, isOver: false }
  const writers = Array.from({ length: WRITERS }, async (_, writer) => await writeUntilOver(writer, progress))
  const advancing = advanceUntilOver(progress)
  const written = async (more: number) => {
    const goal = progress.writes + more
    await waitFor('writes', () => (progress.writes >= goal ? true : undefined), { withinMs: 30_000 })
  }
  await written(WRITES_MIN)
  // In the middle of writing, wherever its last byte happens to lie.
  await lost.standby.stop('immediate')
  await written(WRITES_MIN)
  await lost.primary.kill()
  progress.isOver = true
  await Promise.all([...writers, advancing])

  const forkLsn = await lost.fail()
  const rows = await lost.standby.withClient(readRows, APPS)
  const stranded = await lost.read(async (client) => await Array.fromAsync(decodeStranded(client, forkLsn)))
  for (const { key, before: old, after: now } of stranded.flatMap(({ changes }) => changes)) {
    assert.deepEqual(rows.get(key ?? '') ?? null, old)
    if (now) rows.set(key ?? '', now)
    else rows.delete(key ?? '')
  }
  const there = await lost.read(readRows)
  assert.ok(stranded.length > 20, `${stranded.length} transactions are stranded`)
  assert.deepEqual([...rows.keys()].sort(), [...there.keys()].sort())
  for (const [id, row] of there) assert.deepEqual(rows.get(id), row)
})

const APPS = { database: APPS_DATABASE }

async function readRows(client: pg.Client): Promise<Map<string, Row>> {
  const found = await queryRows(client, `select * from ${ITEM}`, [])
  return new Map(found.map((row) => [row.id ?? '', row]))
}

// Rows of its own, so that writers wait for nobody; every third transaction is rolled back, wholly or in part.
async function writeUntilOver(writer: number, progress: { writes: number; isOver: boolean }): Promise<void> {
  const client = lost.primary.client(APPS)
  client.on('error', () => {})
  await client.connect()
  try {
    for (let turn = 0; !progress.isOver; turn += 1) {
      const id = (row: number) => `'w${writer}-${(turn + row) % 17}'`
      const text = `'${'x'.repeat((turn * 137) % 3_000)}'`
      await client.query('begin')
      await client.query(`insert into ${ITEM} (id, text) values (${id(0)}, ${text}) on conflict do nothing`)
      await client.query(`savepoint one; update ${ITEM} set text = ${text} where id = ${id(1)}`)
      if (turn % 3 === 0) await client.query('rollback to one')
      await client.query(`delete from ${ITEM} where id = ${id(5)}`)
      await client.query(turn % 5 === 0 ? 'rollback' : 'commit')
      progress.writes += 1
    }
  } catch {
    // The primary was killed: that is the end of it.
  } finally {
    await client.end().catch(() => {})
  }
}

async function advanceUntilOver(progress: { isOver: boolean }): Promise<void> {
  while (!progress.isOver) {
    try {
      await lost.primary.withClient(async (client) => {
        const { standby } = await readPrimaryPosition(client, STANDBY_SLOT)
        if (standby?.flushLsn) await advanceDivergenceSlot(client, { slot: STANDBY_SLOT, flushLsn: standby.flushLsn })
      }, APPS)
    } catch {
      // The primary was killed.
    }
    await pause(20)
  }
}
