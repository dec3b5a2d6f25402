import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WNS_TEMPLATES, wnsBadgeXml, wnsTemplateXml } from './wns-templates.ts'

test('each template has as many texts and images as it says', () => {
  assert.equal(new Set(WNS_TEMPLATES.map(({ name }) => name)).size, WNS_TEMPLATES.length)
  assert.equal(WNS_TEMPLATES.length, 8 + 2 * (10 + 36))
  for (const { name, kind, texts, images } of WNS_TEMPLATES) {
    const xml = wnsTemplateXml(name, {})
    assert.ok(xml.startsWith(`<${kind}>`) && xml.endsWith(`</${kind}>`), xml)
    assert.equal(xml.split('<text ').length - 1, texts, name)
    assert.equal(xml.split('<image ').length - 1, images, name)
  }
})

const CASES: [string, Record<string, unknown>, string][] = [
  [
    'ToastText01',
    { text1: 'a & <b>', launch: 'x="1"', extra: 'no' },
    '<toast launch="x=&#34;1&#34;"><visual><binding template="ToastText01"><text id="1">a &#38; &#60;b&#62;</text></binding></visual></toast>',
  ],
  [
    'ToastImageAndText02',
    { image1src: 'http://a/b?c&d', image1alt: 'alt', text1: 1, text2: 'two', audio: { src: 'ms-winsoundevent:X' } },
    '<toast><visual><binding template="ToastImageAndText02"><image id="1" src="http://a/b?c&#38;d" alt="alt"/><text id="1">1</text><text id="2">two</text></binding></visual><audio src="ms-winsoundevent:X"/></toast>',
  ],
  [
    'TileSquare150x150Text04',
    { text1: 'x', lang: 'de' },
    '<tile><visual version="2"><binding template="TileSquare150x150Text04" fallback="TileSquareText04" lang="de"><text id="1">x</text></binding></visual></tile>',
  ],
]
for (const [name, values, expected] of CASES) {
  test(`the XML of ${name}`, () => assert.equal(wnsTemplateXml(name, values), expected))
}

test('a badge is a number or a glyph, and nothing gets out of it', () => {
  assert.equal(wnsBadgeXml(7), '<badge value="7"/>')
  assert.equal(wnsBadgeXml({ value: 'alert', version: 1 }), '<badge value="alert"/>')
  assert.equal(wnsBadgeXml('"/><x'), '<badge value="&#34;/&#62;&#60;x"/>')
  assert.throws(() => wnsBadgeXml(undefined))
})
