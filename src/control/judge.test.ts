import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isBackUnheard, isLoginRefused } from './judge.ts'

const SERVICE = { name: 'Shop', schema_name: 'shop', epoch: '4' }
const LONG_AGO_MS = 60_000
const made = (epoch: number, ageMs = LONG_AGO_MS, toldMs = 100) => ({
  ...{ schemas: [{ schema: 'shop', epoch, ageMs, problem: null }], toldMs },
})
const refused = (service: string, epoch: number, toldMs = 100) => [
  { toldMs: 100 },
  { refusedLogins: [{ service, epoch }], toldMs },
]

const CASES = [
  { what: 'the login of this epoch', probes: refused('Shop', 4), server: made(4), is: true },
  {
    what: "an ended epoch's, by a runtime that has yet to hear",
    probes: refused('Shop', 3),
    server: made(4),
    is: false,
  },
  { what: 'one that is not made yet', probes: refused('Shop', 4), server: made(3), is: false },
  {
    what: 'one that was made just now, when it may have been seen before',
    probes: refused('Shop', 4),
    server: made(4, 1_000),
    is: false,
  },
  {
    what: 'one that was told long before it was made',
    probes: refused('Shop', 4, 8_000),
    server: made(4, 9_000),
    is: false,
  },
  {
    what: 'one that was made before, by a host that was heard some time ago',
    probes: refused('Shop', 4),
    server: made(4, 1_000, 2_000),
    is: true,
  },
  { what: "another service's", probes: refused('Other', 4), server: made(4), is: false },
  { what: 'one on a server whose host is silent', probes: refused('Shop', 4), server: null, is: false },
  { what: 'none', probes: [{ refusedLogins: [], toldMs: 100 }], server: made(4), is: false },
]

for (const { what, probes, server, is } of CASES) {
  test(`a login counts as refused, or does not: ${what}`, () => {
    assert.equal(isLoginRefused(SERVICE, probes, server), is)
  })
}

test('what could not be reached is back when somebody hears it, and not when nobody says any more that it is silent', () => {
  const trouble = (cause: string, state: 'Unhealthy' | 'Degraded' = 'Unhealthy') => ({
    ...{ state, cause, message: '', evidence: [] },
  })
  const ready = { state: 'Ready' as const }
  const cases = [
    [trouble('region_unreachable'), ready, false, true],
    [trouble('host_unreachable'), trouble('runtime_down', 'Degraded'), false, true],
    [trouble('database_unreachable'), ready, false, true],
    [trouble('region_unreachable'), ready, true, false],
    [trouble('region_unreachable'), trouble('host_unreachable'), false, false],
    [trouble('runtime_down'), ready, false, false],
    [ready, trouble('region_unreachable'), false, false],
  ] as const
  for (const [standing, fresh, isHeard, is] of cases) {
    assert.equal(isBackUnheard(standing, fresh, isHeard), is, JSON.stringify([standing, fresh, isHeard]))
  }
})
