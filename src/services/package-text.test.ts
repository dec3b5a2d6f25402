import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PACKAGE_BYTES_MAX } from '../kit/limits.ts'
import { checkLockText, checkPackageText } from './package-text.ts'

const asks = (dependencies: unknown) => JSON.stringify({ dependencies })

const TAKEN: [text: string, count: number][] = [
  ['{}', 0],
  ['\uFEFF{}', 0],
  [asks({}), 0],
  [asks({ lodash: '^4.17.0', '@a/b': '*', c: 'npm:d@1', e: 'latest', f: '>=1 <2 || 3', g: '' }), 6],
  [asks({ a: 'https://example.com/a.tgz' }), 1],
  [JSON.stringify({ optionalDependencies: { a: '1' }, devDependencies: { b: 'file:..' }, scripts: { test: 'x' } }), 1],
]
for (const [text, count] of TAKEN) {
  test(`${text.slice(0, 60)} asks for ${count} packages`, () => assert.equal(checkPackageText(text), count))
}

const REFUSED: [text: string, message: RegExp][] = [
  ['', /is no JSON/],
  ['{ "dependencies": ', /is no JSON/],
  ['[]', /is no object/],
  ['null', /is no object/],
  ['"lodash"', /is no object/],
  [asks(['lodash']), /'dependencies' is no object/],
  [asks({ lodash: 4 }), /the version of 'lodash' is no text/],
  [JSON.stringify({ workspaces: ['a'] }), /has workspaces/],
  ...[
    'file:../x',
    'link:x',
    '../x',
    './x',
    '/x',
    '~/x',
    'workspace:*',
    'git+ssh://h/x',
    'git://h/x',
    'github:a/b',
    'a/b',
  ].map((range): [string, RegExp] => [asks({ own: range }), /'own' is to come from/]),
]
for (const [text, message] of REFUSED) {
  test(`'${text}' is refused`, () => {
    assert.throws(() => checkPackageText(text), { code: 'npm.bad_package', status: 400, message })
  })
}

test('one that is too long is refused, and a lock file that npm did not write', () => {
  assert.throws(() => checkPackageText(' '.repeat(PACKAGE_BYTES_MAX + 1)), { code: 'script.too_large', status: 413 })
  checkLockText('{"lockfileVersion":3}')
  assert.throws(() => checkLockText('{}'), { code: 'npm.bad_package', message: /has no lockfileVersion/ })
  assert.throws(() => checkLockText('yarn lockfile v1'), { code: 'npm.bad_package', message: /is no JSON/ })
})
