// npm modules on a host's disk: fetched once, in parts, checked, put in their place whole, and kept when control is gone.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rename, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, before, beforeEach, test } from 'node:test'
import type { ServiceAssignment } from '../../src/contract/assignment.ts'
import { NpmModules } from '../../src/host/npm-modules.ts'
import { waitFor } from '../../src/kit/clock.ts'
import type { DoorCall } from '../../src/kit/door-http.ts'
import { Fault } from '../../src/kit/fault.ts'
import { removeTree } from '../../src/kit/files.ts'
import { SCRIPT_KEEP_MS } from '../../src/kit/limits.ts'
import { openLog } from '../../src/kit/log.ts'
import { type PackedModules, packModules } from '../../src/kit/module-files.ts'

const log = openLog('test', 'silent')
const PART_BYTES = 50

let home: string
let modules: NpmModules
let control: TestControl
let left: PackedModules
let right: PackedModules

before(async () => {
  left = await packed('left')
  right = await packed('right')
})
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'mst-'))
  control = testControl(left, right)
  modules = new NpmModules({ home, control, log })
})
afterEach(async () => {
  modules.stop()
  await removeTree(home)
})

const at = (...parts: string[]) => join(home, 'modules', ...parts)
const isThere = async (hash: string) => (await readdir(at()).catch((): string[] => [])).includes(hash)
const untilThere = async (hash: string) =>
  await waitFor('the modules', async () => ((await isThere(hash)) ? true : undefined), { withinMs: 10_000 })

test('what is missing is fetched in parts and put in its place; what is there is not asked for again', async () => {
  await modules.ensure([serviceWith(left.hash), serviceWith(right.hash), serviceWith(null)])
  assert.deepEqual((await readdir(at())).sort(), [left.hash, right.hash].sort())
  assert.equal(modules.folderOf(serviceWith(left.hash)), at(left.hash, 'node_modules'))
  assert.equal(modules.folderOf(serviceWith(null)), null)
  assert.equal(await readFile(at(left.hash, 'node_modules', 'left', 'index.js'), 'utf8'), "module.exports = 'left'")
  const asked = control.asked.length
  assert.ok(asked > 4)
  control.isGone = true
  await modules.ensure([serviceWith(left.hash)])
  // Nor after a restart.
  const again = new NpmModules({ home, control, log })
  await again.ensure([serviceWith(left.hash)])
  assert.equal(control.asked.length, asked)
})

test('what was damaged, or lost its files when a machine lost its power, is fetched anew', async () => {
  await modules.ensure([serviceWith(left.hash)])
  await writeFile(at(left.hash, 'node_modules', 'left', 'index.js'), '')
  const again = new NpmModules({ home, control, log })
  await again.ensure([serviceWith(left.hash)])
  assert.equal(await readFile(at(left.hash, 'node_modules', 'left', 'index.js'), 'utf8'), "module.exports = 'left'")
})

test('a fetch that was killed leaves nothing in the place, and its rest goes in time', async () => {
  const rest = at(`${left.hash}.0123abcd.tmp`)
  await mkdir(join(rest, 'node_modules', 'left'), { recursive: true })
  await modules.ensure([serviceWith(left.hash)])
  assert.equal((await readdir(at(left.hash, 'node_modules', 'left'))).length, 2)
  const longAgo = new Date(Date.now() - SCRIPT_KEEP_MS - 60_000)
  await utimes(rest, longAgo, longAgo)
  await modules.ensure([serviceWith(left.hash)])
  await modules.forgetUnused()
  assert.deepEqual(await readdir(at()), [left.hash])
})

test('what cannot be had is asked for again until it is here, and others do not wait for it', async () => {
  control.isGone = true
  await modules.ensure([serviceWith(left.hash)])
  assert.equal(await isThere(left.hash), false)
  control.isGone = false
  await untilThere(left.hash)
})

test('what is not what its hash says never gets into its place', async () => {
  control.swapped = true
  await modules.ensure([serviceWith(left.hash)])
  assert.deepEqual(await readdir(at()), [])
  control.swapped = false
  await untilThere(left.hash)
})

