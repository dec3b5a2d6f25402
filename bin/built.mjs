// Which files start a role or the CLI: the bundles of `npm run build`, which load in half the time, or the sources where
// one of these is newer, so that whoever changes something sees it. Plain JavaScript that Node 18 understands.
import { readdirSync, statSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
/** Where the bundles are, flat: the root is as far away from them as from a source. */
export const BUNDLES = `${ROOT}dist/roles/`
/** What they are made of; the packages among it are as the lock file says. */
const FOLDERS = ['src', 'migrations']
const LOCK = 'package-lock.json'
const NOT_AMONG = /^portal$|\.test\.ts$/

/** What is imported to run a role, or `cli`. */
export function entryOf(name) {
  return pathToFileURL(isBuilt() ? `${BUNDLES}${name}.mjs` : `${ROOT}src/${name}/main.ts`).href
}

/** True when there are bundles of the sources as they are. */
export function isBuilt() {
  const built = statSync(`${BUNDLES}cli.mjs`, { throwIfNoEntry: false })
  if (!built) return false
  // Nobody edits an installed package.
  if (ROOT.includes('/node_modules/')) return true
  if (isNewer(ROOT + LOCK, built)) return false
  return !FOLDERS.some((folder) => holdsNewer(ROOT + folder, built))
}

function holdsNewer(folder, built) {
  // Its own time tells of what went.
  if (isNewer(folder, built)) return true
  return readdirSync(folder, { withFileTypes: true }).some((entry) => {
    if (NOT_AMONG.test(entry.name)) return false
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? holdsNewer(path, built) : isNewer(path, built)
  })
}

function isNewer(path, built) {
  return (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > built.mtimeMs
}
