// A runtime tells which filter and which order were slow for want of an index, and of none that has it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { changeTable } from '../../src/databases/table-change.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { TestRuntime } from '../support/runtime-process.ts'
import { APP, routed } from '../support/runtime-scenario.ts'

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'advised', ['--slow-read-ms', '1'])
  const tables = ['Large', 'Small'].map((name) => ({ name, permissions: DEFAULT_PERMISSIONS }))
  service = await postgres.addService({ name: 'shop', tables })
  for (const [table, rows] of [
    ['Large', 30_000],
    ['Small', 500],
  ] as const) {
    await postgres.sql(`
      set session_replication_role = replica;
      alter table shop."${table}" add text text collate mainstay.ci, add n double precision, add done boolean;
      insert into shop."${table}" select 'i' || k, now(), now(), k, 'secret ' || k, k, k % 2 = 0
        from generate_series(1, ${rows}) k;
      reset session_replication_role; analyze shop."${table}"`)
  }
  runtime.setLeases()
  await runtime.assign([service])
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

async function read(table: string, query: Record<string, string>): Promise<void> {
  const path = `/tables/${table}?${new URLSearchParams(query)}`
  const answer = await runtime.call({ path, headers: routed(service, APP) })
  assert.equal(answer.status, 200, answer.body)
}

test('the filter and the order that were slow are told, with what they cost and without a value', async () => {
  const wanted: [string, Record<string, string>][] = [
    ['text equality', { $filter: "text eq 'secret 7'" }],
    ['text part of a text', { $filter: "substringof('cret 77', text)" }],
    ['n order', { $orderby: 'n desc' }],
    ['n range', { $filter: 'n lt 4 and done eq true', $inlinecount: 'allpages' }],
  ]
  // A service is looked at now and then: they are read until the turn of each has come.
  const again = setInterval(() => {
    for (const [, query] of wanted) void read('Large', query).catch(() => {})
    void read('Small', { $filter: "text eq 'secret 7'" }).catch(() => {})
  }, 200)
  try {
    for (const [place] of wanted) {
      const found = await runtime.untilSlowRead(service, ({ column, use }) => `${column} ${use}` === place)
      assert.equal(found.table, 'Large')
      assert.ok(found.count >= 1 && found.slowestMs >= 1, JSON.stringify(found))
      assert.ok(found.readRows > 25_000 && found.foundRows <= found.readRows, JSON.stringify(found))
      assert.doesNotMatch(JSON.stringify(found), /secret|cret 77/)
    }
  } finally {
    clearInterval(again)
  }
  assert.doesNotMatch(runtime.log, /secret 7|cret 77/)
})

test('an index that was added serves filters and the order, up and down', async () => {
  const name = { schema: 'shop', table: 'Large', serviceId: service.id }
  const plans = async (order: string) =>
    JSON.stringify(await postgres.sql(`explain (format json) select * from shop."Large" order by ${order} limit 50`))
  assert.match(await plans('n desc nulls last, id desc'), /"Seq Scan"/)
  await postgres.cluster.withClient(
    async (client) => await changeTable(client, name, { kind: 'add_index', column: 'n' }),
    {
      database: 'apps',
    },
  )
  for (const order of ['n desc nulls last, id desc', 'n nulls first, id']) {
    assert.match(await plans(order), /"Index Scan"/, order)
    assert.doesNotMatch(await plans(order), /"Seq Scan"/, order)
  }
})
