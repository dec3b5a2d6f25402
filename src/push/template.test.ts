import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderJson, renderText, renderXml } from './template.ts'

const properties = { name: 'Amélie & <Co>', News: 'A long headline of the day', count: '7', empty: '', wild: '😀😀😀' }

const TEXTS: [string, string][] = [
  ['$(name)', 'Amélie & <Co>'],
  ['Hello $(name)!', 'Hello Amélie & <Co>!'],
  ['$(NEWS)', 'A long headline of the day'],
  ['$(news, 6)', 'A long'],
  ['.(news, 9)', 'A long...'],
  ['.(news, 100)', 'A long headline of the day'],
  ['.(news, 2)', '..'],
  ['$(wild, 2)', '😀😀'],
  ['%(name)', 'Am%C3%A9lie%20%26%20%3CCo%3E'],
  ['#(count)', '7'],
  ['#(name)', '0'],
  ['$(missing)', ''],
  ['$(empty)|', '|'],
  ["{'Hi ' + $(name)}", 'Hi Amélie & <Co>'],
  ["{\"it's \" + #(count) + ' new'}", "it's 7 new"],
  ['{ $(count) }', '7'],
  ['{$(count)+$(count)}', '77'],
  ['{nothing}', '{nothing}'],
  ["{'open + $(count)", "{'open + 7"],
  ['$(', '$('],
  ['$(a b)', '$(a b)'],
  ['costs 5$ (net)', 'costs 5$ (net)'],
  ['$($(name))', '$(Amélie & <Co>)'],
]

for (const [template, expected] of TEXTS) {
  test(`${template} gives ${expected}`, () => assert.equal(renderText(template, properties), expected))
}

test('in XML what is filled in is text, never markup', () => {
  const toast = `<toast launch="$(name)"><text id="1">{'Dear ' + $(name)}</text></toast>`
  const name = 'Amélie &#38; &#60;Co&#62;'
  assert.equal(renderXml(toast, properties), `<toast launch="${name}"><text id="1">Dear ${name}</text></toast>`)
  assert.equal(renderXml('<text>$(x)</text>', { x: 'a\0b"\'' }), '<text>ab&#34;&#39;</text>')
})

test('in JSON what is filled in stays in its string, and a lone number becomes one', () => {
  const template = '{"aps":{"alert":"$(name)","badge":"#(count)","x":["%(name)",1,null,true]}}'
  assert.deepEqual(renderJson(template, { name: 'a"b\\', count: '3' }), {
    aps: { alert: 'a"b\\', badge: 3, x: ['a%22b%5C', 1, null, true] },
  })
  assert.deepEqual(renderJson('{"badge":"#(missing)"}', {}), { badge: 0 })
})

for (const text of ['nothing', '"text"', '7', '{"a":']) {
  test(`a JSON template that is ${text} is refused`, () => {
    assert.throws(() => renderJson(text, {}), { code: 'app.bad_request' })
  })
}
