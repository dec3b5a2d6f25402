// Style that a machine can hold: which room may import which, dead files, long lines, things that must not be there.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { FAULT_CODES } from '../src/contract/faults.ts'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')

// What each room may import besides itself. Imports go down only; process roots never import each other.
const STACK = [
  'kit',
  'contract',
  'accounts',
  'operations',
  'regions',
  'history',
  'databases',
  'services',
  'source',
  'health',
  'recovery',
  'control',
]
const BELOW = (room: string) => STACK.slice(0, STACK.indexOf(room))
const MAY_IMPORT: Record<string, string[]> = {
  ...Object.fromEntries(STACK.map((room) => [room, BELOW(room)])),
  status: ['kit', 'contract'],
  portal: ['contract'],
  // It installs npm modules in a sandbox. Only its main file imports the room above it.
  control: [...BELOW('control'), 'status', 'migrations', 'sandbox', 'management'],
  management: [...BELOW('control'), 'control'],
  machine: ['kit', 'contract'],
  gateway: ['kit', 'contract', 'machine', 'status'],
  backups: ['kit', 'contract', 'databases'],
  host: ['kit', 'contract', 'machine', 'databases', 'backups'],
  sandbox: ['kit', 'contract'],
  query: ['kit'],
  'sign-in': ['kit', 'contract'],
  push: ['kit', 'contract'],
  runtime: ['kit', 'contract', 'query', 'push', 'sandbox', 'sign-in'],
  guard: ['kit', 'contract'],
  local: ['kit', 'contract'],
  // The commands that run a cloud on this machine, and no other.
  cli: ['kit', 'contract', 'local'],
  migrations: [],
}
// Files that nobody imports because the launcher, a browser or Vite starts them.
const ROOTS = 'backups|control|gateway|host|runtime|sandbox|guard|cli'
const ENTRIES = new RegExp(`^src/((${ROOTS})/(install-)?main\\.ts|portal/(main\\.tsx|vite\\.config\\.ts))$`)
const LINE_LENGTH_MAX = 120
const FORBIDDEN_NAMES = /^(utils?|common|helpers?|manager|index)\.ts$/

type SourceFile = { path: string; text: string; room: string; imports: string[] }

const sources = [...list('src'), ...list('migrations')].map(read)
const all = [...sources, ...['build', 'tests', 'bench', 'campaigns'].flatMap(list).map(read)]

test('rooms import only what lies below them', () => {
  const wrong = sources.flatMap((file) => {
    const allowed = MAY_IMPORT[file.room]
    assert.ok(allowed, `${file.room} is not in the table of rooms`)
    const rooms = file.imports.filter((path) => path.startsWith('src/') || path.startsWith('migrations/')).map(roomOf)
    return rooms
      .filter((room) => room !== file.room && !allowed.includes(room))
      .map((room) => `${file.path} imports ${room}`)
  })
  assert.deepEqual(wrong, [])
})

test('the management protocol stands upon control: of that only the process root knows it', () => {
  const knowing = sources.filter(
    ({ room, imports }) => room === 'control' && imports.some((path) => roomOf(path) === 'management'),
  )
  assert.deepEqual(
    knowing.map(({ path }) => path),
    ['src/control/main.ts'],
  )
})

test('the contract and the kit hold no logic of a process: they import nothing above them', () => {
  const wrong = sources.filter(
    (file) => file.room === 'kit' && file.imports.some((path) => roomOf(path) !== 'kit' && path.startsWith('src/')),
  )
  assert.deepEqual(
    wrong.map((file) => file.path),
    [],
  )
})

test('every file is used', () => {
  const used = new Set(all.flatMap((file) => file.imports))
  const dead = sources.filter(
    (file) => !used.has(file.path) && !ENTRIES.test(file.path) && !file.path.endsWith('.test.ts'),
  )
  // A file that only its own test imports is dead, too.
  const usedBySources = new Set(
    all
      .filter((file) => !file.path.startsWith('src/') || !file.path.endsWith('.test.ts'))
      .flatMap((file) => file.imports),
  )
  const onlyTested = sources.filter(
    (file) => !file.path.endsWith('.test.ts') && used.has(file.path) && !usedBySources.has(file.path),
  )
  assert.deepEqual(
    [...dead, ...onlyTested].map((file) => file.path),
    [],
  )
})

