import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isReady, typedOf, wantedOf } from './platform-fields.ts'

test('a form begins with what may be shown, and sends what was typed', () => {
  const facts = { packageSid: 'ms-app://a', clientSecret: '(secret, SHA-256 begins 0)', endpoint: 'http://x' }
  const typed = typedOf('wns', facts)
  assert.deepEqual(typed, { packageSid: 'ms-app://a', mode: 'production', endpoint: 'http://x' })
  assert.deepEqual(wantedOf('wns', typed), { packageSid: 'ms-app://a', endpoint: 'http://x' })
  const cleared = { ...typed, clientSecret: ' new ', endpoint: '' }
  assert.deepEqual(wantedOf('wns', cleared), { packageSid: 'ms-app://a', clientSecret: 'new', endpoint: null })
})

test('secrets may be left empty where they are set', () => {
  const typed = { packageSid: 'ms-app://a' }
  assert.equal(isReady('wns', typed, false), false)
  assert.equal(isReady('wns', typed, true), true)
  assert.equal(isReady('wns', { clientSecret: 'x' }, true), false)
  assert.equal(wantedOf('apns', { mode: 'sandbox' }).endpoint, null)
})
