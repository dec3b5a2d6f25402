import assert from 'node:assert/strict'
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { removeTree } from './files.ts'
import { NPM_MODULES_BYTES_MAX, NPM_MODULES_FILES_MAX } from './limits.ts'
import { hashModules, type ModuleFile, packModules, unpackModules } from './module-files.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mst-files-'))
})
after(async () => await removeTree(folder))

const file = (path: string, content = path): ModuleFile => ({ path, content: Buffer.from(content) })
async function* all(files: Iterable<ModuleFile>) {
  yield* files
}
const FILES = [file('@a/b/index.js'), file(`${'long/'.repeat(60)}name.js`), file('x/empty', ''), file('x/é.js')]

test('what is packed and unpacked is the same, and so is its hash, wherever it lies', async () => {
  const { hash, packed, files, unpackedBytes } = await packModules(all(FILES))
  assert.deepEqual([files, unpackedBytes], [4, FILES.reduce((sum, { content }) => sum + content.length, 0)])
  const place = join(folder, 'whole')
  await unpackModules(packed, hash, place)
  for (const { path, content } of FILES) assert.deepEqual(await readFile(join(place, path)), Buffer.from(content))
  assert.equal((await stat(join(place, 'x/empty'))).mode & 0o777, 0o644)
  assert.equal(await hashModules(place), hash)
  await writeFile(join(place, 'x/empty'), 'no more')
  assert.notEqual(await hashModules(place), hash)
})

for (const path of ['../out', '/etc/passwd', 'a/../../b', 'a//b', './a', '', 'a\0b', 'a\\b', 'x'.repeat(501)]) {
  test(`'${path.slice(0, 20)}' is no path of a module`, async () => {
    await assert.rejects(packModules(all([file(path)])), { code: 'npm.damaged' })
  })
}

test('files come in the order of their paths, each once', async () => {
  for (const paths of [
    ['b', 'a'],
    ['a', 'a'],
  ]) {
    await assert.rejects(packModules(all(paths.map((path) => file(path)))), { code: 'npm.damaged' })
  }
})

test('too many files are refused, and too many bytes', async () => {
  const many = Array.from({ length: NPM_MODULES_FILES_MAX + 1 }, (_, at) => file(String(at).padStart(6, '0'), ''))
  await assert.rejects(packModules(all(many)), { code: 'npm.too_large' })
  const half = new Uint8Array(NPM_MODULES_BYTES_MAX / 2 + 1)
  const large = ['a', 'b'].map((path) => ({ path, content: half }))
  await assert.rejects(packModules(all(large)), { code: 'npm.too_large' })
})

test('nothing of what has another hash, is cut, or is no plain file is written', async () => {
  const { hash, packed } = await packModules(all(FILES))
  const place = join(folder, 'never')
  const isMade = async () =>
    await stat(place).then(
      () => true,
      () => false,
    )
  const tar = pack()
  tar.entry({ name: 'link', type: 'symlink', linkname: '/etc/passwd' })
  tar.finalize()
  const linked = Buffer.concat(await Array.fromAsync(tar as AsyncIterable<Buffer>))
  const { createHash } = await import('node:crypto')
  const cases: [Uint8Array, string][] = [
    [packed, hash.replace(/^./, (digit) => (digit === 'a' ? 'b' : 'a'))],
    [packed.subarray(0, 40), hash],
    [gunzipSync(packed), hash],
    [Buffer.from('no modules'), hash],
    [gzipSync(linked), createHash('sha256').update(linked).digest('hex')],
  ]
  for (const [bytes, wanted] of cases) {
    await assert.rejects(unpackModules(bytes, wanted, place), { code: 'npm.damaged' })
    assert.equal(await isMade(), false)
  }
})
