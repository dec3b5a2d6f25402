import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Duty, decideDuty, type Kept } from './server-duty.ts'

const kept = (role: Kept['role'], epoch: number): Kept => ({ role, epoch })
const PRIMARY_5 = { role: 'primary' as const, epoch: 5 }
const STANDBY_6 = { role: 'standby' as const, epoch: 6 }

describe('a host makes of a server', () => {
  const rows: [string, Kept | null, Parameters<typeof decideDuty>[1], Duty][] = [
    ['a primary, where there is nothing yet', null, PRIMARY_5, 'lead'],
    ['a primary, where it was one under this epoch', kept('primary', 5), PRIMARY_5, 'lead'],
    ['a primary that stands still, when it is to move', kept('primary', 5), { ...PRIMARY_5, isStopping: true }, 'stop'],
    ['a promoted standby', kept('standby', 4), PRIMARY_5, 'promote'],
    ['a standby, where there is nothing yet', null, STANDBY_6, 'follow'],
    ['a standby, where it was one', kept('standby', 5), STANDBY_6, 'follow'],
    ['nothing of an old order', kept('standby', 7), STANDBY_6, 'refuse'],
    ['a quarantine of a primary that another has succeeded', kept('primary', 5), STANDBY_6, 'quarantine'],
    ['a quarantine of a primary that is told of a newer epoch', kept('primary', 4), PRIMARY_5, 'quarantine'],
    ['a quarantine of what was in it', kept('quarantined', 5), STANDBY_6, 'quarantine'],
    [
      'a standby of a primary that was stopped in a planned move',
      kept('primary', 5),
      { ...STANDBY_6, rejoin: { epoch: 5, lsn: '0/1' } },
      'rejoin',
    ],
    [
      'a quarantine of a primary of another epoch than the one that moved',
      kept('primary', 4),
      { ...STANDBY_6, rejoin: { epoch: 5, lsn: '0/1' } },
      'quarantine',
    ],
    [
      'a standby in the place of a quarantine whose writes are kept elsewhere',
      kept('quarantined', 5),
      { ...STANDBY_6, replaces: { epoch: 5, isKept: false } },
      'follow',
    ],
    [
      'a quarantine of what is newer than may be replaced',
      kept('quarantined', 5),
      { ...STANDBY_6, replaces: { epoch: 4, isKept: false } },
      'quarantine',
    ],
    [
      'a quarantine of what was in it, also when it moved once',
      kept('quarantined', 5),
      { ...STANDBY_6, rejoin: { epoch: 5, lsn: '0/1' } },
      'quarantine',
    ],
  ]
  for (const [name, what, wanted, duty] of rows) test(name, () => assert.equal(decideDuty(what, wanted), duty))
})
