// Columns that come by themselves, while others add the same ones or read: by two runtimes, in both generations, for
// both kinds of ids.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestAnswer, type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, routed } from '../support/runtime-scenario.ts'

const SECOND = { 'zumo-api-version': '2.0.0' }
const KINDS = [
  { is: 'the first generation', table: 'First', headers: {}, idType: 'string' },
  { is: 'the second generation', table: 'Second', headers: SECOND, idType: 'string' },
  { is: 'the first with integer ids', table: 'FirstCounted', headers: {}, idType: 'integer' },
  { is: 'the second with integer ids', table: 'SecondCounted', headers: SECOND, idType: 'integer' },
] as const
const AT_ONCE = 12

type Row = Record<string, unknown> & { id: string | number }

let postgres: TestCluster
let runtimes: TestRuntime[]
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtimes = await Promise.all(['one', 'two'].map(async (name) => await TestRuntime.start(postgres.folder, name)))
  const tables = KINDS.map(({ table, idType }) => ({ name: table, permissions: DEFAULT_PERMISSIONS, idType }))
  service = await postgres.addService({
    name: 'grow',
    tables: tables.map(({ idType, ...table }) => (idType === 'integer' ? { ...table, idType } : table)),
    isKeyRequired: false,
  })
  for (const runtime of runtimes) {
    runtime.setLeases()
    await runtime.assign([service])
  }
})

after(async () => {
  for (const runtime of runtimes ?? []) await runtime.stop()
  await postgres?.stop()
})

for (const { is, table, headers } of KINDS) {
  describe(`to ${is}`, () => {
    const ask = async (call: TestCall, turn: number): Promise<TestAnswer> => {
      const runtime = runtimes[turn % runtimes.length]
      assert.ok(runtime)
      return await runtime.call({ ...call, headers: routed(service, { ...APP, ...headers }) })
    }
    const atOnce = async (bodyOf: (turn: number) => object) =>
      await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, turn) => {
          return await ask({ method: 'POST', path: `/tables/${table}`, body: bodyOf(turn) }, turn)
        }),
      )
    const rowOf = (answer: TestAnswer) => {
      assert.equal(answer.status, 201, answer.body)
      return JSON.parse(answer.body) as Row
    }
    const find = async ({ id }: Row, turn = 0) => {
      const answer = await ask({ path: `/tables/${table}/${id}` }, turn)
      assert.equal(answer.status, 200, answer.body)
      return JSON.parse(answer.body) as Row
    }

    test('inserts that add the same column at once, whatever its case, add one', async () => {
      const made = (await atOnce((turn) => ({ [turn % 2 === 0 ? 'colour' : 'COLOUR']: `c${turn}` }))).map(rowOf)
      for (const [turn, one] of made.entries()) {
        const row = await find(one, turn + 1)
        const names = Object.keys(row).filter((name) => name.toLowerCase() === 'colour')
        assert.equal(names.length, 1, names.join())
        assert.equal(row[names[0] ?? ''], `c${turn}`)
      }
    })

    test('inserts that add several each, some of them the same, get all of theirs', async () => {
      const bodyOf = (turn: number) => ({ shared: turn, [`own${turn % 4}`]: turn, [`flag${turn % 3}`]: turn % 2 === 0 })
      const made = (await atOnce(bodyOf)).map(rowOf)
      for (const [turn, one] of made.entries()) {
        const row = await find(one, turn + 1)
        for (const [name, value] of Object.entries(bodyOf(turn))) assert.equal(row[name], value, name)
      }
    })

    test('where they disagree about its type, the first decides; nobody is answered with a failure of ours', async () => {
      const answers = await atOnce((turn) => ({ mixed: turn % 2 === 0 ? turn : `text ${turn}` }))
      const statuses = new Set(answers.map(({ status }) => status))
      assert.ok(
        [...statuses].every((status) => status === 201 || status === 400),
        [...statuses].join(),
      )
      assert.ok(statuses.has(201))
      // Every number is a text, and no text here is a number.
      const isText = answers.every(({ status }) => status === 201)
      for (const [turn, answer] of answers.entries()) {
        if (answer.status !== 201) continue
        const value = turn % 2 === 0 ? turn : `text ${turn}`
        assert.equal((await find(rowOf(answer))).mixed, isText ? String(value) : value)
      }
    })

    test('updates add columns as inserts do', async () => {
      const row = rowOf(await ask({ method: 'POST', path: `/tables/${table}`, body: {} }, 0))
      const path = `/tables/${table}/${row.id}`
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, turn) => {
          return await ask({ method: 'PATCH', path, body: { [`later${turn % 5}`]: 1 } }, turn)
        }),
      )
      for (const answer of answers) assert.equal(answer.status, 200, answer.body)
      const now = await find(row, 1)
      for (let turn = 0; turn < 5; turn += 1) assert.equal(now[`later${turn}`], 1)
    })

    test('who reads meanwhile gets whole rows each time, and sees a column once its insert was answered', async () => {
      let isOver = false
      let reads = 0
      const reading = Promise.all(
        runtimes.map(async (_, turn) => {
          while (!isOver) {
            const answer = await ask({ path: `/tables/${table}?$top=20` }, turn)
            assert.equal(answer.status, 200, answer.body)
            const widths = new Set((JSON.parse(answer.body) as Row[]).map((row) => Object.keys(row).join()))
            assert.equal(widths.size, 1, 'rows of one answer have the same columns')
            reads += 1
          }
        }),
      )
      for (let turn = 0; turn < 20; turn += 1) {
        const body = { [`column${turn}`]: `v${turn}` }
        const row = rowOf(await ask({ method: 'POST', path: `/tables/${table}`, body }, turn))
        // By the other runtime, which knew the columns of before.
        assert.equal((await find(row, turn + 1))[`column${turn}`], `v${turn}`)
        const query = new URLSearchParams({ $filter: `column${turn} eq 'v${turn}'` })
        const found = await ask({ path: `/tables/${table}?${query}` }, turn + 1)
        assert.deepEqual(
          (JSON.parse(found.body) as Row[]).map(({ id }) => id),
          [row.id],
        )
      }
      isOver = true
      await reading
      assert.ok(reads > 10, `${reads} reads`)
    })
  })
}
