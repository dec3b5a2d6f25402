// The files of a commit: what may be there, and what they say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { managedFiles, parseTree, treeProblems } from './commit-tree.ts'
import {
  parseApiFile,
  parsePushFile,
  parseTableFile,
  renderApiFile,
  renderJobFile,
  renderPushFile,
  renderTableFile,
} from './permission-file.ts'
import { fileOf, readFiles } from './service-files.ts'

const HASH = 'a'.repeat(40)
const NOBODY = { tables: [], apis: [], jobs: [] }
const entry = (path: string, mode = '100644') => ({ mode, hash: HASH, bytes: 10, path })
const read = (files: Record<string, string>, known = NOBODY) => readFiles(new Map(Object.entries(files)), known)

test('a tree is read as git prints it', () => {
  const printed = Buffer.from(`100644 blob ${HASH}      12\tservice/a b.js\u0000160000 commit ${HASH}       -\tlib\0`)
  assert.deepEqual(parseTree(printed), [
    { mode: '100644', hash: HASH, bytes: 12, path: 'service/a b.js' },
    { mode: '160000', hash: HASH, bytes: null, path: 'lib' },
  ])
})

const TREES: [is: string, entries: ReturnType<typeof entry>[], says: RegExp | null][] = [
  ['plain files', [entry('README.md'), entry('service/api/a.js'), entry('service/api/a.json')], null],
  ['a link', [entry('a', '120000')], /symbolic link/],
  ['a submodule', [entry('lib', '160000')], /submodule/],
  ['a step out', [entry('service/../../etc/passwd')], /leads out/],
  ['a folder of git', [entry('a/.GIT/config')], /leads out/],
  ['a path of Windows', [entry('a\\b')], /leads out/],
  ['a drive', [entry('C:/x')], /leads out/],
  ['files that differ in case', [entry('a/X.js'), entry('a/x.js')], /differ in case only/],
  ['folders that differ in case', [entry('A/x.js'), entry('a/y.js')], /A|a/],
  ['composed in two ways', [entry('caf\u00e9'), entry('cafe\u0301')], /differ in case only/],
]
for (const [is, entries, says] of TREES) {
  test(`a tree with ${is}`, () => {
    const problems = treeProblems(entries)
    if (says === null) assert.deepEqual(problems, [])
    else assert.match(problems.join('\n'), says)
  })
}

test('of a tree only what says what runs is read', () => {
  const paths = [
    'README.md',
    'service/api/a.js',
    'service/notes.txt',
    'service/package.json',
    'service/node_modules/x/i.js',
  ]
  const { files, notes } = managedFiles(paths.map((path) => entry(path)))
  assert.deepEqual(
    files.map(({ path }) => path),
    ['service/api/a.js', 'service/package.json'],
  )
  assert.match(notes.join(), /node_modules is not read/)
})

test('files become tables, APIs, jobs and scripts', () => {
  const { wanted, problems } = read({
    'service/table/T.json': '\uFEFF{"routes":{"*":{"permission":"user"}}}',
    'service/table/T.delete.js': 'function del(id, user, request) {}',
    'service/api/a.js': '',
    'service/scheduler/j.js': 'function j() {}',
    'service/extensions/push.js': 'exports.register = function () {}',
  })
  assert.deepEqual(problems, [])
  assert.deepEqual(wanted.tables.get('T'), { insert: 'user', read: 'user', update: 'user', delete: 'user' })
  assert.deepEqual([...wanted.apis], [['a', null]])
  assert.deepEqual([...wanted.jobs], [['j', null]])
  // An empty file is no script.
  assert.deepEqual([...wanted.scripts.keys()], ['table/T.delete', 'scheduler/j', 'extensions/push'])
})

test('shared JSON is a module under its whole name; what cannot be the name of one is only kept', () => {
  const files = { 'service/shared/lib/words.json': '\uFEFF[1]', 'service/shared/.settings.json': '// no JSON' }
  const { wanted, problems, notes } = read(files)
  assert.deepEqual(problems, [])
  assert.deepEqual([...wanted.scripts], [['shared/lib/words.json', '\uFEFF[1]']])
  assert.deepEqual(notes, ['service/shared/.settings.json is stored, and not read'])
  assert.equal(fileOf('shared/lib/words.json'), 'service/shared/lib/words.json')
})

