// `control key export` and several control URLs, as a person uses them.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeControlKey } from '../../src/contract/control-key.ts'
import { startFakeControl } from '../support/cli-control.ts'
import { runCli, temporaryFolder } from '../support/cli-run.ts'
import { freePort } from '../support/cloud.ts'

test('the key is exported into a file of its owner, once, and that is noted beside it', async (context) => {
  const home = temporaryFolder(context)
  const key = randomBytes(32)
  await writeFile(join(home, 'control.key'), `${key.toString('hex')}\n`)
  const args = ['control', 'key', 'export', '--home', home, '-o', join(home, 'out.key')]
  const { code, stdout } = await runCli(context, args)
  assert.equal(code, 0)
  assert.match(stdout, /off this machine/)
  assert.ok(!stdout.includes(key.toString('hex')))
  assert.equal((await stat(join(home, 'out.key'))).mode & 0o077, 0)
  assert.deepEqual(decodeControlKey(await readFile(join(home, 'out.key'), 'utf8'), null), key)
  assert.ok((await stat(join(home, 'control.key.exported'))).isFile())
  const again = await runCli(context, args)
  assert.equal(again.code, 1)
  assert.match(again.stderr, /is there already/)
})

test('it is locked with a passphrase that deserves the name', async (context) => {
  const home = temporaryFolder(context)
  const key = randomBytes(32)
  await writeFile(join(home, 'control.key'), `${key.toString('hex')}\n`)
  const file = join(home, 'phrase')
  const args = ['control', 'key', 'export', '--home', home, '--passphrase-file', file, '--json']
  await writeFile(file, 'short\n')
  assert.equal((await runCli(context, args)).code, 2)
  await writeFile(file, 'correct horse battery staple\n')
  const { code, stdout } = await runCli(context, args)
  assert.equal(code, 0)
  const shown = JSON.parse(stdout) as { key: string; isLocked: boolean }
  assert.equal(shown.isLocked, true)
  assert.deepEqual(decodeControlKey(shown.key, 'correct horse battery staple'), key)
})

test('without a key there it says where to run', async (context) => {
  const { code, stderr } = await runCli(context, ['control', 'key', 'export', '--home', temporaryFolder(context)])
  assert.equal(code, 2)
  assert.match(stderr, /--home or --key-file/)
})

test('of several controls the one that answers is used; a change that it may have taken is not sent again', async (context) => {
  const silent = `http://127.0.0.1:${await freePort()}`
  const hasTaken = await startFakeControl(context, { 'PATCH /regions/West%20US': 'hang up' })
  const other = await startFakeControl(context, {
    'GET /regions': { status: 200, body: [] },
    'PATCH /regions/West%20US': { status: 404, body: { code: 'region.unknown', message: 'not here' } },
  })
  const env = (...urls: string[]) => ({ ...other.env, MAINSTAY_CONTROL_URL: urls.join(', ') })
  const list = await runCli(context, ['region', 'list'], { env: env(silent, other.url) })
  assert.equal(list.code, 0, list.stderr)
  const set = ['region', 'set', 'West US', '--shared-slots', '3']
  const refused = await runCli(context, set, { env: env(silent, other.url) })
  assert.match(refused.stderr, /not here/)
  const before = other.asked.length
  const broken = await runCli(context, set, { env: env(hasTaken.url, other.url) })
  assert.match(broken.stderr, /does not answer/)
  assert.equal(other.asked.length, before)
  const bad = await runCli(context, ['region', 'list'], { env: env(other.url, 'ftp://x') })
  assert.equal(bad.code, 2)
})
