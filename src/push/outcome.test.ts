import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PushPlatform } from '../contract/push.ts'
import { backOffMs, judge, retryAfterMs } from './outcome.ts'

type Case = [PushPlatform, number, Record<string, string>, unknown, string]

const NOW = Date.parse('2026-11-30T12:00:00Z')
const fcm = (status: string, errorCode?: string) => ({
  error: { status, details: errorCode === undefined ? [] : [{ '@type': 'x' }, { errorCode }] },
})

const CASES: Case[] = [
  ['wns', 200, { 'x-wns-status': 'received' }, '', 'sent'],
  ['wns', 200, {}, '', 'sent'],
  ['wns', 200, { 'x-wns-status': 'dropped' }, '', 'failed WNS says dropped'],
  ['wns', 200, { 'x-wns-status': 'channelthrottled' }, '', 'failed WNS says channelthrottled'],
  ['wns', 400, { 'x-wns-error-description': 'bad tile' }, '', 'failed 400 bad tile'],
  ['wns', 401, {}, '', 'stale_token 401'],
  ['wns', 403, {}, '', 'failed 403'],
  ['wns', 404, {}, '', 'dead 404'],
  ['wns', 410, {}, '', 'dead 410'],
  ['wns', 406, { 'retry-after': '7' }, '', 'later 406 after 7000'],
  ['wns', 413, {}, '', 'failed 413'],
  ['wns', 503, {}, '', 'later 503 after null ours'],
  ['apns', 200, {}, '', 'sent'],
  ['apns', 400, {}, { reason: 'BadDeviceToken' }, 'dead 400 BadDeviceToken'],
  ['apns', 400, {}, { reason: 'BadTopic' }, 'failed 400 BadTopic'],
  ['apns', 410, {}, { reason: 'Unregistered', timestamp: 1 }, 'dead 410 Unregistered'],
  ['apns', 403, {}, { reason: 'ExpiredProviderToken' }, 'stale_token 403 ExpiredProviderToken'],
  ['apns', 403, {}, { reason: 'InvalidProviderToken' }, 'later 403 InvalidProviderToken after null ours'],
  ['apns', 413, {}, { reason: 'PayloadTooLarge' }, 'failed 413 PayloadTooLarge'],
  ['apns', 429, { 'retry-after': '2' }, { reason: 'TooManyRequests' }, 'later 429 TooManyRequests after 2000'],
  ['apns', 503, {}, 'no json', 'later 503 after null ours'],
  ['gcm', 200, {}, { name: 'projects/p/messages/1' }, 'sent'],
  ['gcm', 404, {}, fcm('NOT_FOUND', 'UNREGISTERED'), 'dead 404 UNREGISTERED'],
  ['gcm', 404, {}, fcm('NOT_FOUND'), 'failed 404 NOT_FOUND'],
  ['gcm', 400, {}, fcm('INVALID_ARGUMENT', 'INVALID_ARGUMENT'), 'failed 400 INVALID_ARGUMENT'],
  ['gcm', 401, {}, fcm('UNAUTHENTICATED'), 'stale_token 401 UNAUTHENTICATED'],
  ['gcm', 403, {}, fcm('PERMISSION_DENIED', 'SENDER_ID_MISMATCH'), 'failed 403 SENDER_ID_MISMATCH'],
  ['gcm', 403, {}, fcm('PERMISSION_DENIED'), 'later 403 PERMISSION_DENIED after null ours'],
  [
    'gcm',
    429,
    { 'retry-after': '60' },
    fcm('RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'),
    'later 429 QUOTA_EXCEEDED after 60000 ours',
  ],
  ['webpush', 201, {}, '', 'sent'],
  ['webpush', 404, {}, 'gone', 'dead 404 gone'],
  ['webpush', 410, {}, '', 'dead 410'],
  ['webpush', 403, {}, 'wrong key', 'failed 403 wrong key'],
  ['webpush', 401, {}, '', 'later 401 after null'],
  ['webpush', 413, {}, '', 'failed 413'],
  ['webpush', 500, {}, '', 'later 500 after null'],
  ['webpush', 429, { 'retry-after': '9' }, '', 'later 429 after 9000'],
]

for (const [platform, status, headers, body, expected] of CASES) {
  test(`${platform} answers ${expected}`, () => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const judged = judge(platform, { status, headers, body: text }, NOW)
    const reason = 'reason' in judged ? ` ${judged.reason}` : ''
    const more = judged.kind === 'later' ? ` after ${judged.afterMs}${judged.isOurs ? ' ours' : ''}` : ''
    assert.equal(`${judged.kind}${reason}${more}`, expected)
  })
}

test('Retry-After is read as seconds or as a date', () => {
  assert.equal(retryAfterMs('5', NOW), 5_000)
  assert.equal(retryAfterMs('Mon, 30 Nov 2026 12:00:09 GMT', NOW), 9_000)
  assert.equal(retryAfterMs('-5', NOW), 0)
  assert.equal(retryAfterMs('soon', NOW), null)
  assert.equal(retryAfterMs(undefined, NOW), null)
  assert.equal(retryAfterMs('99999999', NOW), 86_400_000)
})

test('tries wait longer and longer, apart from each other, and never less than was asked', () => {
  const of = (tries: number, random: number, afterMs: number | null = null) =>
    backOffMs(tries, { afterMs, random, minMs: 1_000, maxMs: 60_000 })
  assert.deepEqual(
    [0, 1, 2, 3, 10, 99].map((tries) => of(tries, 1)),
    [1_000, 2_000, 4_000, 8_000, 60_000, 60_000],
  )
  assert.equal(of(3, 0), 4_000)
  assert.equal(of(5, 0, 2_000), 2_000)
  assert.equal(of(5, 1, 2_000), 3_000)
})
