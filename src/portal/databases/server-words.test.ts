import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerView } from '../../contract/api.ts'
import { lagText, standbyText } from './server-words.ts'

const server = (members: object[]) => ({ kind: 'managed', members, external: null }) as unknown as ServerView

test('says where the standby is and how far behind', () => {
  const ready = { role: 'standby', region: 'East US', standing: 'ready', lagBytes: 2_048, lagMs: 400 }
  assert.equal(standbyText(server([ready])), 'East US, 400 ms, 2.0 KiB behind')
  assert.equal(standbyText(server([{ ...ready, lagBytes: 0 }])), 'East US, in step')
  assert.equal(standbyText(server([{ ...ready, standing: 'building' }])), 'East US, building')
  assert.equal(standbyText(server([])), 'none')
})

test('what was not measured is not zero', () => {
  assert.equal(lagText({ lagBytes: null, lagMs: null }), 'not measured')
})