test('what no assignment names goes, but not at once: a sandbox may see it', async () => {
  await modules.ensure([serviceWith(left.hash), serviceWith(right.hash)])
  const longAgo = new Date(Date.now() - SCRIPT_KEEP_MS - 60_000)
  const age = async () => {
    for (const hash of [left.hash, right.hash]) await utimes(at(hash), longAgo, longAgo)
  }
  // However long ago it came here: the runtimes have not changed over yet.
  await age()
  await modules.ensure([serviceWith(left.hash)])
  await modules.forgetUnused()
  assert.equal(await isThere(right.hash), true)
  await age()
  await modules.ensure([serviceWith(left.hash)])
  await modules.forgetUnused()
  assert.deepEqual(await readdir(at()), [left.hash])
  // When it is wanted again, it is fetched again.
  await modules.ensure([serviceWith(right.hash)])
  assert.equal(await isThere(right.hash), true)
})

test('what cannot be read is no damage: it stays where it is', async () => {
  await modules.ensure([serviceWith(left.hash)])
  await symlink('nowhere', at(left.hash, 'node_modules', 'unreadable'))
  const asked = control.asked.length
  const again = new NpmModules({ home, control, log })
  await again.ensure([serviceWith(left.hash)])
  again.stop()
  assert.equal(await readFile(at(left.hash, 'node_modules', 'left', 'index.js'), 'utf8'), "module.exports = 'left'")
  assert.equal(control.asked.length, asked)
})

test('of two who put the same in its place, the second finds it there', async () => {
  const said: string[] = []
  const warn = (_: object, text: string) => void said.push(text)
  const two = [1, 2].map(() => new NpmModules({ home, control, log: Object.assign(Object.create(log), { warn }) }))
  await Promise.all(two.map(async (one) => await one.ensure([serviceWith(left.hash)])))
  for (const one of two) one.stop()
  assert.deepEqual([await readdir(at()), said], [[left.hash], []])
})

test('a folder that somebody took away is noticed by whoever starts next', async () => {
  await modules.ensure([serviceWith(left.hash)])
  await rename(at(left.hash), at('elsewhere'))
  const again = new NpmModules({ home, control, log })
  await again.ensure([serviceWith(left.hash)])
  assert.equal(await isThere(left.hash), true)
})

async function packed(name: string): Promise<PackedModules> {
  async function* files() {
    yield { path: `${name}/index.js`, content: Buffer.from(`module.exports = '${name}'`) }
    yield { path: `${name}/package.json`, content: Buffer.from('{}') }
  }
  return await packModules(files())
}

type TestControl = {
  asked: string[]
  isGone: boolean
  /** It gives one for the other. */
  swapped: boolean
  call: (call: DoorCall) => Promise<unknown>
}

function testControl(one: PackedModules, two: PackedModules): TestControl {
  const made: TestControl = {
    asked: [],
    isGone: false,
    swapped: false,
    call: async ({ path }) => {
      if (made.isGone) throw new Fault('door.unreachable', 503, 'control is gone')
      made.asked.push(path)
      const [, , , hash, part] = path.split('/')
      const isFirst = (hash === one.hash) !== made.swapped
      const bytes = (isFirst ? one : two).packed
      if (part === undefined) return { bytes: bytes.length, parts: Math.ceil(bytes.length / PART_BYTES) }
      const from = Number(part) * PART_BYTES
      return { content: bytes.subarray(from, from + PART_BYTES).toString('base64') }
    },
  }
  return made
}

function serviceWith(hash: string | null): ServiceAssignment {
  return {
    id: 'id',
    name: 'todo',
    epoch: 1,
    applicationKey: 'a',
    masterKey: 'm',
    isSchemaDynamic: true,
    generation: 0,
    tables: [],
    scripts: [],
    ...(hash === null ? {} : { npmModules: hash }),
    database: { server: 's', serverEpoch: 1, database: 'd', schema: 'todo', user: 'u', password: 'p', remote: null },
  }
}
