import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditView } from './api.ts'
import { ChainFollower, FIRST_HASH, hashOfEntry } from './audit-chain.ts'

const COUNT = 5

function checkChain(entries: AuditView[]) {
  const follower = new ChainFollower()
  for (const entry of entries) follower.take(entry)
  return follower.check
}

function chain(): AuditView[] {
  let hash = FIRST_HASH
  return Array.from({ length: COUNT }, (_, index) => {
    const link = index + 1
    const entry = {
      ...{ id: 10 * link, at: `2026-11-2${index}T00:00:00.000Z`, principal: 'ada', action: 'account role' },
      ...{ subject: 'kim', before: { role: 'reader', at: [1, null] }, after: { role: 'owner' }, operation: null },
    }
    hash = hashOfEntry(hash, link, entry)
    return { ...entry, link, hash }
  })
}

test('a chain that nobody touched is whole, whatever the order of keys', () => {
  const turned = chain().map((entry) => ({ ...entry, before: { at: [1, null], role: 'reader' } }))
  assert.deepEqual(checkChain(turned), { isWhole: true, upTo: COUNT, problem: null, head: turned.at(-1)?.hash })
  assert.deepEqual(checkChain([]), { isWhole: true, upTo: 0, problem: null, head: FIRST_HASH })
})

const THIRD = 2
const TAMPERINGS: [what: string, tamper: (entries: AuditView[]) => AuditView[], says: RegExp][] = [
  [
    'a changed field',
    (all) => all.with(THIRD, { ...chain()[THIRD], principal: 'eve' } as AuditView),
    /entry 3 .* not what/,
  ],
  [
    'a changed value deep inside',
    (all) => all.with(THIRD, { ...chain()[THIRD], after: { role: 'reader' } } as AuditView),
    /entry 3/,
  ],
  ['one taken out', (all) => all.toSpliced(THIRD, 1), /entry 3 is missing: the next one is 4/],
  [
    'one taken out and the rest moved up',
    (all) => all.toSpliced(THIRD, 1).map((one, index) => ({ ...one, link: index + 1 })),
    /entry 3/,
  ],
  [
    'two that change places',
    (all) => all.with(1, { ...all[2], link: 2 } as AuditView).with(2, { ...all[1], link: 3 } as AuditView),
    /entry 2/,
  ],
  ['one put in', (all) => all.toSpliced(THIRD, 0, { ...all[1], link: 3 } as AuditView), /entry 3/],
]
for (const [what, tamper, says] of TAMPERINGS) {
  test(`${what} shows, with how far the chain is good`, () => {
    const { isWhole, problem, upTo } = checkChain(tamper(chain()))
    assert.equal(isWhole, false)
    assert.match(problem ?? '', says)
    assert.ok(upTo >= 1 && upTo < COUNT)
  })
}
