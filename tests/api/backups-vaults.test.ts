// What every kind of vault keeps to, whatever it is made of.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { s3Vault } from '../../src/backups/s3-vault.ts'
import { makeFolders, removeTree } from '../../src/kit/files.ts'
import { folderVault, type Vault } from '../../src/kit/vault.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'

let folder: string
let server: S3Server

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mainstay-vaults-'))
  server = await startS3Server()
})
after(async () => {
  await server?.stop()
  await removeTree(folder)
})

const KINDS: { name: string; open: () => Vault }[] = [
  { name: 'a folder', open: () => folderVault(join(folder, 'vault')) },
  { name: 'a bucket', open: () => s3Vault(server.options) },
]

for (const { name, open } of KINDS) {
  describe(name, () => {
    test('gives back what was put, also large and empty objects, and null for none', async () => {
      const vault = open()
      for (const bytes of [0, 1, 5_000_000]) {
        const content = randomBytes(bytes)
        await vault.put(`round/trip-${bytes}`, content)
        assert.deepEqual(Buffer.from((await vault.get(`round/trip-${bytes}`)) ?? []), content)
      }
      assert.equal(await vault.get('round/none'), null)
      assert.equal(await vault.get('nowhere/none'), null)
    })

    test('a second put replaces the first, and what was removed is gone, however often', async () => {
      const vault = open()
      await vault.put('again/a', Buffer.from('first'))
      await vault.put('again/a', Buffer.from('second'))
      assert.equal(Buffer.from((await vault.get('again/a')) ?? []).toString(), 'second')
      await vault.remove('again/a')
      await vault.remove('again/a')
      assert.equal(await vault.get('again/a'), null)
      assert.deepEqual(await vault.list('again/'), [])
    })

    test('what a write left that was cut short goes after a while; objects stay', async () => {
      const vault = open()
      await vault.put('swept/a', Buffer.from('whole'))
      const half = join(folder, 'vault', 'swept', 'b.0123abcd.tmp')
      await makeFolders(dirname(half))
      await writeFile(half, 'hal')
      await vault.sweep('swept/', new Date(Date.now() - 60_000))
      assert.ok(existsSync(half), 'it may be under way')
      await vault.sweep('swept/', new Date(Date.now() + 60_000))
      assert.equal(existsSync(half), name !== 'a folder')
      assert.deepEqual(await vault.list('swept/'), ['swept/a'])
    })

    test('lists by prefix, in order, more than one page of a store, and nothing of a neighbour', async () => {
      const vault = open()
      const keys = Array.from({ length: 1_050 }, (_, index) => `many/b/${String(index).padStart(5, '0')}`)
      // Sixteen at a time, since each waits for a disk.
      for (let at = 0; at < keys.length; at += 16) {
        await Promise.all(keys.slice(at, at + 16).map(async (key) => await vault.put(key, Buffer.from(key))))
      }
      await vault.put('many/a/1', Buffer.from('a'))
      await vault.put('many-others/1', Buffer.from('b'))
      assert.deepEqual(await vault.list('many/b/'), keys)
      assert.deepEqual(await vault.list('many/b/0104'), keys.slice(1_040, 1_050))
      assert.equal((await vault.list('many/')).length, 1_051)
      assert.deepEqual(await vault.list('none/'), [])
    })
  })
}

test('two vaults of one bucket under different prefixes do not see each other', async () => {
  const other = s3Vault({ ...server.options, prefix: 'cloud-2/' })
  await other.put('mine/1', Buffer.from('x'))
  assert.deepEqual(await s3Vault(server.options).list('mine/'), [])
  assert.deepEqual(await other.list(''), ['mine/1'])
})

test('a store that is away says so, and so does a folder below what is none', async () => {
  const away = s3Vault({ ...server.options, endpoint: 'http://127.0.0.1:9' })
  await assert.rejects(away.list(''), { code: 'vault.unreachable' })
  const file = join(folder, 'file')
  await writeFile(file, '')
  const lost = folderVault(join(file, 'vault'))
  await assert.rejects(lost.list('a/'), { code: 'ENOTDIR' })
  await assert.rejects(lost.get('a/b'), { code: 'ENOTDIR' })
  await assert.rejects(lost.put('a/b', Buffer.from('x')), { code: 'EEXIST' })
})

test('a store that refuses the key says so, with what to check', async () => {
  const body = '<?xml version="1.0"?><Error><Code>InvalidAccessKeyId</Code><Message>No such key.</Message></Error>'
  const refusing = createServer((_request, response) => {
    response.writeHead(403, { 'content-type': 'application/xml' }).end(body)
  })
  await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = refusing.address() as AddressInfo
    const vault = s3Vault({ ...server.options, endpoint: `http://127.0.0.1:${port}` })
    const expected = { code: 'vault.refused', message: /No such key/, hint: /MAINSTAY_VAULT_ACCESS_KEY_ID/ }
    await assert.rejects(vault.list(''), expected)
    await assert.rejects(vault.put('a', Buffer.from('x')), { code: 'vault.refused' })
  } finally {
    refusing.close()
  }
})

test('plain http to another machine is refused', () => {
  assert.throws(() => s3Vault({ ...server.options, endpoint: 'http://store.example.com' }), {
    code: 'options.insecure',
  })
})
