// What scripts get by a name: whose code is evaluated then, and whose timers they are.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallUnderWay, running } from './call-under-way.ts'
import { ModuleWorld } from './module-world.ts'

const LIMITS = { rowsMax: 10, timersMax: 10, logCharactersMax: 100, messageBytesMax: 1_000_000, jobIdleMs: 10 }

function begun() {
  const evaluatedFor: unknown[] = []
  const npm = (name: string) => {
    if (name !== 'of-npm') return undefined
    evaluatedFor.push(running.getStore()?.call)
    return { exports: 'found' }
  }
  const deps = { files: {}, textOf: () => undefined, config: {}, limits: LIMITS, npm, say: () => {} }
  const world = new ModuleWorld(deps)
  const call = new CallUnderWay(1, '/table/T.insert.js', {
    ...{ say: () => {}, limits: LIMITS, nextAsk: () => 1, onDone: () => {} },
  })
  return { world, call, evaluatedFor }
}

test('an npm module is nobody’s: it outlives the call that first needed it', () => {
  const { world, call, evaluatedFor } = begun()
  call.run(() => assert.equal(world.require('/table', 'of-npm'), 'found'))
  assert.deepEqual(evaluatedFor, [null])
})

test('timers of the module of that name are those of the call', () => {
  const { world, call } = begun()
  for (const name of ['timers', 'node:timers']) {
    call.run(() => {
      const timers = world.require('/table', name) as typeof import('node:timers')
      const timer = timers.setInterval(() => {}, 1_000)
      assert.equal(call.timers.count, 1)
      timers.clearInterval(timer)
      assert.equal(call.timers.count, 0)
      assert.equal(typeof timers.promises.setTimeout, 'function')
    })
  }
})

test('modules of Node that are of no use here are not there', () => {
  const { world } = begun()
  for (const name of ['fs', 'node:net']) assert.throws(() => world.require('/table', name), /Cannot find module/)
  assert.equal(typeof world.require('/table', 'path'), 'object')
})
