// What a dry run of `mobile table update` says and refuses.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TableView } from '../contract/api.ts'
import type { TableChange } from '../contract/table-change.ts'
import { planTableUpdate } from './table-plan.ts'

const permissions = {
  insert: 'application',
  read: 'application',
  update: 'application',
  delete: 'application',
} as const
const table: TableView = {
  name: 'TodoItem',
  idType: 'string',
  permissions,
  recordCount: 0,
  columns: ['id', '__createdAt', 'Text'].map((name) => ({ name, type: 'string', indexed: false })),
  hasSoftDelete: false,
  createdAt: '2026-01-01T00:00:00.000Z',
}
const add = (column: string): TableChange => ({ kind: 'add_column', column, type: 'string' })
const drop = (column: string): TableChange => ({ kind: 'drop_column', column })
const index = (column: string): TableChange => ({ kind: 'add_index', column })

describe('the dry run of a table update', () => {
  const cases: [changes: TableChange[], code: string | null][] = [
    [[add('due'), index('due')], null],
    [[drop('text'), add('text')], null],
    [[{ kind: 'drop_index', column: 'Text' }], null],
    [[{ kind: 'soft_delete_on' }, { kind: 'soft_delete_off' }], null],
    [[add('text')], 'table.column_exists'],
    [[add('due'), add('Due')], 'table.column_exists'],
    [[add('9th')], 'table.bad_column'],
    [[drop('id')], 'table.system_column'],
    [[drop('__createdAt')], 'table.system_column'],
    [[drop('due')], 'table.column_unknown'],
    [[drop('Text'), index('Text')], 'table.column_unknown'],
  ]
  for (const [changes, code] of cases) {
    const words = changes.map((change) => `${change.kind} ${'column' in change ? change.column : ''}`.trim())
    test(`${words.join(', ')}: ${code ?? 'nothing refuses it'}`, () => {
      const plan = () =>
        planTableUpdate(
          table,
          changes.map((change, at) => ({ plan: words[at] ?? '', change })),
        )
      if (code === null) assert.deepEqual(plan(), { isDryRun: true, changes: words })
      else assert.throws(plan, { code })
    })
  }

  test('without its server there is none', () => {
    const plan = () => planTableUpdate({ ...table, columns: null }, [{ plan: 'x' }])
    assert.throws(plan, { code: 'region.unreachable' })
  })
})
