import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CERTIFICATE_LEFT_SHARE_MIN,
  GATEWAY_BUSY_MAX,
  GATEWAY_SILENT_MS,
  STANDBY_BEHIND_BYTES,
  STANDBY_BEHIND_MS,
  VAULT_BEHIND_MS,
} from '../kit/limits.ts'
import { judgeCertificate, judgeGateway, judgeStandby, judgeVault } from './part-verdict.ts'
import type { Verdict } from './verdict.ts'

const short = (verdict: Verdict) => (verdict.state === 'Ready' ? 'Ready' : `${verdict.state} ${verdict.cause}`)
const DAY_MS = 86_400_000

test('a standby is behind by time, by bytes, or by record', () => {
  const standby = { machine: 'east-us-1', standing: 'ready', lagBytes: 0, lagMs: 0 }
  const table: [Parameters<typeof judgeStandby>[1], string][] = [
    [null, 'Ready'],
    [standby, 'Ready'],
    [{ ...standby, lagMs: STANDBY_BEHIND_MS - 1, lagBytes: STANDBY_BEHIND_BYTES - 1 }, 'Ready'],
    [{ ...standby, lagMs: STANDBY_BEHIND_MS }, 'Degraded standby_behind'],
    [{ ...standby, lagBytes: STANDBY_BEHIND_BYTES }, 'Degraded standby_behind'],
    [{ ...standby, standing: 'building', lagBytes: STANDBY_BEHIND_BYTES }, 'Ready'],
    [{ ...standby, standing: 'released' }, 'Degraded standby_behind'],
    [{ ...standby, standing: null, lagMs: STANDBY_BEHIND_MS }, 'Ready'],
  ]
  for (const [facts, verdict] of table) assert.equal(short(judgeStandby('sql', facts)), verdict, JSON.stringify(facts))
})

test('a vault is unreachable once it has refused for a while', () => {
  const facts = { vault: '/srv/vault', problem: 'no', behindMs: VAULT_BEHIND_MS }
  const table: [Parameters<typeof judgeVault>[1], string][] = [
    [null, 'Ready'],
    [{ ...facts, problem: null }, 'Ready'],
    [{ ...facts, behindMs: VAULT_BEHIND_MS - 1 }, 'Ready'],
    [facts, 'Degraded vault_unreachable'],
    [{ ...facts, behindMs: null }, 'Degraded vault_unreachable'],
  ]
  for (const [one, verdict] of table) assert.equal(short(judgeVault('sql', one)), verdict, JSON.stringify(one))
})

test('a gateway is silent, busy, or turns requests away', () => {
  const facts = { silentMs: 0, busy: 0, turnedAway: 0 }
  const table: [Parameters<typeof judgeGateway>[1], string][] = [
    [facts, 'Ready'],
    [{ ...facts, busy: GATEWAY_BUSY_MAX - 0.01 }, 'Ready'],
    [{ ...facts, busy: GATEWAY_BUSY_MAX }, 'Degraded gateway_overloaded'],
    [{ ...facts, turnedAway: 1 }, 'Degraded gateway_overloaded'],
    [{ ...facts, silentMs: null }, 'Degraded gateway_unreachable'],
    [{ ...facts, silentMs: GATEWAY_SILENT_MS, busy: 1 }, 'Degraded gateway_unreachable'],
  ]
  for (const [one, verdict] of table) assert.equal(short(judgeGateway('edge-1', one)), verdict, JSON.stringify(one))
})

test('a certificate that is not renewed is told, and more loudly near its end, however long it lives', () => {
  const month = 30 * DAY_MS
  const table: [leftMs: number, lifeMs: number, verdict: string, message: RegExp][] = [
    [month / 3, month, 'Ready', /^/],
    [month * CERTIFICATE_LEFT_SHARE_MIN - 1, month, 'Degraded certificate_expiring', /ends in 7 days/],
    [23 * 3_600_000, month, 'Unhealthy certificate_expiring', /ends in 23 hour/],
    [-1, month, 'Unhealthy certificate_expiring', /has ended/],
    [20_000, 90_000, 'Degraded certificate_expiring', /ends in 1 minute/],
    [5_000, 90_000, 'Unhealthy certificate_expiring', /ends in 1 minute/],
  ]
  for (const [leftMs, lifeMs, expected, message] of table) {
    const verdict = judgeCertificate('east-us-1', { leftMs, lifeMs })
    assert.equal(short(verdict), expected, `${leftMs} of ${lifeMs}`)
    if (verdict.state !== 'Ready') assert.match(verdict.message, message)
  }
})
