// The folder that becomes a sandbox's root: places for Node and its libraries, which are mounted there, and the sandbox's
// own code, with types stripped. Made once by each runtime.
import { access, chmod, constants, readFile, writeFile } from 'node:fs/promises'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'
import { makeFolders, removeTree } from '../kit/files.ts'
import { type BorderFacts, CODE_INSIDE, NODE_INSIDE, TOOLS, type Tools } from './border.ts'

const CODE = [
  'main',
  'api-call',
  'call-under-way',
  'contexts',
  'errors',
  'extension-call',
  'fetch-call',
  'http-modules',
  'filter-function',
  'frames',
  'intrinsics',
  'kept-contexts',
  'module-world',
  'node-modules',
  'push-calls',
  'script-api',
  'script-call',
  'script-extension',
  'script-globals',
  'script-push',
  'script-queries',
  'script-side',
  'script-sql',
  'script-tables',
  'sql-calls',
  'sql-text',
  'timers',
  'wire',
  'wns-templates',
]
/** Of the kit: it is needed on both sides. */
const KIT_CODE = ['module-text']
// A library that our code needs, file by file: it lies where Node looks for it.
const LIBRARY = { name: 'acorn', files: ['package.json', 'dist/acorn.js'] }
const TOOL_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']
const READ_ONLY = 'bind,ro,nosuid,nodev'

export type Jail = BorderFacts & { entries: string[] }

/** Makes it below `folder`, anew. */
export async function makeJail(folder: string): Promise<Jail> {
  const root = join(folder, 'root')
  const mounts = join(folder, 'mounts')
  await removeTree(folder)
  for (const name of CODE) {
    const path = join(root, CODE_INSIDE, `${name}.mjs`)
    await put(path, await strippedCode(name))
  }
  for (const name of KIT_CODE) await put(join(root, CODE_INSIDE, `${name}.mjs`), await strippedCode(`../kit/${name}`))
  await putLibrary(join(root, CODE_INSIDE, 'node_modules', LIBRARY.name))
  const node = process.execPath
  // Programs need not be allowed in the folder itself, only in what is mounted in it.
  const lines = [mountLine(root, root, `${READ_ONLY},noexec`)]
  const programs = [
    { from: node, inside: NODE_INSIDE },
    ...listLibraries().map((path) => ({ from: path, inside: path })),
  ]
  for (const { from, inside } of programs) {
    await put(join(root, inside), '')
    lines.push(mountLine(from, join(root, inside), READ_ONLY))
  }
  await put(mounts, lines.join(''))
  const entries = [...programs.map(({ inside }) => inside), CODE_INSIDE].map((path) => path.split('/')[1] ?? '')
  const isRoot = process.getuid?.() === 0
  return { isRoot, tools: await findTools(), node, root, mounts, entries }
}

async function strippedCode(name: string): Promise<string> {
  const text = await readFile(new URL(`./${name}.ts`, import.meta.url), 'utf8')
  // Node warns that this function may change; the version of Node is pinned.
  const warn = process.emitWarning
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(text).replace(/from '\.{1,2}\/(?:kit\/)?([\w-]+)\.ts'/g, "from './$1.mjs'")
  } finally {
    process.emitWarning = warn
  }
}

async function putLibrary(folder: string): Promise<void> {
  const { resolve } = createRequire(import.meta.url)
  const from = dirname(resolve(`${LIBRARY.name}/package.json`))
  for (const file of LIBRARY.files) await put(join(folder, file), await readFile(join(from, file), 'utf8'))
}

// What this very process has loaded is what another Node needs.
function listLibraries(): string[] {
  const report = process.report.getReport() as { sharedObjects?: string[] }
  const paths = (report.sharedObjects ?? []).filter((path) => path.startsWith('/') && path !== process.execPath)
  return [...new Set(paths)].filter((path) => !path.endsWith('.node'))
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function findTools(): Promise<Tools> {
  const tools: Tools = {}
  for (const name of TOOLS) {
    for (const folder of TOOL_FOLDERS) {
      const path = join(folder, name)
      if (await isExecutable(path)) tools[name] ??= path
    }
  }
  return tools
}

// Whatever our umask is: another user reads it.
async function put(path: string, text: string): Promise<void> {
  await makeFolders(dirname(path))
  await writeFile(path, text)
  await chmod(path, 0o644)
}

function mountLine(from: string, to: string, options: string): string {
  return `${escaped(from)} ${escaped(to)} none ${options} 0 0\n`
}

function escaped(path: string): string {
  return path.replace(/[\s\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`)
}
