import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../kit/fault.ts'
import { PROTOCOL_STRANGERS_RATE } from '../kit/limits.ts'
import { Strangers } from './strangers.ts'

const [ADDRESS, OTHER] = ['192.0.2.1', '192.0.2.2']
const TOO_MANY = { code: 'http.too_many_requests', status: 429 }

const known = async () => 'ada'
const unknown = (status: number) => async (): Promise<string> => {
  throw new Fault('account.bad_token', status, 'this token is not known here')
}

async function flood(strangers: Strangers, address: string): Promise<void> {
  for (let count = 0; count < PROTOCOL_STRANGERS_RATE.burst; count += 1) {
    const status = count % 2 === 0 ? 401 : 403
    const shown = count % 3 === 0 ? null : `wrong ${count}`
    await assert.rejects(strangers.admit({ address, shown }, unknown(status)), { status })
  }
}

test('an address without a try left is not looked up any more; others are', async () => {
  const strangers = new Strangers()
  await flood(strangers, ADDRESS)
  const neverAsked = async () => assert.fail('it was looked up')
  await assert.rejects(strangers.admit({ address: ADDRESS, shown: 'one more' }, neverAsked), TOO_MANY)
  await assert.rejects(strangers.admit({ address: ADDRESS, shown: null }, neverAsked), TOO_MANY)
  assert.equal(await strangers.admit({ address: OTHER, shown: 'one more' }, known), 'ada')
})

test('what was good before is looked up from there all the same, until it is good no more', async () => {
  const strangers = new Strangers()
  const from = { address: ADDRESS, shown: 'of ada' }
  await strangers.admit(from, known)
  await flood(strangers, ADDRESS)
  assert.equal(await strangers.admit(from, known), 'ada')
  // It was revoked: that counts, and finds the address used up.
  await assert.rejects(strangers.admit(from, unknown(403)), TOO_MANY)
  await assert.rejects(strangers.admit(from, known), TOO_MANY)
})

test('faults of ours take no try', async () => {
  const strangers = new Strangers()
  const broken = async () => {
    throw new Error('the database is gone')
  }
  for (let count = 0; count <= PROTOCOL_STRANGERS_RATE.burst; count += 1) {
    await assert.rejects(strangers.admit({ address: ADDRESS, shown: 'of ada' }, broken), /the database is gone/)
    await assert.rejects(strangers.admit({ address: ADDRESS, shown: 'of bob' }, unknown(503)), { status: 503 })
  }
  assert.equal(await strangers.admit({ address: ADDRESS, shown: 'of ada' }, known), 'ada')
})
