// What a deployed service costs a runtime that nobody asks anything: memory of a runtime with many, per service.
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_PERMISSIONS } from '../src/contract/permissions.ts'
import type { RuntimeService } from '../src/contract/runtime-channel.ts'
import { pause } from '../src/kit/clock.ts'
import { removeTree } from '../src/kit/files.ts'
import { randomKey } from '../src/kit/identifiers.ts'
import { memoryOf } from '../src/kit/processes.ts'
import { TestRuntime } from '../tests/support/runtime-process.ts'

const COUNTS = [200, 1_000]
const TABLES = 5
const SCRIPTS = 5
const KILOBYTES_MAX = 50
/** Long enough for what an assignment left behind to be collected, where it will be. */
const SETTLE_MS = 4_000

/** Prints the kilobytes of each service, with its share of what assigning them leaves uncollected. */
export async function measureIdleServices(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-bench-'))
  await chmod(folder, 0o755)
  const runtime = await TestRuntime.start(folder, 'idle')
  try {
    await runtime.assign([serviceOf(0, folder)])
    await pause(SETTLE_MS)
    const before = memoryOf(runtime.pid)
    for (const count of COUNTS) {
      await runtime.assign(Array.from({ length: count }, (_, number) => serviceOf(number, folder)))
      await pause(SETTLE_MS)
      const kilobytes = (memoryOf(runtime.pid) - before) / 1_024 / (count - 1)
      const word = kilobytes <= KILOBYTES_MAX ? 'ok  ' : 'MISS'
      console.log(
        `${word} ${count} services without traffic: ${kilobytes.toFixed(1)} kB each (at most ${KILOBYTES_MAX})`,
      )
    }
  } finally {
    await runtime.stop()
    await removeTree(folder)
  }
}

function serviceOf(number: number, folder: string): RuntimeService {
  const name = `service${number}`
  const tables = Array.from({ length: TABLES }, (_, table) => ({
    name: `Table${table}`,
    permissions: DEFAULT_PERMISSIONS,
  }))
  return {
    id: name,
    name,
    epoch: 1,
    generation: 0,
    applicationKey: randomKey(),
    masterKey: randomKey(),
    isSchemaDynamic: true,
    tables,
    scripts: Array.from({ length: SCRIPTS }, (_, table) => ({
      name: `table/Table${table}.insert`,
      hash: randomKey(),
      bytes: 900,
    })),
    scriptFolder: folder,
    socketFolder: folder,
    database: {
      ...{ server: 'sql-test', serverEpoch: 1, database: 'apps', schema: name, user: name, password: randomKey() },
      remote: null,
    },
  }
}
