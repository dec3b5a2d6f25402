import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLATFORMS, snippetsOf } from './snippets.ts'

const target = {
  ...{ url: 'http://a.localhost:8080/', pathUrl: 'http://localhost:8080/services/a/', key: 'KEY', table: 'TodoItem' },
}

test('every platform has lines with the URL, the key and the table filled in', () => {
  for (const { id } of PLATFORMS) {
    const text = snippetsOf(id, target)
      .map((snippet) => snippet.text)
      .join('\n')
    assert.match(text, /KEY/, id)
    assert.match(text, /TodoItem/, id)
    assert.match(text, id === 'curl' ? /localhost:8080\/services\/a\/tables/ : /http:\/\/a\.localhost:8080\//, id)
  }
})

test('the lines for a shell have no slash twice in the path', () => {
  assert.equal(
    snippetsOf('curl', target)[2]?.text,
    "curl -H 'X-ZUMO-APPLICATION: KEY' http://localhost:8080/services/a/tables/TodoItem/ID",
  )
})
