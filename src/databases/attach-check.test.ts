import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AttachFacts, checkAttach } from './attach-check.ts'

const MARK = { cloud: 'ours', server: 'orders', token: 'a' }

function facts(given: Partial<AttachFacts> = {}, found: Partial<AttachFacts['found']> = {}): AttachFacts {
  return {
    name: 'orders',
    cloud: 'ours',
    endpoint: {
      hosts: [
        { host: 'db1', port: 5432 },
        { host: 'db2', port: 5432 },
      ],
      user: 'app',
      password: 'geheim',
      database: 'shop',
      tls: 'verify-full',
      ca: null,
    },
    found: {
      at: 'db1:5432',
      version: '16.4',
      hosts: [
        { place: 'db1:5432', state: 'writable', problem: null },
        { place: 'db2:5432', state: 'read_only', problem: null },
      ],
      dataBytes: 8_000_000,
      roundTripMs: 1.25,
      mark: null,
      problems: [],
      ...found,
    },
    unreached: [],
    attached: [],
    isSameAsMarked: false,
    isTakenOver: false,
    ...given,
  }
}

const attached = (name: string, host: string) => ({ name, hosts: [{ host, port: 5432 }] })

describe('attaching an external server', () => {
  test('says where it is, who else there is, and how far', () => {
    assert.deepEqual(checkAttach(facts()), [
      'Attach orders: shop on db1:5432, PostgreSQL 16.4',
      'db2:5432 is read-only',
      '1.3 ms there and back',
    ])
  })

  test('warns of a region that cannot reach it, and of a way that is not encrypted', () => {
    const told = checkAttach(
      facts({
        endpoint: { ...facts().endpoint, tls: 'disable' },
        unreached: [{ region: 'East US', problem: 'no route' }],
      }),
    )
    assert.deepEqual(told.slice(-2), ['Warning: not encrypted', 'Warning: from East US it cannot be reached: no route'])
  })

  const refused: [string, AttachFacts, string][] = [
    ['lacks rights', facts({}, { problems: ['may not make roles'] }), 'external.not_fit'],
    ['shares a host with another', facts({ attached: [attached('others', 'db2')] }), 'external.attached_already'],
    [
      'is another by a second name',
      facts({ name: 'again', isSameAsMarked: true, attached: [attached('orders', 'alias')] }, { mark: MARK }),
      'external.attached_already',
    ],
    ['is another cloud’s', facts({}, { mark: { ...MARK, cloud: 'theirs' } }), 'external.attached_elsewhere'],
    [
      'is attached, and the URL leads to an empty one',
      facts({ attached: [attached('orders', 'db1')] }),
      'external.other_database',
    ],
    [
      'is attached, and the URL leads to a copy of another',
      facts({ attached: [attached('orders', 'db1')] }, { mark: { ...MARK, server: 'others' } }),
      'external.other_database',
    ],
  ]
  for (const [what, given, code] of refused) {
    test(`one that ${what} is refused`, () => assert.throws(() => checkAttach(given), { code }))
  }

  const allowed: [string, AttachFacts, RegExp][] = [
    ['is attached, by another URL', facts({ attached: [attached('orders', 'db1')] }, { mark: MARK }), /by another URL/],
    ['was ours once', facts({}, { mark: MARK }), /^Attach orders/],
    [
      'is a copy of one that is attached',
      facts({ name: 'copy', attached: [attached('orders', 'elsewhere')] }, { mark: MARK }),
      /^Attach copy/,
    ],
    [
      'is another cloud’s, taken over',
      facts({ isTakenOver: true }, { mark: { ...MARK, cloud: 'theirs' } }),
      /can change nothing in it any more/,
    ],
    [
      'is a copy that takes the place of what it is a copy of',
      facts({ isTakenOver: true, attached: [attached('orders', 'db1')] }, { mark: null }),
      /by another URL/,
    ],
  ]
  for (const [what, given, text] of allowed) {
    test(`one that ${what} is taken`, () => assert.match(checkAttach(given).join('\n'), text))
  }
})