test('every file says on its first line what it is for', () => {
  const silent = all.filter((file) => !/^\/\/ \S/.test(file.text) && !file.path.endsWith('.test.ts'))
  assert.deepEqual(
    silent.map((file) => file.path),
    [],
  )
})

test(`no line is longer than ${LINE_LENGTH_MAX} characters`, () => {
  const long = all.flatMap((file) =>
    file.text.split('\n').flatMap((line, index) => {
      // A string cannot always be broken; what is long because of one is left to the reviewer.
      const isText = /['"`]/.test(line)
      return line.length > LINE_LENGTH_MAX && !isText ? [`${file.path}:${index + 1}`] : []
    }),
  )
  assert.deepEqual(long, [])
})

test('the environment is read in the config files only, and no name says nothing', () => {
  const readers = sources.filter((file) => file.text.includes('process.env') && !file.path.endsWith('.test.ts'))
  // The sandbox makes the one that scripts see.
  const allowed = ['src/cli/config.ts', 'src/kit/environment.ts', 'src/local/roles.ts', 'src/sandbox/main.ts']
  assert.deepEqual(
    readers.map((file) => file.path).filter((path) => !allowed.includes(path)),
    [],
  )
  assert.deepEqual(
    all.map((file) => file.path).filter((path) => FORBIDDEN_NAMES.test(path.split('/').at(-1) ?? '')),
    [],
  )
})

test('every fault that is thrown is in the list of codes, and every code in the list is thrown', () => {
  const thrown = new Set<string>()
  for (const { text, path } of sources) {
    if (path.endsWith('.test.ts')) continue
    for (const [, code] of text.matchAll(/new Fault\(\s*'([^']+)'/g)) if (code) thrown.add(code)
    // Refusals of a recovery are made by one function that adds the prefix.
    for (const [, code] of text.matchAll(/(?:refusal|refuse)\(\s*'([a-z_]+)'/g))
      if (code) thrown.add(`recovery.${code}`)
  }
  const listed = new Set<string>(FAULT_CODES)
  assert.deepEqual([...thrown].filter((code) => !listed.has(code)).sort(), [])
  assert.deepEqual([...listed].filter((code) => !thrown.has(code)).sort(), [])
})

test('every metric is explained in the docs, and the docs explain no other', () => {
  const told = new Set(sources.flatMap(({ path, text }) => (/metrics\.ts$/.test(path) ? namesIn(text, "name: '") : [])))
  const explained = new Set(namesIn(readFileSync(join(ROOT, 'docs/operating.md'), 'utf8'), '| `'))
  assert.deepEqual([...explained].sort(), [...told].sort())
  assert.ok(told.size > 40)
})

test('alerts and the dashboard for Grafana ask for metrics that there are', () => {
  const told = new Set(sources.flatMap(({ path, text }) => (/metrics\.ts$/.test(path) ? namesIn(text, "name: '") : [])))
  for (const file of ['alerts.yml', 'grafana.json']) {
    const text = readFileSync(join(ROOT, 'docs/monitoring', file), 'utf8')
    const asked = [...text.matchAll(/mainstay_(\w+)/g)].map(([, name = '']) => name.replace(/_(bucket|count|sum)$/, ''))
    assert.ok(asked.length > 10)
    assert.deepEqual(
      asked.filter((name) => !told.has(name)),
      [],
      file,
    )
  }
})

test('the lock file has every optional package of every platform, and names no host', () => {
  const text = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
  const lock = JSON.parse(text) as { packages: Record<string, { optionalDependencies?: Record<string, string> }> }
  const optional = Object.values(lock.packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
  // A package may bring others along inside of it.
  const paths = Object.keys(lock.packages)
  // npm leaves out what it could not ask for, and then refuses its own lock file elsewhere.
  assert.deepEqual(
    optional.filter((name) => !paths.some((path) => path.endsWith(`node_modules/${name}`))),
    [],
  )
  assert.doesNotMatch(text, /"resolved"/)
})

function namesIn(text: string, before: string): string[] {
  return text.split(`${before}mainstay_`).flatMap((rest, index) => (index === 0 ? [] : [rest.match(/^\w+/)?.[0] ?? '']))
}

function list(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
}

function read(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const found = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)]
  const imports = found.map(([, target]) => relative(ROOT, resolve(ROOT, dirname(path), target ?? '')))
  return { path, text, room: roomOf(path), imports }
}

function roomOf(path: string): string {
  const [top = '', room = ''] = path.split('/')
  return top === 'src' ? room : top
}
