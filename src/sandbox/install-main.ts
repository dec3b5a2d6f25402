// Installs npm modules, with npm's own code, in a jail: no network, no scripts of packages, one folder to work in. What came
// of it goes over the pipe to who started it, file by file. Started with types stripped.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import type { NpmPackage } from '../contract/npm-modules.ts'
import { FrameReader, frameOf } from './frames.ts'
import type { FromInstaller, InstallOrder, RegistryAnswer, ToInstaller } from './install-messages.ts'
import { registryAgent } from './registry-agent.ts'
import { look } from './sight.ts'

const CHANNEL = 3
/** What is sent is bounded by whoever takes it. */
const FRAME_BYTES_MAX = 2 ** 30
/** How npm asks again where a registry fails. */
const RETRIES = { retries: 2, factor: 2, minTimeout: 500, maxTimeout: 2_000 }
/** Wherever they are named: in a lock file, in overrides, by another package. What is in here is ours. */
const FROM_REGISTRIES = { allowFile: 'none', allowDirectory: 'none', allowGit: 'none' }
/** What npm notes for itself, and what runs nothing here. */
const LEFT_OUT = new Set(['.bin', '.package-lock.json', '.cache'])

type Node = { name: string; version: string; isRoot: boolean; isLink: boolean; hasInstallScript: boolean }
type Tree = { inventory: { values: () => Iterable<Node> } }
type Arborist = new (options: object) => { reify: (options: object) => Promise<Tree> }

const channel = new Socket({ fd: CHANNEL, readable: true, writable: true })
const asked = new Map<number, (answer: RegistryAnswer) => void>()
let asks = 0

// Without who started us there is nobody to work for.
channel.on('close', () => process.exit(0))
channel.on('error', () => process.exit(0))
const reader = new FrameReader(FRAME_BYTES_MAX)
channel.on('data', (chunk: Buffer) => {
  for (const message of reader.take(chunk) as ToInstaller[]) take(message)
})
await say({ kind: 'ready', sight: look() })

function take(message: ToInstaller): void {
  if (message.kind === 'told') {
    asked.get(message.ask)?.(message)
    asked.delete(message.ask)
    return
  }
  run(message).then(say, async (error) => await say(failureOf(error)))
}

async function run(order: InstallOrder): Promise<FromInstaller> {
  const { npmFolder, workFolder, registry } = order
  const app = `${workFolder}/app`
  await mkdir(app)
  await writeFile(`${app}/package.json`, order.packageText)
  if (order.lockText !== null) await writeFile(`${app}/package-lock.json`, order.lockText)
  const Arborist = createRequire(`${npmFolder}/package.json`)('@npmcli/arborist') as Arborist
  const agent = registryAgent(
    async (url, headers) =>
      await new Promise((resolve, reject) => {
        asks += 1
        asked.set(asks, resolve)
        say({ kind: 'ask', ask: asks, url, headers }).catch(reject)
      }),
  )
  const arborist = new Arborist({
    ...{ path: app, cache: `${workFolder}/cache`, registry, agent, retry: RETRIES },
    ...{ ignoreScripts: true, binLinks: false, audit: false, fund: false, progress: false, ...FROM_REGISTRIES },
  })
  const tree = await arborist.reify({ omit: ['dev'], save: true, audit: false })
  await sendFiles(`${app}/node_modules`, order)
  const lockText = await readFile(`${app}/package-lock.json`, 'utf8')
  return { kind: 'done', packages: packagesOf(tree), lockText }
}

// In an order that is the same everywhere: what they are known by later is a hash over all of them.
async function sendFiles(folder: string, { bytesMax, filesMax }: InstallOrder): Promise<void> {
  const paths: string[] = []
  await collect(folder, '', paths, filesMax)
  let bytes = 0
  for (const path of paths.sort()) {
    const content = await readFile(`${folder}/${path}`)
    bytes += content.length
    if (bytes > bytesMax) throw tooLarge(`more than ${bytesMax} bytes`)
    await say({ kind: 'file', path, content: content.toString('base64') })
  }
}

// Links lead somewhere else, and are left out.
async function collect(folder: string, below: string, paths: string[], filesMax: number): Promise<void> {
  const entries = await readdir(`${folder}/${below}`, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (below === '' && LEFT_OUT.has(entry.name)) continue
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) await collect(folder, path, paths, filesMax)
    else if (entry.isFile()) paths.push(path)
    if (paths.length > filesMax) throw tooLarge(`more than ${filesMax} files`)
  }
}

function packagesOf(tree: Tree): NpmPackage[] {
  const installed = [...tree.inventory.values()].filter(({ isRoot, isLink }) => !isRoot && !isLink)
  const packages = installed.map(({ name, version, hasInstallScript }) => {
    return { name, version, ...(hasInstallScript ? { hasInstallScript } : {}) }
  })
  const key = ({ name, version }: NpmPackage) => `${name} ${version}`
  const once = new Map(packages.map((one) => [key(one), one]))
  return [...once.values()].sort((left, right) => (key(left) < key(right) ? -1 : 1))
}

function tooLarge(message: string): Error {
  return Object.assign(new Error(message), { code: 'TOO_LARGE' })
}

function failureOf(error: unknown): FromInstaller {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown }
  return { kind: 'failed', code: String(code ?? ''), message: String(message ?? error) }
}

// Waits for who reads it: all of the modules at once would not fit in here.
async function say(message: FromInstaller): Promise<void> {
  const frame = frameOf(message, FRAME_BYTES_MAX)
  if (frame) await new Promise<void>((resolve) => void channel.write(frame, () => resolve()))
}
