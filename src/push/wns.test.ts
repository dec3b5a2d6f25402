import assert from 'node:assert/strict'
import { test } from 'node:test'
import { channelUrl, redirected, wnsRequest } from './wns.ts'

const CREDENTIALS = { packageSid: 'ms-app://a', clientSecret: 'b' }
const MESSAGE = { platform: 'wns', body: '<toast/>', headers: { 'x-wns-type': 'wns/toast' } } as const

const CHANNELS: [string, boolean][] = [
  ['https://db3.notify.windows.com/?token=a', true],
  ['https://notify.windows.com/?token=a', true],
  ['https://DB3.Notify.Windows.com/?token=a', true],
  ['http://db3.notify.windows.com/?token=a', false],
  ['https://notify.windows.com.evil.example/?token=a', false],
  ['https://evilnotify.windows.com/?token=a', false],
  ['https://evil.example/?x=.notify.windows.com', false],
  ['https://notify.windows.com@evil.example/', false],
  ['nothing', false],
]
for (const [channel, isOne] of CHANNELS) {
  test(`our token is ${isOne ? '' : 'not '}told to ${channel}`, () => {
    assert.equal(channelUrl(channel) !== null, isOne)
    assert.equal(wnsRequest(CREDENTIALS, channel, MESSAGE, 't') !== null, isOne)
  })
}

test('at another place it stays there, whatever the path of a channel says', () => {
  const moved = (channel: string) => redirected(new URL(channel), 'http://127.0.0.1:9000').href
  assert.equal(moved('https://a.notify.windows.com/x?token=1'), 'http://127.0.0.1:9000/x?token=1')
  assert.equal(
    moved('https://a.notify.windows.com//evil.example/?token=1'),
    'http://127.0.0.1:9000//evil.example/?token=1',
  )
})
