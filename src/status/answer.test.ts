import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { StatusPage } from '../contract/status-page.ts'
import { answerStatus, isStatusPath } from './answer.ts'

const NASTY = `<script>alert("1")</script>&'\u0000`
const at = '2026-11-27T11:00:00.000Z'

const page: StatusPage = {
  writtenAt: '2026-11-27T12:00:00.000Z',
  since: '2026-11-20',
  rows: [
    {
      ...{ area: NASTY, component: 'compute', state: 'Unhealthy', since: at },
      days: [{ day: '2026-11-27', worst: 'Unhealthy', downMinutes: 60 }],
    },
  ],
  incidents: [
    {
      ...{
        id: NASTY,
        area: NASTY,
        component: 'compute',
        state: 'Unhealthy',
        title: NASTY,
        openedAt: at,
        closedAt: null,
      },
      services: { count: 1, names: [NASTY] },
      updates: [{ at, text: NASTY }],
    },
  ],
  posts: [{ id: 'p', at, title: NASTY, text: '**x**', html: '<p><strong>x</strong></p>', window: null }],
  advice: [{ area: NASTY, services: { count: 1, names: [NASTY] } }],
}
const shown = { ageMs: 3_000, isControlSilent: false, silentRegions: [], baseUrl: 'http://apps.example' }

test('three paths are answered, with a query or without', () => {
  for (const url of ['/status', '/status?x', '/status.json', '/status.atom']) assert.ok(isStatusPath(url), url)
  for (const url of ['/', '/statuses', '/status/', '/services/status']) assert.ok(!isStatusPath(url), url)
})

test('what is shown runs nothing, whatever it is called', () => {
  const { body, headers } = answerStatus('/status', page, shown)
  assert.doesNotMatch(body, /<script/i)
  assert.match(body, /&lt;script&gt;alert\(&quot;1&quot;\)/)
  assert.match(body, /<p><strong>x<\/strong><\/p>/)
  const style = /<style>([\s\S]*)<\/style>/.exec(body)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  assert.match(headers['content-security-policy'] ?? '', /^default-src 'none'; style-src 'sha256-/)
  assert.ok(headers['content-security-policy']?.includes(`'sha256-${hash}'`))
})

test('a silent control is said, with the age and with what the entrance sees itself', () => {
  const alone = { ...shown, ageMs: 600_000, isControlSilent: true, silentRegions: ['West US'] }
  const { body } = answerStatus('/status', page, alone)
  assert.match(body, /10 min old: the management of this cloud does not answer/)
  assert.match(body, /gets no answer from <b>West US<\/b>/)
  assert.doesNotMatch(answerStatus('/status', page, shown).body, /does not answer/)
  const told = JSON.parse(answerStatus('/status.json', page, alone).body) as Record<string, unknown>
  assert.deepEqual([told.ageMs, told.isControlSilent, told.silentRegions], [600_000, true, ['West US']])
})

test('the feed is Atom that nothing breaks', () => {
  const { body, headers } = answerStatus('/status.atom', page, shown)
  assert.match(headers['content-type'] ?? '', /^application\/atom\+xml/)
  assert.doesNotMatch(body, /<script|\u0000/)
  assert.equal(body.match(/<entry>/g)?.length, 2)
  assert.match(body, /<link rel="self" href="http:\/\/apps.example\/status.atom"\/>/)
})

test('before there was a page it says so', () => {
  const { status, headers } = answerStatus('/status', null, shown)
  assert.deepEqual([status, headers['retry-after']], [503, '5'])
})
