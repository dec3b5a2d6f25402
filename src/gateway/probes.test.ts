// What a gateway's probes say of a machine: to control, and on the way of each request.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { MachineAddress } from '../contract/assignment.ts'
import { waitFor } from '../kit/clock.ts'
import type { Peers } from '../machine/peers.ts'
import { Probes } from './probes.ts'
import type { Routes } from './routes.ts'

const machine = (name: string): MachineAddress => ({ machine: name, region: 'West US', address: '127.0.0.1', port: 1 })

describe('the silence of a machine', () => {
  const setUp = (answers: string[]) => {
    const found = { hosts: [machine('west-us-1'), machine('east-us-1')] }
    const routes = {
      all: [],
      get hosts() {
        return found.hosts
      },
      hasHost: (name: string) => found.hosts.some((one) => one.machine === name),
    } as unknown as Routes
    const call = async ({ machine: name }: MachineAddress) => {
      if (!answers.includes(name)) throw new Error('no answer')
      return {}
    }
    return { found, probes: new Probes(routes, { call } as unknown as Peers) }
  }

  test('grows while its host does not answer, and is what control is told', async () => {
    const { probes } = setUp(['west-us-1'])
    probes.probeAll()
    const untilSilent = () => (probes.silentMsOf('east-us-1') >= 20 ? true : undefined)
    await waitFor('some silence', untilSilent, { withinMs: 5_000, everyMs: 5 })
    probes.probeAll()
    await turn()
    const silences = ['west-us-1', 'east-us-1'].map((name) => probes.silentMsOf(name))
    assert.ok((silences[0] ?? 0) < (silences[1] ?? 0), String(silences))
    for (const { machine: name, silentMs } of probes.facts()) {
      assert.ok(silentMs >= (name === 'west-us-1' ? (silences[0] ?? 0) : (silences[1] ?? 0)), name)
    }
  })

  test('is none of one that nobody probes: it is not known yet, or no host any more', async () => {
    const { found, probes } = setUp([])
    assert.equal(probes.silentMsOf('east-us-1'), 0)
    probes.probeAll()
    const untilSilent = () => (probes.silentMsOf('east-us-1') > 0 ? true : undefined)
    await waitFor('some silence', untilSilent, { withinMs: 5_000, everyMs: 5 })
    found.hosts = [machine('west-us-1')]
    assert.equal(probes.silentMsOf('east-us-1'), 0)
    assert.equal(probes.silentMsOf('north-us-1'), 0)
  })
})
