// The sample page: with the service's own URL and key, whatever they are made of.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { webSample } from './web-sample.ts'

test('it has the rows of the table and the key filled in', () => {
  const page = webSample({ pathUrl: 'http://localhost:8080/services/todo/', key: 'abc', table: 'TodoItem' })
  assert.match(page, /^const ROWS = "http:\/\/localhost:8080\/services\/todo\/tables\/TodoItem"$/m)
  assert.match(page, /^const KEY = "abc"$/m)
})

test('nothing that is filled in ends the script or its text', () => {
  const page = webSample({ pathUrl: 'http://x/', key: '</script>"\n', table: '</script>' })
  assert.equal(page.match(/<\/script>/g)?.length, 1)
  assert.match(page, /^const KEY = "\\u003c\/script>\\"\\n"$/m)
})
