// Every permission level against every credential, for every operation on a table.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { PERMISSION_LEVELS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { type TestCall, TestRuntime } from '../support/runtime-process.ts'
import { APP, MASTER, routed } from '../support/runtime-scenario.ts'
import { userToken } from '../support/user-tokens.ts'

let postgres: TestCluster
let runtime: TestRuntime
let service: RuntimeService

before(async () => {
  postgres = await startTestCluster()
  runtime = await TestRuntime.start(postgres.folder, 'tables')
  const tables = PERMISSION_LEVELS.map((level) => ({
    name: `For_${level}`,
    permissions: { insert: level, read: level, update: level, delete: level },
  }))
  service = await postgres.addService({ name: 'todo', tables })
  runtime.setLeases()
  await runtime.assign([service])
})

after(async () => {
  await runtime?.stop()
  await postgres?.stop()
})

const CREDENTIALS: Record<string, Record<string, string>> = {
  none: {},
  wrong: { 'x-zumo-application': 'app-keY', 'x-zumo-master': 'master-keY' },
  application: APP,
  master: MASTER,
  'bad-token': { ...APP, 'x-zumo-auth': 'a.b.c' },
  token: { 'x-zumo-auth': userToken('master-key') },
  'foreign-token': { ...APP, 'x-zumo-auth': userToken('another-key') },
}
const ALLOWED: Record<string, string[]> = {
  public: ['none', 'wrong', 'application', 'token', 'master'],
  application: ['application', 'master'],
  user: ['token', 'master'],
  admin: ['master'],
}

for (const level of PERMISSION_LEVELS) {
  for (const [credential, headers] of Object.entries(CREDENTIALS)) {
    const isAllowed = ALLOWED[level]?.includes(credential) ?? false
    test(`a ${level} table ${isAllowed ? 'lets in' : 'refuses'} the credential '${credential}'`, async () => {
      const table = `/tables/For_${level}`
      const id = `${credential}-${level}`
      const calls: [TestCall, number][] = [
        [{ method: 'POST', path: table, body: { id } }, 201],
        [{ path: table }, 200],
        [{ path: `${table}/${id}` }, 200],
        [{ method: 'PATCH', path: `${table}/${id}`, body: { text: 'x' } }, 200],
        [{ method: 'DELETE', path: `${table}/${id}` }, 204],
      ]
      for (const [call, status] of calls) {
        const answer = await runtime.call({ ...call, headers: routed(service, headers) })
        assert.equal(answer.status, isAllowed ? status : 401, `${call.method ?? 'GET'} ${answer.body}`)
        if (!isAllowed) assert.match(answer.body, /^\{"code":401,"error":"Error: /)
      }
    })
  }
}
