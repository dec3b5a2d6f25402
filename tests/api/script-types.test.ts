// The types of scripts, as an app team's own compiler takes them from the package.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

const ROOT = new URL('../..', import.meta.url).pathname
const GOOD = `
import type { ApiHandler, Insert, Read, Startup } from 'mainstay/scripts'
export const startup: Startup = async ({ tables }) => void (await tables.getTable('TodoItem').read())
type Todo = { id?: string; text: string; done?: boolean }
export const insert: Insert<Todo> = async ({ item, user, tables, next }) => {
  if (user.level === 'anonymous') throw Object.assign(new Error('sign in first'), { statusCode: 401 })
  const open = await tables.getTable<Todo>('TodoItem').where({ done: false }).take(10).read()
  item.text = item.text.trim() + open.length
  return await next()
}
export const read: Read<Todo> = ({ query, next }) => { query.where('done eq false'); return next() }
export const get: ApiHandler = async (req, res) => {
  const [row] = await req.service.mssql.query<{ n: number }>('select count(*) as n from TodoItem')
  const told = await req.service.push.wns.sendToastText01('news && !muted', { text1: 'x' }, { ttl: 60 })
  await push.send(null, { headline: 'x' })
  res.send(statusCodes.OK, { n: row?.n, path: req.params.path, told: told.sends?.length })
}
`
const BAD = `
import type { Insert } from 'mainstay/scripts'
export const insert: Insert<{ text: string }> = async ({ item }) => item.txet
`

let folder: string

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'mainstay-types-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules', 'mainstay'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

function compile(text: string): { code: number | null; said: string } {
  writeFileSync(join(folder, 'script.ts'), text)
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'esnext',
    '--types',
    '',
  ]
  const args = [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), ...options, 'script.ts']
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
  return { code: status, said: stdout }
}

test('a good script compiles', () => assert.deepEqual(compile(GOOD), { code: 0, said: '' }))

test('a mistyped column is told', () => assert.match(compile(BAD).said, /Property 'txet' does not exist/))
