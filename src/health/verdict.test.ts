import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judgeReach, judgeService, type ServiceFacts, type Vantage } from './verdict.ts'

const control = { name: 'control', domain: 'control', silentMsMax: 3_500 }
const gateway = { name: 'gateway-1', domain: 'edge', silentMsMax: 3_000 }
const east = { name: 'east-us-1', domain: 'East US', silentMsMax: 3_500 }

describe('a machine', () => {
  const rows: [string, Vantage[], boolean][] = [
    [
      'is not lost when all reach it',
      [
        { ...control, silentMs: 900 },
        { ...gateway, silentMs: 400 },
      ],
      false,
    ],
    [
      'is not lost on the word of control alone',
      [
        { ...control, silentMs: 9_000 },
        { ...gateway, silentMs: 400 },
      ],
      false,
    ],
    [
      'is lost when control and a gateway agree',
      [
        { ...control, silentMs: 3_500 },
        { ...gateway, silentMs: 3_000 },
      ],
      true,
    ],
    [
      'is lost when control and another region agree',
      [
        { ...control, silentMs: 4_000 },
        { ...east, silentMs: 4_000 },
      ],
      true,
    ],
    [
      'is not lost when two gateways of one domain agree',
      [
        { ...gateway, silentMs: 9_000 },
        { ...gateway, name: 'gateway-2', silentMs: 9_000 },
      ],
      false,
    ],
    [
      'is not lost because of what its own region says',
      [
        { ...control, silentMs: 9_000 },
        { name: 'west-us-2', domain: 'West US', silentMsMax: 1, silentMs: 9_000 },
      ],
      false,
    ],
    [
      'survives a pause of 2 s after an old heartbeat',
      [
        { ...control, silentMs: 3_050 },
        { ...gateway, silentMs: 2_550 },
      ],
      false,
    ],
    [
      'survives a pause of 2 s of which two hear the end late, on a busy machine',
      [
        { ...control, silentMs: 500 },
        { ...gateway, silentMs: 3_300 },
        { ...east, silentMs: 3_700 },
      ],
      false,
    ],
    [
      'is lost in the end though control still hears it',
      [
        { ...control, silentMs: 500 },
        { ...gateway, silentMs: 5_000 },
        { ...east, silentMs: 5_500 },
      ],
      true,
    ],
  ]
  for (const [name, vantages, expected] of rows) {
    test(name, () => assert.equal(judgeReach(vantages, 'West US').isLost, expected))
  }
})

const reached = { isLost: false, evidence: [] }
const lost = { isLost: true, evidence: ['control has had no answer for 4.0 s'] }
const well: ServiceFacts = {
  regionName: 'West US',
  home: reached,
  isWholeRegionLost: false,
  runtime: { isServing: true, isCrashing: false, gatewaysSilent: 0, gatewaysReaching: 1 },
  database: {
    server: 'sql-west-us',
    regionName: 'West US',
    host: reached,
    isOpen: true,
    problem: null,
    diskFreeBytes: null,
    isUnreachableFromRuntime: false,
    isLoginRefused: false,
  },
  scripts: null,
}
const down = { isServing: false, isCrashing: false, gatewaysSilent: 1, gatewaysReaching: 0 }

describe('a service', () => {
  const rows: [string, Partial<ServiceFacts>, string][] = [
    ['is Ready when nothing is wrong', {}, 'Ready'],
    ['is Unhealthy with its region', { home: lost, isWholeRegionLost: true }, 'Unhealthy region_unreachable'],
    ['is Unhealthy with its host', { home: lost }, 'Unhealthy host_unreachable'],
    ['is Unhealthy when host and gateway agree on its runtime', { runtime: down }, 'Unhealthy runtime_down'],
    [
      'is told apart when the runtime crashes in a loop',
      { runtime: { ...down, isCrashing: true } },
      'Unhealthy runtime_crash_loop',
    ],
    ['is Degraded on the word of a gateway alone', { runtime: { ...down, isServing: true } }, 'Degraded runtime_down'],
    ['is Degraded on the word of its host alone', { runtime: { ...down, gatewaysSilent: 0 } }, 'Degraded runtime_down'],
    [
      "is Unhealthy when its database's host is lost elsewhere",
      { database: { ...well.database, host: lost } },
      'Unhealthy database_unreachable',
    ],
    [
      'is Unhealthy when host and runtime agree on its database',
      { database: { ...well.database, isOpen: false, isUnreachableFromRuntime: true } },
      'Unhealthy database_unreachable',
    ],
    [
      'is Degraded when only the runtime misses its database',
      { database: { ...well.database, isUnreachableFromRuntime: true } },
      'Degraded database_unreachable',
    ],
    [
      'is Unhealthy when its runtime does not reach a database whose host control does not hear',
      { database: { ...well.database, isOpen: null, isUnreachableFromRuntime: true } },
      'Unhealthy database_unreachable',
    ],
    [
      'is Degraded while its database has no room on its disk',
      { database: { ...well.database, diskFreeBytes: 2 ** 20 } },
      'Degraded database_full',
    ],
    [
      'is Unhealthy when that has ended its database',
      { database: { ...well.database, diskFreeBytes: 0, isOpen: false } },
      'Unhealthy database_full',
    ],
    [
      'is Unhealthy when its database answers and does not let it in',
      { database: { ...well.database, isLoginRefused: true } },
      'Unhealthy database_auth_failed',
    ],
    [
      'is not called refused by a database that is closed',
      { database: { ...well.database, isLoginRefused: true, isOpen: false } },
      'Degraded database_unreachable',
    ],
    [
      'is Degraded while its scripts fail',
      { scripts: { runs: 10, failed: 5, problem: 'x' } },
      'Degraded scripts_failing',
    ],
    ['is Ready while few of its scripts fail', { scripts: { runs: 4, failed: 4, problem: 'x' } }, 'Ready'],
    ['is Ready while most runs of its scripts are well', { scripts: { runs: 11, failed: 5, problem: 'x' } }, 'Ready'],
    [
      'tells of its runtime before its scripts',
      { runtime: { ...down, gatewaysSilent: 0 }, scripts: { runs: 9, failed: 9, problem: 'x' } },
      'Degraded runtime_down',
    ],
    [
      'is Ready while only control does not hear the host of its database',
      { database: { ...well.database, isOpen: null } },
      'Ready',
    ],
  ]
  for (const [name, given, expected] of rows) {
    test(name, () => {
      const verdict = judgeService({ ...well, ...given })
      assert.equal(verdict.state === 'Ready' ? 'Ready' : `${verdict.state} ${verdict.cause}`, expected)
    })
  }
})
