// parse-server from npm, installed on demand in a folder outside of this package, with a database of its own on the
// same PostgreSQL as the service that it is compared with.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomKey } from '../src/kit/identifiers.ts'
import { freePort } from '../tests/support/cloud.ts'
import { SANDBOXED_TABLE, SCRIPTED_TABLE } from './app-work.ts'
import type { Target } from './load.ts'

export const PEER = 'parse-server@9.10.0'

/** Where it keeps its rows. */
export type PeerDatabase = { host: string; database: string; user: string; password: string }

// Its own defaults, but that apps may make classes, as dynamic schema lets them here, and that nothing is logged.
const START = `
import { createServer } from 'node:http'
import express from 'express'
import { ParseServer } from 'parse-server'
const { port, appId, masterKey, database } = JSON.parse(process.argv[2])
const parse = new ParseServer({
  databaseURI: 'postgres://localhost:5432/' + database.database, databaseOptions: database, appId, masterKey,
  serverURL: 'http://127.0.0.1:' + port + '/parse', cloud: new URL('./cloud.cjs', import.meta.url).pathname,
  allowClientClassCreation: true, silent: true, logsFolder: null,
})
await parse.start()
createServer(express().use('/parse', parse.app)).listen(port, '127.0.0.1', () => process.send('listening'))
process.on('disconnect', () => process.exit(0))
`
const CLOUD_CODE = `
Parse.Cloud.beforeSave('${SCRIPTED_TABLE}', (request) => {
  if (request.object.get('number') < 0) request.object.set('number', 0)
})
Parse.Cloud.beforeSave('${SANDBOXED_TABLE}', (request) => {
  const text = request.object.get('text')
  let words = 1
  for (let i = 0; i < text.length; i += 1) if (text.charAt(i) === ' ') words += 1
  request.object.set('number', words)
})
`

export class PeerServer {
  readonly target: Target
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(parts: { target: Target; child: ChildProcess; folder: string }) {
    this.target = parts.target
    this.#child = parts.child
    this.#folder = parts.folder
  }

  /** Installs and starts it. `folder`: one where it is installed already; null: anew, and removed in the end. */
  static async start(database: PeerDatabase, installed: string | null): Promise<PeerServer> {
    const folder = installed ?? (await mkdtemp(join(tmpdir(), 'mainstay-peer-')))
    if (installed === null) await install(folder)
    await writeFile(join(folder, 'start.mjs'), START)
    await writeFile(join(folder, 'cloud.cjs'), CLOUD_CODE)
    const [port, appId] = [await freePort(), randomKey()]
    const options = JSON.stringify({ port, appId, masterKey: randomKey(), database })
    const child = spawn(process.execPath, ['start.mjs', options], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    await Promise.race([once(child, 'message'), once(child, 'exit').then(() => Promise.reject(new Error('it ended')))])
    const target = { url: `http://127.0.0.1:${port}`, prefix: '/parse', headers: { 'x-parse-application-id': appId } }
    return new PeerServer({ target, child, folder: installed === null ? folder : '' })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true })
  }
}

async function install(folder: string): Promise<void> {
  const words = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', PEER]
  const child = spawn('npm', words, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`npm could not install ${PEER}`)
}
