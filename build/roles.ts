// Bundles each role and the CLI with the packages that they load at their start: hundreds of files that a start would
// have to find, read and check one by one. They go into `dist/roles`, where the launcher finds them (`bin/built.mjs`).
// Usage: npm run build
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { BUNDLES } from '../bin/built.mjs'
import { isAlive } from '../src/kit/processes.ts'
import { BUILT_CODE, sandboxCode } from '../src/sandbox/jail.ts'

const ROOT = resolve(import.meta.dirname, '..')
const ENTRIES = ['backups', 'cli', 'control', 'gateway', 'guard', 'host', 'runtime']
// Loaded later if at all, by their names: a process must not look for a file that another build has replaced. And one
// whose licence wants its files to stay apart.
const APART = ['@aws-sdk/client-s3', 'acme-client', 'node-forge', 'openid-client', 'papaparse', 'pg-native', 'web-push']
const NOTICES = 'third-party-notices.txt'

const startedAt = new Date()
const folder = dirname(BUNDLES)
await mkdir(folder, { recursive: true })
// What builds before this one left there, when they were killed.
for (const name of await readdir(folder)) {
  const pid = Number(/^roles\.(\d+)$/.exec(name)?.[1])
  if (pid > 0 && !isAlive(pid)) await rm(join(folder, name), { recursive: true })
}
const making = join(folder, `roles.${process.pid}`)
try {
  const bundle = await rolldown({
    input: Object.fromEntries(ENTRIES.map((name) => [name, join(ROOT, 'src', name, 'main.ts')])),
    platform: 'node',
    external: (id) => APART.some((name) => id === name || id.startsWith(`${name}/`)),
    logLevel: 'warn',
  })
  const { output } = await bundle.write({ dir: making, entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' })
  const files = output.flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []))
  await mkdir(join(making, BUILT_CODE))
  for (const [name, text] of sandboxCode()) await writeFile(join(making, BUILT_CODE, name), text)
  await writeFile(join(making, NOTICES), await noticesOf(files))
  // Whatever was changed since it began may not be in it.
  await utimes(join(making, 'cli.mjs'), startedAt, startedAt)
  // In one step, as far as there is one: whoever starts meanwhile runs the sources.
  await rm(BUNDLES, { recursive: true, force: true })
  await rename(making, BUNDLES)
} finally {
  await rm(making, { recursive: true, force: true })
}

// What the licences of the packages among these files want to be kept with them.
async function noticesOf(files: string[]): Promise<string> {
  const folders = new Set(files.flatMap((file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []))
  const texts = [...folders].filter((folder) => existsSync(join(folder, 'package.json'))).map(noticeOf)
  return (await Promise.all(texts)).sort().join('\n\n')
}

async function noticeOf(folder: string): Promise<string> {
  const about = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, string>
  const names = (await readdir(folder)).filter((name) => /^(licen[cs]e|notice|copying)/i.test(name))
  const texts = await Promise.all(names.map(async (name) => await readFile(join(folder, name), 'utf8')))
  return [`${about.name} ${about.version} (${about.license})`, ...texts.map((text) => text.trim())].join('\n\n')
}
