// What a service's package.json may say. Pure; whether the packages are there is npm's to tell.
import { LOCK_FILE, PACKAGE_FILE } from '../contract/npm-modules.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { PACKAGE_BYTES_MAX, SCRIPT_BYTES_MAX } from '../kit/limits.ts'

type Fields = Record<string, unknown>

/** What is not in a registry: a folder of whoever wrote it, or a repository. */
const ELSEWHERE =
  /^(?:file|link|workspace|portal):|^[~./]|^(?:git|git\+\w+|ssh|github|gitlab|bitbucket|gist):|^[^@/:\s]+\/[^/:\s]+$/
const KINDS = ['dependencies', 'optionalDependencies'] as const

/** How many packages it asks for. Faults with `npm.bad_package` and `script.too_large`. */
export function checkPackageText(text: string): number {
  const fields = objectOf(PACKAGE_FILE, text, PACKAGE_BYTES_MAX)
  if (fields.workspaces !== undefined) throw bad('it has workspaces', 'Name what its scripts need in dependencies.')
  let count = 0
  for (const kind of KINDS) {
    const wanted = fields[kind] ?? {}
    if (!isObject(wanted)) throw bad(`'${kind}' is no object`, `As { "${kind}": { "lodash": "^4.17.0" } }.`)
    for (const [name, range] of Object.entries(wanted)) {
      if (typeof range !== 'string') throw bad(`the version of '${name}' is no text`, 'As "^4.17.0".')
      if (ELSEWHERE.test(range)) {
        throw bad(`'${name}' is to come from '${range}'`, 'Packages come from the registry, or by https as a .tgz.')
      }
      count += 1
    }
  }
  return count
}

/** Faults with `npm.bad_package` and `script.too_large`. */
export function checkLockText(text: string): void {
  const fields = objectOf(LOCK_FILE, text, SCRIPT_BYTES_MAX)
  if (typeof fields.lockfileVersion === 'number') return
  throw bad(`${LOCK_FILE} is none of npm: it has no lockfileVersion`, 'Make it with npm install --package-lock-only.')
}

function objectOf(name: string, text: string, bytesMax: number): Fields {
  const bytes = Buffer.byteLength(text)
  if (bytes > bytesMax) throw new Fault('script.too_large', 413, `${name} has ${bytes} bytes; ${bytesMax} are the most`)
  let parsed: unknown
  try {
    // Some editors put a mark before it, which npm takes.
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw bad(`${name} is no JSON: ${messageOf(error)}`, 'Nothing was changed; what ran before runs on.')
  }
  if (!isObject(parsed)) throw bad(`${name} is no object`, 'As { "dependencies": { "lodash": "^4.17.0" } }.')
  return parsed
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function bad(what: string, hint: string): Fault {
  return new Fault('npm.bad_package', 400, what, { hint })
}
