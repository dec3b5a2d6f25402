// Roles that only pretend, as real processes: a control with a status, a gateway, hosts with a child that stands for
// PostgreSQL. For tests of starting, killing, reviving and stopping the local cloud.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Client } from '../../src/cli/client.ts'
import { readTextIfAny } from '../../src/kit/files.ts'
import { LocalCloud } from '../../src/local/cloud.ts'
import { foldersOfCloud } from '../../src/local/cloud-home.ts'
import { killOurs } from '../../src/local/our-processes.ts'
import { pickPort } from '../../src/local/ports.ts'
import type { RoleSpawner } from '../../src/local/role-process.ts'

// Its name makes its processes look like ours to whoever searches for them.
const SCRIPT = `
import { spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
const [role, ...args] = process.argv.slice(2)
const option = (name) => args[args.indexOf('--' + name) + 1]
const home = option('home')
mkdirSync(home, { recursive: true })
const health = { state: 'Ready', cause: null, message: null, since: null, evidence: [], next: null }
const capacity = { reservedUnits: 1, reservedUnitsUsed: 0, sharedSlots: 1, sharedSlotsUsed: 0 }
const region = (name) => ({ name, slug: name, health, ...capacity, hosts: 1 })
const status = { regions: ['West US', 'East US'].map(region), services: [], machines: [], controls: [], archive: null, warnings: [] }
const children = []
if (role === 'control') {
  writeFileSync(option('token-file'), 'token')
  const joinToken = {
    token: 'once',
    role: 'host',
    domain: 'West US',
    machine: null,
    expiresAt: '2026-01-01T00:00:00.000Z',
    controlUrl: 'localhost:1',
  }
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(request.url.endsWith('/join-tokens') ? joinToken : status))
  })
  server.listen(Number(option('port')), '127.0.0.1', () => process.send({ kind: 'ready' }))
} else {
  appendFileSync(home + '/told', 'token ' + (process.env.MAINSTAY_JOIN_TOKEN ?? 'none') + '\\n')
  writeFileSync(home + '/certificate.json', '{}')
  const idle = ['-e', 'setInterval(() => {}, 1000)']
  if (role === 'host') children.push(spawn(process.execPath, idle, { detached: true, stdio: 'ignore' }))
  writeFileSync(home + '/pids', [process.pid, ...children.map((child) => child.pid)].join(' '))
  process.on('message', (message) => appendFileSync(home + '/told', JSON.stringify(message) + '\\n'))
  process.channel?.unref()
  setInterval(() => {}, 1000)
  process.send?.({ kind: 'ready' })
}
const stop = () => {
  for (const child of children) child.kill('SIGKILL')
  process.exit(0)
}
process.on('SIGTERM', stop)
process.on('disconnect', stop)
`

/** A cloud of pretended roles in a folder; every process of it ends with the test. */
export type FakeCloud = { cloud: LocalCloud; said: string[] }

/** Makes a cloud that is not started yet. */
export async function makeFakeCloud(context: TestContext, folder: string): Promise<FakeCloud> {
  const said: string[] = []
  const cloud = new LocalCloud({
    home: join(folder, 'cloud'),
    port: await pickPort(),
    controlPort: await pickPort(),
    env: { PATH: process.env.PATH },
    connect: (url, token) => new Client({ url, token, hintWhenSilent: '' }),
    say: (label) => said.push(label),
    onStopRequest: () => {},
    spawn: fakeSpawner(folder),
  })
  context.after(async () => {
    await cloud.stop()
    await killOurs(await foldersOfCloud(cloud.home))
  })
  return { cloud, said }
}

/** Starts the script in place of a role. */
export function fakeSpawner(folder: string): RoleSpawner {
  mkdirSync(folder, { recursive: true })
  const script = join(folder, 'mainstay.mjs')
  writeFileSync(script, SCRIPT)
  return (args, { stdio, detached, env }) =>
    spawn(process.execPath, [script, ...args], { stdio, detached: detached ?? false, ...(env ? { env } : {}) })
}

/** What a pretended role was told, one line each. */
export async function toldTo(roleHome: string): Promise<string[]> {
  return ((await readTextIfAny(join(roleHome, 'told'))) ?? '').trimEnd().split('\n')
}

/** The process ids of a pretended role and its child. */
export async function pidsOf(roleHome: string): Promise<number[]> {
  return ((await readTextIfAny(join(roleHome, 'pids'))) ?? '').split(' ').map(Number)
}
