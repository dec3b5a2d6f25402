import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instantOf, localOf, timeLineOf } from './moment.ts'

test('a moment of the local clock becomes an instant', () => {
  assert.equal(instantOf('2026-11-27T18:00:05'), new Date(2026, 10, 27, 18, 0, 5).toISOString())
})

test('nothing chosen is no moment', () => {
  assert.equal(instantOf(''), null)
  assert.equal(instantOf('tomorrow'), null)
})

test('an instant is shown by the local clock, and comes back the same', () => {
  const ms = new Date(2026, 2, 4, 5, 6, 7).getTime()
  assert.equal(localOf(ms), '2026-03-04T05:06:07')
  assert.equal(instantOf(localOf(ms)), new Date(ms).toISOString())
})

test('what can be restored is a line of whole seconds, with the backups that are whole on it', () => {
  const restorable = { from: '2026-03-04T05:06:07.500Z', to: '2026-03-04T06:00:00.900Z' }
  const backups = [
    { endedAt: '2026-03-04T05:30:00.000Z', problem: null },
    { endedAt: '2026-03-04T05:40:00.000Z', problem: 'a part is missing' },
    { endedAt: '2026-03-04T05:00:00.000Z', problem: null },
  ]
  const line = timeLineOf({ restorable, backups })
  assert.deepEqual(line, {
    fromMs: Date.parse('2026-03-04T05:06:08Z'),
    toMs: Date.parse('2026-03-04T06:00:00Z'),
    backups: [Date.parse('2026-03-04T05:30:00Z')],
  })
  assert.equal(timeLineOf({ restorable: null, backups }), null)
  assert.equal(timeLineOf({ restorable: { ...restorable, to: restorable.from }, backups }), null)
})
