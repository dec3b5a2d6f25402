import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authOf, withProvider } from './auth-providers.ts'

const asText = (providers: object) => ({ auth_providers: JSON.stringify(providers), login_redirects: [] })

test('half a provider is refused, or kept for its other half; no runtime hears of it before', () => {
  assert.throws(() => withProvider({}, 'Google', { appId: 'g' }), { code: 'auth_provider.bad_value' })
  const half = withProvider({}, 'Google', { appId: 'g' }, { mayBeHalf: true })
  assert.deepEqual(half, { google: { appId: 'g', secret: '' } })
  assert.deepEqual(authOf(asText(half), (text) => text).providers, {})
  const whole = withProvider(half, 'google', { secret: 's' })
  assert.deepEqual(authOf(asText(whole), (text) => text).providers, { google: { appId: 'g', secret: 's' } })
})

test('aad is whole without a secret', () => {
  const aad = withProvider({}, 'aad', { appId: 'a' })
  assert.deepEqual(authOf(asText(aad), (text) => text).providers, { aad: { appId: 'a', secret: '' } })
})
