// Tunnels to a server on another machine: made once, however many services want it at the same moment.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Tunnels } from '../../src/host/tunnels.ts'
import { Door } from '../../src/kit/door.ts'

const to = (port: number) => ({ machine: 'east-us-1', region: 'East US', address: '127.0.0.1', port })

test('several services that want one server at once are given one tunnel', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-tunnels-'))
  await chmod(folder, 0o755)
  const door = new Door({ authority: '' })
  const tunnels = new Tunnels(door, folder)
  context.after(async () => {
    await tunnels.close()
    await door.close()
    await rm(folder, { recursive: true, force: true })
  })
  const found = await Promise.all([1, 2, 3].map(async (port) => await tunnels.ensure('sql-east-us', to(port))))
  assert.deepEqual(new Set(found), new Set([join(folder, 'to-sql-east-us')]))
  assert.ok((await stat(join(folder, 'to-sql-east-us', '.s.PGSQL.5432'))).isSocket())
  await tunnels.close()
  assert.equal(await tunnels.ensure('sql-east-us', to(4)), found[0])
})

test('a tunnel that could not be made is made at the next try', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-tunnels-'))
  const door = new Door({ authority: '' })
  const deep = join(folder, 'x'.repeat(60), 'y'.repeat(60))
  const tooLong = new Tunnels(door, deep)
  context.after(async () => {
    await tooLong.close()
    await door.close()
    await rm(folder, { recursive: true, force: true })
  })
  for (let time = 0; time < 2; time += 1) await assert.rejects(tooLong.ensure('sql-east-us', to(1)), { code: 'EINVAL' })
})
