// What the CLI loads before it does anything: each package that a command does not need is a wait for everybody.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

// The sources: a bundle has what it needs in it.
const CLI = new URL('../../src/cli/main.ts', import.meta.url).href
// Tells at the end which packages were loaded.
const TELLING = `
  import { registerHooks } from 'node:module'
  const packages = new Set()
  const load = (url, context, next) => {
    const found = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)
    if (found) packages.add(found[1])
    return next(url, context)
  }
  registerHooks({ load })
  process.on('exit', () => process.stderr.write(JSON.stringify([...packages])))
`

test('a command of the CLI loads the parser of command lines, and no other package', async () => {
  const hook = `data:text/javascript,${encodeURIComponent(TELLING)}`
  const run = `const { main } = await import('${CLI}'); await main(['--version'])`
  const { stderr } = await promisify(execFile)(process.execPath, ['--import', hook, '--input-type=module', '-e', run])
  assert.deepEqual(JSON.parse(stderr), ['commander'])
})
