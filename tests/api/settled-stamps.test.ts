// Whoever reads what changed up to the moment that the server calls settled, and goes on from there, gets every row:
// sixteen that write and four that read, as fast as they can.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import { APPS_DATABASE, SETTLED_FUNCTION } from '../../src/contract/table-format.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'

const WRITERS = 16
const READERS = 4
const READS_EACH = 2_000

/** What was read of the stamps from one moment on until another. */
type Page = { from: string; to: string; ids: Set<string> }

let postgres: TestCluster

before(async () => {
  postgres = await startTestCluster()
  await postgres.addService({ name: 'todo', tables: [{ name: 'Item', permissions: DEFAULT_PERMISSIONS }] })
})
after(async () => await postgres?.stop())

test('no page that ends at a settled moment lacks a row', { timeout: 120_000 }, async () => {
  let isOver = false
  const write = async (client: pg.Client, writer: number) => {
    for (let n = 0; !isOver; n += 1) {
      // Stamped, and for two ways to the server and back not there for others.
      await client.query('begin')
      await client.query('insert into todo."Item" (id) values ($1)', [`${writer}-${n}`])
      await client.query('commit')
    }
  }
  const writing = Promise.all(
    Array.from({ length: WRITERS }, async (_, n) => await inside((client) => write(client, n))),
  )
  const reading = Promise.all(Array.from({ length: READERS }, async () => await inside(readOn)))
  const pages = (
    await reading.finally(() => {
      isOver = true
    })
  ).flat()
  await writing
  const lacking = await inside(async (client) => {
    const found: string[] = []
    for (const { from, to, ids } of pages) {
      for (const id of await idsBetween(client, { from, to }))
        if (!ids.has(id)) found.push(`${id} from ${from} to ${to}`)
    }
    return found
  })
  assert.deepEqual(lacking, [])
  assert.ok(pages.reduce((sum, { ids }) => sum + ids.size, 0) > READS_EACH, 'they wrote meanwhile')
})

async function readOn(client: pg.Client): Promise<Page[]> {
  const pages: Page[] = []
  let from = '-infinity'
  for (let turn = 0; turn < READS_EACH; turn += 1) {
    const settled = await client.query<{ moment: string }>(`select ${SETTLED_FUNCTION}::text as moment`)
    const to = settled.rows[0]?.moment ?? ''
    pages.push({ from, to, ids: new Set(await idsBetween(client, { from, to })) })
    from = to
  }
  return pages
}

async function idsBetween(client: pg.Client, { from, to }: { from: string; to: string }): Promise<string[]> {
  const asked = 'select id from todo."Item" where "__updatedAt" >= $1 and "__updatedAt" < $2'
  return (await client.query<{ id: string }>(asked, [from, to])).rows.map(({ id }) => id)
}

async function inside<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  return await postgres.cluster.withClient(work, { database: APPS_DATABASE })
}
