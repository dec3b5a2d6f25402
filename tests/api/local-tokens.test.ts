// Which join token a role of the local cloud needs at its next start.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { issueCertificate, makeAuthority } from '../../src/accounts/authority.ts'
import { tokenNeeded } from '../../src/local/roles.ts'

test('a role asks for a token when it is new, and when its certificate ended while nobody was there to renew it', async () => {
  const joins = { role: 'gateway' as const, domain: 'edge' }
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const subject = { name: 'gateway-1', role: 'gateway', domain: 'edge' }
  const certificate = await issueCertificate(await makeAuthority(), subject, { publicKey: spki, lifeMs: 60_000 })
  const kept = { name: 'gateway-1', certificate }
  assert.deepEqual(tokenNeeded(joins, null, Date.now()), joins)
  assert.equal(tokenNeeded(joins, kept, Date.now()), null)
  assert.deepEqual(tokenNeeded(joins, kept, Date.now() + 60_001), { machine: 'gateway-1' })
})
