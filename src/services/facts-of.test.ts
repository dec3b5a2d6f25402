// How long a change is waited for: as long as its host answers, and not for ever.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostFacts } from '../contract/facts.ts'
import { Fault } from '../kit/fault.ts'
import { untilFollows } from './facts-of.ts'

const WHERE = { machine: 'west-us-1', service: 'Todo' }

function host(...versions: number[]) {
  let asked = 0
  return {
    askHost: async () => {
      asked += 1
      return { version: versions[Math.min(asked, versions.length) - 1] } as HostFacts
    },
  }
}

test('a host that answers is asked until it has carried the change out', async () => {
  await untilFollows(host(1, 1, 2), WHERE, ({ version }) => version >= 2)
})

test('a host that is too late is named, and the person is told that the change goes on', async () => {
  await assert.rejects(
    untilFollows(host(1), WHERE, ({ version }) => version >= 2, 100),
    (fault: Fault) => {
      assert.deepEqual([fault.code, fault.status], ['change.late', 504])
      assert.match(fault.message, /^west-us-1 has not carried the change out within 100 ms$/)
      assert.match(fault.hint ?? '', /goes on by itself.*mainstay mobile show Todo/)
      return true
    },
  )
})

test('a host that is starting again is asked until it answers', async () => {
  const starting = new Fault('machine.not_answering', 503, 'west-us-1 was heard a moment ago')
  const answers = host(2)
  let refusals = 3
  const field = {
    askHost: async () => {
      if (refusals-- > 0) throw starting
      return await answers.askHost()
    },
  }
  await untilFollows(field, WHERE, ({ version }) => version >= 2)
})

test('a host that cannot be reached ends the wait at once', async () => {
  const lost = new Fault('door.unreachable', 503, 'west-us-1 cannot be reached')
  const field = {
    askHost: async () => {
      throw lost
    },
  }
  await assert.rejects(
    untilFollows(field, WHERE, () => true),
    lost,
  )
})
