// How long a `git push` takes that deploys a repository of 50 scripts, 3 custom APIs and npm modules, until it runs.
// Usage: npm run bench:deploy -- [runs]
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { appRepository, registryOfApp } from '../tests/support/app-repository.ts'
import { TestCloud } from '../tests/support/cloud.ts'
import { GitClient } from '../tests/support/git-client.ts'
import { printTable, type Summary, summarise } from './statistics.ts'

const RUNS_DEFAULT = 10

const runs = Number(process.argv[2] ?? RUNS_DEFAULT)
const found: Record<'first' | 'one' | 'all', number[]> = { first: [], one: [], all: [] }
const registry = await registryOfApp()
const cloud = await TestCloud.start('empty', { env: { MAINSTAY_NPM_REGISTRY: registry.url } })
try {
  await cloud.ok(['region', 'set', 'West US', '--shared-slots', '1000'])
  for (let number = 1; number <= runs; number += 1) {
    await measure(number)
    console.error(`run ${number} of ${runs}: ${Object.values(found).map((all) => Math.round(all.at(-1) ?? 0))} ms`)
  }
} finally {
  await cloud.dispose()
  await registry.stop()
}
const rows: Record<string, Summary> = {
  'the whole repository to a new service, modules installed once': summarise(found.first),
  'one script changed': summarise(found.one),
  'all scripts changed': summarise(found.all),
}
printTable(rows, 'ms')

async function measure(number: number): Promise<void> {
  const name = `App${number}`
  await cloud.ok(['mobile', 'create', name, '--location', 'West US'])
  const enabled = await cloud.ok(['mobile', 'preview', 'enable', name, 'SourceControl', '--json'])
  const token = (await readFile(join(cloud.home, 'operator.token'), 'utf8')).trim()
  const git = await GitClient.make()
  try {
    await git.run('remote', 'add', 'origin', JSON.parse(enabled).url.replace('://', `://any:${token}@`))
    const files = appRepository()
    found.first.push(await push(git, files))
    const own = Object.entries(files).filter(([path]) => path.endsWith('.js'))
    found.one.push(
      await push(git, Object.fromEntries(own.slice(0, 1).map(([path, text]) => [path, `${text}// one\n`]))),
    )
    found.all.push(await push(git, Object.fromEntries(own.map(([path, text]) => [path, `${text}// all\n`]))))
  } finally {
    await git.dispose()
  }
}

async function push(git: GitClient, files: Record<string, string>): Promise<number> {
  await git.commit('measured', files)
  const from = performance.now()
  const said = await git.run('push', 'origin', 'master')
  if (!said.includes('It runs on')) throw new Error(`it does not run: ${said}`)
  return performance.now() - from
}
