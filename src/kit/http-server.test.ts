// How long a whole request may take to come in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildTlsApp } from './http-server.ts'
import { openLog } from './log.ts'

test('a server takes requests as long as it is told, and as Node has it otherwise', async () => {
  const log = openLog('test', 'silent')
  const usual = buildTlsApp(log, null)
  const patient = buildTlsApp(log, null, { requestMsMax: 900_000 })
  await Promise.all([usual, patient].map(({ app }) => app.ready()))
  assert.deepEqual([usual.server.requestTimeout, patient.server.requestTimeout], [300_000, 900_000])
  // A head that comes in slowly is nobody's push.
  assert.equal(patient.server.headersTimeout, usual.server.headersTimeout)
})