const FILES: [path: string, text: string, says: RegExp][] = [
  ['service/table/T.del.js', 'x', /rename it to service\/table\/T\.delete\.js/],
  ['service/table/T.oops.js', 'x', /cannot be the name of a script/],
  ['service/table/T.read.js', 'function read( {}', /no JavaScript in line 1/],
  ['service/table/Known.read.js', '1', /the table is called 'known'/],
  ['service/api/a b.json', '{"routes":{}}', /cannot be the name of an API/],
  [
    'service/api/a.json',
    '{"routes":{"*":{"get":{"permission":"all"}}}}',
    /permission of 'get of \*' is none of public/,
  ],
  ['service/api/a.json', '{"routes":{"*":{"fetch":{"permission":"user"}}}}', /'fetch' of '\*' is none of get/],
  ['service/api/a.json', '{"routes":{"*":{"get":{"permission":"user","x":1}}}}', /'x' of 'get of \*' is unknown/],
  ['service/api/a.json', '{"permissions":{}}', /means nothing in it/],
  ['service/table/T.json', '[]', /no JSON object/],
  ['service/table/T.json', '{', /it is no JSON/],
  ['service/scheduler/j.json', '{"schedule":{"kind":"sometimes"}}', /no schedule as jobs have/],
  ['service/shared/z.js', 'a\0b', /zero byte/],
  [
    'service/extensions/push.json',
    '{"routes":{"registrations":{"permission":"user"}}}',
    /push\.json: there is one permission for all routes/,
  ],
  ['service/extensions/push.json', '{"routes":{"*":{"get":{"permission":"user"}}}}', /it says several/],
  ['service/extensions/push.json', '{"routes":{"*":{"permission":"all"}}}', /is none of public/],
  ['service/shared/words.json', '{"a":\n1,}', /words\.json.* is no JSON: .*line 2/],
  ['service/shared/empty.json', '', /empty\.json' is no JSON/],
  ['service/shared/words.JSON', '{}', /rename it to service\/shared\/words\.json$/],
  ['service/shared/words.json.js', '1', /cannot be the name of a script/],
  ['service/package-lock.json', '{}', /there is no package\.json beside it/],
]
for (const [path, text, says] of FILES) {
  test(`${path}: ${says.source}`, () => {
    const { problems } = read({ [path]: text }, { ...NOBODY, tables: ['known'] as never })
    assert.match(problems.join('\n'), says)
  })
}

test('the own route of a table goes before all routes, and what is not named is closed', () => {
  const text = '{"routes":{"/":{"read":{"permission":"public"}},"*":{"post":{"permission":"authenticated"}}}}'
  const found = parseTableFile('t', text)
  assert.deepEqual(found, { insert: 'user', read: 'public', update: 'admin', delete: 'admin' })
})

test('what is written is in one order, however it came, and reads as it was', () => {
  const [one, other] = [
    { insert: 'user', read: 'public', update: 'admin', delete: 'admin' },
    { delete: 'admin', update: 'admin', read: 'public', insert: 'user' },
  ] as const
  assert.equal(renderTableFile(one), renderTableFile(other))
  assert.deepEqual(parseTableFile('t', renderTableFile(other)), one)
  const job = { isEnabled: true, overlap: 'skip', missed: 'once' } as const
  const first = { kind: 'interval', period: 2, unit: 'hour', startAt: '2026-01-01T00:00:00Z' } as const
  const second = { startAt: '2026-01-01T00:00:00Z', unit: 'hour', period: 2, kind: 'interval' } as const
  assert.equal(renderJobFile({ ...job, schedule: first }), renderJobFile({ ...job, schedule: second }))
})

test('the routes of a custom API are kept as they are', () => {
  const text = '{"routes":{"title/:id":{"get":{"permission":"public"}},"*":{"permission":"admin"}}}'
  const kept = parseApiFile('a', text)
  assert.deepEqual(kept.routes?.['title/:id'], { get: 'public' })
  assert.deepEqual(parseApiFile('a', renderApiFile(kept)), kept)
})

test('who may register devices is one permission, in whichever words all routes say it', () => {
  const each = Object.fromEntries(['get', 'post', 'put', 'delete'].map((method) => [method, { permission: 'public' }]))
  for (const routes of [
    { '*': { permission: 'public' } },
    { '*': each },
    { registrations: each, '/registrationIds/': { '*': { permission: 'public' } }, '*': { permission: 'public' } },
  ]) {
    assert.equal(parsePushFile('p', JSON.stringify({ routes })), 'public')
  }
  // What is not said is closed.
  assert.equal(parsePushFile('p', '{"routes":{}}'), 'admin')
  for (const level of ['public', 'application', 'user', 'admin'] as const) {
    assert.equal(parsePushFile('p', renderPushFile(level)), level)
  }
  const { wanted, notes } = read({ 'service/extensions/push.json': renderPushFile('user') })
  assert.deepEqual([wanted.push, notes], ['user', []])
})
