// A table with soft delete as it was: what was marked since is there again, and what came since is marked.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import type { TableWish } from '../../src/contract/table-restore.ts'
import { restoreTable } from '../../src/databases/restored-table.ts'
import { changeTable } from '../../src/databases/table-change.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'

const WISH: TableWish = { table: 'TodoItem', as: null, ids: null, isExact: true }

let postgres: TestCluster
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  // The one plays the restored server, the other the living one.
  for (const name of ['earlier', 'now']) {
    service = await postgres.addService({ name })
    await postgres.cluster.withClient(
      async (client) => {
        await changeTable(client, { schema: name, table: 'TodoItem', serviceId: name }, { kind: 'soft_delete_on' })
        await client.query(`insert into ${name}."TodoItem" (id) values ('kept'), ('back')`)
      },
      { database: 'apps' },
    )
  }
  await postgres.sql(`insert into earlier."TodoItem" (id, "__deleted") values ('gone', true)`)
  await postgres.sql(`update now."TodoItem" set "__deleted" = true where id = 'back'`)
  await postgres.sql(`insert into now."TodoItem" (id) values ('since')`)
})

after(async () => await postgres?.stop())

async function restore(wish: Partial<TableWish>) {
  return await postgres.cluster.withClient(
    async (then) =>
      await postgres.cluster.withClient(
        async (now) =>
          await restoreTable(
            { before: { client: then, schema: 'earlier' }, now: { client: now, schema: 'now', serviceId: service.id } },
            { ...WISH, ...wish },
          ),
        { database: 'apps' },
      ),
    { database: 'apps' },
  )
}

async function rowsOf(table: string) {
  const rows = await postgres.sql<{ id: string; deleted: boolean }>(
    `select id, "__deleted" as deleted from now."${table}" order by id`,
  )
  return rows.map(({ id, deleted }) => `${id}${deleted ? ' (deleted)' : ''}`)
}

test('a copy has the marks, and may be written to as any other table', async () => {
  await restore({ as: 'Copy' })
  assert.deepEqual(await rowsOf('Copy'), ['back', 'gone (deleted)', 'kept'])
  await postgres.sql(`insert into now."Copy" (id) values ('new')`)
  assert.deepEqual(await rowsOf('Copy'), ['back', 'gone (deleted)', 'kept', 'new'])
})

test('rows that were marked since are there again; what came since is marked, not taken away', async () => {
  const { updated, inserted, deleted } = await restore({})
  assert.deepEqual({ updated, inserted, deleted }, { updated: 1, inserted: 1, deleted: 1 })
  assert.deepEqual(await rowsOf('TodoItem'), ['back', 'gone (deleted)', 'kept', 'since (deleted)'])
})
