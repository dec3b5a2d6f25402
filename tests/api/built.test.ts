// Which files start a role: bundles, or sources where one of these is newer.
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { BUNDLES, isBuilt } from '../../bin/built.mjs'
import { sandboxCode } from '../../src/sandbox/jail.ts'

const BUILT = new URL('../../bin/built.mjs', import.meta.url)
const AGE = { old: 1_000, built: 2_000, new: 3_000 }
const SOURCES = [
  ...['src/cli/main.ts', 'src/portal/main.tsx', 'src/kit/lines.ts', 'src/kit/lines.test.ts'],
  ...['migrations/0001-first.ts', 'package-lock.json'],
]

type Built = typeof import('../../bin/built.mjs')

/** A checkout whose bundles are newer than everything else in it. */
async function checkout(folder: string): Promise<Built> {
  const files = [...SOURCES, 'dist/roles/cli.mjs']
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), '')
  }
  await cp(BUILT, join(folder, 'bin/built.mjs'))
  for (const path of [...SOURCES, 'src', 'src/cli', 'src/kit', 'src/portal', 'migrations']) {
    await setAge(join(folder, path), 'old')
  }
  await setAge(join(folder, 'dist/roles/cli.mjs'), 'built')
  return (await import(pathToFileURL(join(folder, 'bin/built.mjs')).href)) as Built
}

async function setAge(path: string, age: keyof typeof AGE): Promise<void> {
  await utimes(path, AGE[age], AGE[age])
}

test('the bundles are run until a source, a package or a migration changes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-built-'))
  t.after(() => rm(folder, { recursive: true }))
  const { entryOf } = await checkout(folder)
  const entry = () => entryOf('cli').slice(pathToFileURL(`${folder}/`).href.length)
  assert.equal(entry(), 'dist/roles/cli.mjs')
  for (const path of ['src/portal/main.tsx', 'src/kit/lines.test.ts']) await setAge(join(folder, path), 'new')
  assert.equal(entry(), 'dist/roles/cli.mjs', 'nothing of it is in them')
  for (const path of ['src/kit/lines.ts', 'migrations/0001-first.ts', 'package-lock.json', 'src/kit', 'src']) {
    await setAge(join(folder, path), 'new')
    assert.equal(entry(), 'src/cli/main.ts', path)
    await setAge(join(folder, path), 'old')
    assert.equal(entry(), 'dist/roles/cli.mjs', path)
  }
  await rm(join(folder, 'dist'), { recursive: true })
  assert.equal(entry(), 'src/cli/main.ts')
})

test('an installed package runs what it brought, whatever the times of its files are', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-built-'))
  t.after(() => rm(folder, { recursive: true }))
  const installed = join(folder, 'node_modules/mainstay')
  const { entryOf } = await checkout(installed)
  await setAge(join(installed, 'src/kit/lines.ts'), 'new')
  assert.equal(entryOf('host'), pathToFileURL(join(installed, 'dist/roles/host.mjs')).href)
})

test('what is tested here is what was built, with the code of the sandbox as it is', async () => {
  assert.ok(isBuilt(), 'run npm run build first')
  // As old as the beginning of the build: what was changed while it ran is newer.
  const [anchor, other] = await Promise.all(
    ['cli.mjs', 'host.mjs'].map(async (name) => await stat(join(BUNDLES, name))),
  )
  assert.ok(anchor && other && anchor.mtimeMs < other.mtimeMs)
  for (const [name, text] of sandboxCode()) {
    assert.equal(await readFile(join(BUNDLES, 'sandbox', name), 'utf8'), text, name)
  }
})
