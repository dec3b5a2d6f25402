import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { PROTOCOL_VERSION } from '../contract/protocols.ts'
import { Fault } from '../kit/fault.ts'
import { ControlTrouble } from './control-trouble.ts'

function watched(): { trouble: ControlTrouble; lines: string[] } {
  const lines: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => lines.push(String(JSON.parse(line).msg)) })
  return { trouble: new ControlTrouble(log), lines }
}

test('orders of control are followed in its own version and the one before, and in no other', () => {
  const { trouble, lines } = watched()
  const assignment = { version: 1, machine: 'west-us-1' }
  trouble.requireSpoken({ ...assignment, protocol: PROTOCOL_VERSION })
  trouble.requireSpoken(assignment)
  const refusal = { code: 'assignment.other_version', hint: /Upgrade Mainstay on this machine/ }
  assert.throws(() => trouble.requireSpoken({ ...assignment, protocol: PROTOCOL_VERSION + 1 }), refusal)
  assert.throws(() => trouble.requireSpoken({ ...assignment, protocol: PROTOCOL_VERSION + 1 }), refusal)
  assert.deepEqual(lines, [
    "control's orders are of protocol 3, this machine follows 1 to 2; this machine goes on with its last assignment",
  ])
})

test('a refusal by control is told once, and again after it was over; silence is not told', () => {
  const { trouble, lines } = watched()
  const refusal = new Fault('machine.revoked', 403, 'west-us-1 was revoked')
  for (const error of [refusal, refusal, new Fault('door.unreachable', 503, 'no answer'), refusal]) trouble.note(error)
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /control refuses this machine: west-us-1 was revoked/)
  trouble.clear()
  trouble.note(refusal)
  assert.equal(lines.length, 2)
})
