// Tests of like-patterns: what a pattern of the original becomes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCharacterSet, likePattern, setPattern } from './like-patterns.ts'

test('only a whole set is one', () => {
  const found = ['[a]', 'x[^a-f]y', '[', ']', 'a]b[', '[]', 'plain%_'].filter(hasCharacterSet)
  assert.deepEqual(found, ['[a]', 'x[^a-f]y'])
})

test('to LIKE a backslash is one', () => assert.equal(likePattern('50%\\_'), '50%\\\\_'))

test('a pattern with a set becomes a regular expression, of which nothing else is special', () => {
  for (const [pattern, expected] of [
    ['%[a-f]%', '^.*[a-f].*$'],
    ['_.[^0-9](x)', '^.\\.[^0-9]\\(x\\)$'],
    ['[a^]{1}|$', '^[a\\^]\\{1\\}\\|\\$$'],
    ['[[:alpha:]*', '^[\\[:alpha:]\\*$'],
    ['\\[\\d]', '^\\\\[\\\\d]$'],
  ] as const) {
    assert.equal(setPattern(pattern), expected)
  }
})
