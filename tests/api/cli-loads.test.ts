// What the CLI loads before it does anything: each package that a command does not need is a wait for everybody.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const LAUNCHER = fileURLToPath(new URL('../../bin/mainstay.mjs', import.meta.url))
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
  const { stderr } = await promisify(execFile)(process.execPath, ['--import', hook, LAUNCHER, '--version'])
  assert.deepEqual(JSON.parse(stderr), ['commander'])
})
